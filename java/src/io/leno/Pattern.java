package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Handle;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;
import io.leno.internal.bindings.NativePatternInfo;
import io.leno.internal.bindings.NativeSearchOptions;
import io.leno.internal.bindings.NativeSearchReport;
import io.leno.internal.bindings.NativeStructureReport;
import java.util.Optional;
import org.bytedeco.javacpp.DoublePointer;

/**
 * Which weights of an M x K matrix are kept (Shfl-BW; Huang et al., DAC 2022): the rows are
 * permuted freely and cut into groups of V; inside a group a column is wholly kept or wholly
 * dropped. With the identity permutation this is vector-wise sparsity. The last group holds the M
 * mod V rows that are left over.
 *
 * <p>Of the family {@link PatternFamily#WARP_SKIP} where it was searched with {@link
 * SearchOptions#warpSkip}.
 *
 * <p>Immutable; may be shared by any number of threads.
 */
public final class Pattern implements AutoCloseable {
  final Handle handle;
  private final long rows;
  private final long columns;
  private final int vector;
  private final long groups;
  private final long keptVectors;
  private final long keptWeights;
  private final boolean identity;
  private final PatternFamily family;
  private final int memoryColumns;
  private final SearchReport searchReport;
  private final StructureReport structureReport;

  /** Takes over a native pattern. */
  Pattern(long address, SearchReport searchReport, StructureReport structureReport) {
    this.handle = new Handle("Pattern", address, Native::leno_pattern_destroy);
    handle.watch(this);
    try (NativePatternInfo info = new NativePatternInfo()) {
      handle.use(open -> Native.leno_pattern_get_info(open, info));
      this.rows = info.rows();
      this.columns = info.columns();
      this.vector = (int) info.vector();
      this.groups = info.groups();
      this.keptVectors = info.kept_vectors();
      this.keptWeights = info.kept_weights();
      this.identity = info.identity() != 0;
      this.family = PatternFamily.of(info.family());
      this.memoryColumns = (int) info.memory_columns();
    }
    this.searchReport = searchReport;
    this.structureReport = structureReport;
  }

  /**
   * Finds the pattern that keeps the most importance. Deterministic for a seed.
   *
   * @param scores M x K, finite and not negative, as {@link Importance} gives them
   * @param options how to search
   * @return a new pattern with a {@link #searchReport()}, which the caller closes
   * @throws LenoArgumentException if an option is outside its range or V does not fit
   * @throws LenoNotFiniteException if a score is NaN or infinite
   */
  public static Pattern search(Matrix scores, SearchOptions options) {
    Library.load();
    Check.notNull(scores, "scores");
    Check.notNull(options, "options");
    long[] out = new long[1];
    try (NativeSearchOptions nativeOptions = options.toNative();
        NativeSearchReport report = new NativeSearchReport()) {
      Check.status(
          Native.leno_pattern_search(
              scores.pointer(),
              scores.rows(),
              scores.columns(),
              scores.stride(),
              nativeOptions,
              report,
              out));
      return new Pattern(out[0], SearchReport.of(report), null);
    }
  }

  /**
   * Recognises the structure of a matrix that was pruned elsewhere. The pattern holds every
   * non-zero of it, so packing with it loses nothing.
   *
   * @param weights M x K, finite
   * @param vector V to look for, a power of two, 4 .. 128; or 0 for the largest that fits, with 4
   *     where none does
   * @return a new pattern with a {@link #structureReport()}, which the caller closes
   * @throws LenoArgumentException if vector is outside its range
   * @throws LenoNotFiniteException if a weight is NaN or infinite
   */
  public static Pattern detect(Matrix weights, int vector) {
    Library.load();
    Check.notNull(weights, "weights");
    long[] out = new long[1];
    try (NativeStructureReport report = new NativeStructureReport()) {
      Check.status(
          Native.leno_pattern_detect(
              weights.pointer(),
              weights.rows(),
              weights.columns(),
              weights.stride(),
              vector,
              report,
              out));
      return new Pattern(out[0], null, StructureReport.of(report));
    }
  }

  /**
   * A pattern from its parts.
   *
   * @param rows M, at least 1
   * @param columns K, at least 1
   * @param vector V: a power of two, 4 .. 128
   * @param permutation M entries: the original row of each packed row
   * @param offsets groups + 1 entries, ascending from 0: group g keeps indices[offsets[g]] up to
   *     indices[offsets[g + 1] - 1]
   * @param indices columns, strictly ascending inside a group
   * @return a new pattern, which the caller closes
   * @throws LenoArgumentException if a part is not what it should be; the message names the entry
   */
  public static Pattern of(
      long rows, long columns, int vector, int[] permutation, long[] offsets, int[] indices) {
    Library.load();
    Check.notNull(permutation, "permutation");
    Check.notNull(offsets, "offsets");
    Check.notNull(indices, "indices");
    Check.argument(
        vector >= 4 && vector <= 128 && Integer.bitCount(vector) == 1,
        "vector is " + vector + ", expected a power of two, 4 .. 128");
    if (permutation.length != rows) {
      throw new LenoShapeException(
          "permutation has length " + permutation.length + ", expected rows = " + rows);
    }
    long groups = (rows + vector - 1) / vector;
    if (offsets.length != groups + 1) {
      throw new LenoShapeException(
          "offsets has length " + offsets.length + ", expected groups + 1 = " + (groups + 1));
    }
    long[] out = new long[1];
    Check.status(
        Native.leno_pattern_create(
            rows, columns, vector, permutation, offsets, indices, indices.length, out));
    return new Pattern(out[0], null, null);
  }

  /**
   * The same kept weights as a warp-skip pattern: of a vector-wise pattern that was made of parts
   * or detected, as after a retraining elsewhere.
   *
   * @return a new pattern, which the caller closes
   * @throws LenoArgumentException if rows are permuted or V is below 8
   * @throws LenoStateException if the pattern is closed
   */
  public Pattern toWarpSkip() {
    return toWarpSkip(0);
  }

  /**
   * As {@link #toWarpSkip()}, with a memory unit.
   *
   * @param memoryUnit the type in which the weights will be packed
   * @return a new pattern, which the caller closes
   * @throws LenoArgumentException if rows are permuted, V is below 8, or a 32-byte sector of
   *     weights is kept in part
   * @throws LenoStateException if the pattern is closed
   */
  public Pattern toWarpSkip(DType memoryUnit) {
    return toWarpSkip(Check.notNull(memoryUnit, "memoryUnit").code());
  }

  private Pattern toWarpSkip(int memoryDtype) {
    long[] out = new long[1];
    handle.use(open -> Native.leno_pattern_to_warp_skip(open, memoryDtype, out));
    return new Pattern(out[0], null, null);
  }

  /**
   * M.
   *
   * @return rows of the matrix
   */
  public long rows() {
    return rows;
  }

  /**
   * K.
   *
   * @return columns of the matrix
   */
  public long columns() {
    return columns;
  }

  /**
   * V.
   *
   * @return rows of a group
   */
  public int vector() {
    return vector;
  }

  /**
   * How many groups.
   *
   * @return M / V, rounded up
   */
  public long groups() {
    return groups;
  }

  /**
   * Kept columns summed over groups.
   *
   * @return kept V x 1 vectors
   */
  public long keptVectors() {
    return keptVectors;
  }

  /**
   * Kept weights.
   *
   * @return a count
   */
  public long keptWeights() {
    return keptWeights;
  }

  /**
   * The share of weights that are dropped.
   *
   * @return 0 .. 1
   */
  public double sparsity() {
    return 1.0 - keptWeights / ((double) rows * columns);
  }

  /**
   * Whether the rows keep their order.
   *
   * @return true for vector-wise patterns
   */
  public boolean isIdentity() {
    return identity;
  }

  /**
   * The family.
   *
   * @return never null
   */
  public PatternFamily family() {
    return family;
  }

  /**
   * The memory unit of warp-skip patterns.
   *
   * @return how many columns, in aligned runs, are kept or dropped together; 1 without a memory
   *     unit
   */
  public int memoryColumns() {
    return memoryColumns;
  }

  /**
   * How good the pattern is, where a search has found it.
   *
   * @return the report; empty for patterns that come from elsewhere
   */
  public Optional<SearchReport> searchReport() {
    return Optional.ofNullable(searchReport);
  }

  /**
   * What the matrix turned out to be, where the pattern was detected in it.
   *
   * @return the report; empty for patterns that come from elsewhere
   */
  public Optional<StructureReport> structureReport() {
    return Optional.ofNullable(structureReport);
  }

  /**
   * The original row of each packed row.
   *
   * @return M entries
   * @throws LenoStateException if the pattern is closed
   */
  public int[] permutation() {
    int[] permutation = new int[size(rows, "rows")];
    handle.use(open -> Native.leno_pattern_get_permutation(open, permutation, permutation.length));
    return permutation;
  }

  /**
   * Where each group begins in {@link #indices()}.
   *
   * @return groups + 1 entries, ascending from 0
   * @throws LenoStateException if the pattern is closed
   */
  public long[] offsets() {
    long[] offsets = new long[size(groups + 1, "groups + 1")];
    handle.use(open -> Native.leno_pattern_get_offsets(open, offsets, offsets.length));
    return offsets;
  }

  /**
   * The kept columns, group by group.
   *
   * @return {@link #keptVectors()} entries, strictly ascending inside a group
   * @throws LenoStateException if the pattern is closed
   */
  public int[] indices() {
    int[] indices = new int[size(keptVectors, "kept vectors")];
    handle.use(open -> Native.leno_pattern_get_indices(open, indices, indices.length));
    return indices;
  }

  /**
   * The mask in original row order.
   *
   * @return M x K bytes, row by row: 1 where kept, else 0
   * @throws LenoStateException if the pattern is closed
   * @throws LenoUnsupportedException if they are more than a Java array holds
   */
  public byte[] mask() {
    byte[] mask = new byte[size(rows * columns, "rows x columns")];
    handle.use(open -> Native.leno_pattern_get_mask(open, mask, mask.length));
    return mask;
  }

  /**
   * Sum of the scores that the pattern keeps.
   *
   * @param scores M x K
   * @return their sum
   * @throws LenoShapeException if scores are not M x K
   * @throws LenoStateException if the pattern is closed
   */
  public double keptImportance(Matrix scores) {
    Check.shape(scores, rows, columns, "scores");
    try (DoublePointer kept = new DoublePointer(1)) {
      handle.use(
          open ->
              Native.leno_pattern_kept_importance(open, scores.pointer(), scores.stride(), kept));
      return kept.get();
    }
  }

  /**
   * Frees the native memory. Harmless when closed already; packed weights made with the pattern
   * stay valid.
   *
   * @throws LenoStateException if a call of another thread is using the pattern; it stays open
   */
  @Override
  public void close() {
    handle.close();
  }

  @Override
  public String toString() {
    return "Pattern[" + rows + " x " + columns + ", V=" + vector + ", sparsity=" + sparsity() + "]";
  }

  private static int size(long count, String what) {
    if (count > Integer.MAX_VALUE - 8) {
      throw new LenoUnsupportedException(
          what + " is " + count + ", expected at most 2^31 - 9 for a Java array");
    }
    return (int) count;
  }
}
