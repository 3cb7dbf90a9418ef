package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Handle;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;
import io.leno.internal.bindings.NativePackedInfo;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.bytedeco.javacpp.BytePointer;

/**
 * The kept weights of one matrix, as they are stored and shipped: values group by group, column by
 * column, the rows of a group contiguous.
 *
 * <p>Immutable; may be shared by any number of threads. Operators keep what they need of it, so it
 * may be closed once they are made.
 */
public final class PackedWeights implements AutoCloseable {
  final Handle handle;
  private final long rows;
  private final long columns;
  private final int vector;
  private final DType dtype;
  private final long keptVectors;
  private final long keptWeights;
  private final long bytes;
  private final boolean identity;
  private final PatternFamily family;
  private final int memoryColumns;

  private PackedWeights(long address) {
    this.handle = new Handle("PackedWeights", address, Native::leno_packed_destroy);
    handle.watch(this);
    try (NativePackedInfo info = new NativePackedInfo()) {
      handle.use(open -> Native.leno_packed_get_info(open, info));
      this.rows = info.rows();
      this.columns = info.columns();
      this.vector = (int) info.vector();
      this.dtype = DType.of(info.dtype());
      this.keptVectors = info.kept_vectors();
      this.keptWeights = info.kept_weights();
      this.bytes = info.bytes();
      this.identity = info.identity() != 0;
      this.family = PatternFamily.of(info.family());
      this.memoryColumns = (int) info.memory_columns();
    }
  }

  /**
   * Packs the weights that the pattern keeps; others are dropped, zero or not.
   *
   * @param pattern M x K; may be closed afterwards
   * @param weights M x K, finite
   * @param dtype how to store them
   * @return new packed weights, which the caller closes
   * @throws LenoShapeException if the weights have not the shape of the pattern
   * @throws LenoNotFiniteException if a weight is NaN or infinite
   * @throws LenoStateException if the pattern is closed
   */
  public static PackedWeights pack(Pattern pattern, Matrix weights, DType dtype) {
    Check.notNull(pattern, "pattern");
    Check.notNull(dtype, "dtype");
    Check.shape(weights, pattern.rows(), pattern.columns(), "weights");
    long[] out = new long[1];
    pattern.handle.use(
        open ->
            Native.leno_packed_create(
                open, weights.pointer(), weights.stride(), dtype.code(), out));
    return new PackedWeights(out[0]);
  }

  /**
   * Packs a dense matrix: every weight is kept.
   *
   * @param weights M x K, finite
   * @param dtype how to store them
   * @return new packed weights, which the caller closes
   * @throws LenoNotFiniteException if a weight is NaN or infinite
   */
  public static PackedWeights dense(Matrix weights, DType dtype) {
    Library.load();
    Check.notNull(weights, "weights");
    Check.notNull(dtype, "dtype");
    long[] out = new long[1];
    Check.status(
        Native.leno_packed_create_dense(
            weights.pointer(),
            weights.rows(),
            weights.columns(),
            weights.stride(),
            dtype.code(),
            out));
    return new PackedWeights(out[0]);
  }

  /**
   * The same weights in another type, as for a device that multiplies no other: what {@link
   * #toDense} gives, rounded again. {@link DType#BF16} keeps 8 bits of a weight, {@link DType#F16}
   * 11 where it is not below 6e-5. An operator tells in {@code explain()} which type its weights
   * came from.
   *
   * @param dtype how to store them
   * @return new packed weights, which the caller closes
   * @throws LenoArgumentException if dtype is null
   * @throws LenoNotFiniteException if the type cannot hold a weight, as F16 one beyond 65504
   * @throws LenoStateException if these weights are closed
   */
  public PackedWeights convert(DType dtype) {
    Check.notNull(dtype, "dtype");
    long[] out = new long[1];
    handle.use(open -> Native.leno_packed_convert(open, dtype.code(), out));
    return new PackedWeights(out[0]);
  }

  /**
   * Reads a safetensors file that {@link #save} has written. Everything is validated before a byte
   * is used.
   *
   * @param path the file
   * @return new packed weights, which the caller closes
   * @throws LenoIOException if the file cannot be read
   * @throws LenoFormatException if it is not what it claims to be
   */
  public static PackedWeights load(Path path) {
    Library.load();
    long[] out = new long[1];
    try (BytePointer name = utf8(path)) {
      Check.status(Native.leno_packed_load(name, out));
    }
    return new PackedWeights(out[0]);
  }

  /**
   * Reads what {@link #toBytes} has given. Everything is validated before a byte is used.
   *
   * @param blob a safetensors file's content
   * @return new packed weights, which the caller closes
   * @throws LenoFormatException if it is not what it claims to be
   */
  public static PackedWeights fromBytes(byte[] blob) {
    Library.load();
    Check.notNull(blob, "blob");
    try (BytePointer copy = new BytePointer(Math.max(1, blob.length))) {
      copy.put(blob);
      return read(copy, blob.length);
    }
  }

  /**
   * Reads what {@link #toBytes} has given, from the buffer's position to its limit. Everything is
   * validated before a byte is used.
   *
   * @param blob a direct buffer, as a mapped file is; its position stays
   * @return new packed weights of their own memory, which the caller closes
   * @throws LenoBufferException if the buffer is not direct
   * @throws LenoFormatException if the content is not what it claims to be
   */
  public static PackedWeights fromBytes(ByteBuffer blob) {
    Library.load();
    Check.direct(blob, "blob");
    return read(new BytePointer(blob), blob.remaining());
  }

  private static PackedWeights read(BytePointer blob, long size) {
    long[] out = new long[1];
    Check.status(Native.leno_packed_read_blob(blob, size, out));
    return new PackedWeights(out[0]);
  }

  /**
   * Writes a safetensors file with a versioned metadata block.
   *
   * @param path the file; replaced where it exists
   * @throws LenoIOException if it cannot be written
   * @throws LenoStateException if these weights are closed
   */
  public void save(Path path) {
    try (BytePointer name = utf8(path)) {
      handle.use(open -> Native.leno_packed_save(open, name));
    }
  }

  /**
   * The content of the file that {@link #save} would write.
   *
   * @return a safetensors blob
   * @throws LenoStateException if these weights are closed
   * @throws LenoUnsupportedException if it is larger than a Java array; {@link #save} has no such
   *     limit
   */
  public byte[] toBytes() {
    long[] size = new long[1];
    handle.use(open -> Native.leno_packed_blob_size(open, size));
    if (size[0] > Integer.MAX_VALUE - 8) {
      throw new LenoUnsupportedException(
          "the blob has " + size[0] + " bytes, expected at most 2^31 - 9 for a Java array");
    }
    byte[] blob = new byte[(int) size[0]];
    try (BytePointer copy = new BytePointer(size[0])) {
      handle.use(open -> Native.leno_packed_write_blob(open, copy, size[0]));
      copy.get(blob);
    }
    return blob;
  }

  /**
   * The weights as the kernels see them: rounded or dequantised, zero where dropped, in original
   * row order.
   *
   * @return M x K
   * @throws LenoStateException if these weights are closed
   */
  public Matrix toDense() {
    handle.requireOpen();
    Matrix weights = Matrix.zeros(rows, columns);
    handle.use(
        open -> Native.leno_packed_to_dense(open, weights.pointer(), columns, rows * columns));
    return weights;
  }

  /**
   * The pattern that these weights were packed with.
   *
   * @return a new pattern, which the caller closes
   * @throws LenoStateException if these weights are dense, or closed
   */
  public Pattern pattern() {
    long[] out = new long[1];
    handle.use(open -> Native.leno_packed_get_pattern(open, out));
    return new Pattern(out[0], null, null);
  }

  /**
   * M: features of the output.
   *
   * @return rows of the matrix
   */
  public long rows() {
    return rows;
  }

  /**
   * K: features of the input.
   *
   * @return columns of the matrix
   */
  public long columns() {
    return columns;
  }

  /**
   * V.
   *
   * @return rows of a group; 0 for dense weights
   */
  public int vector() {
    return vector;
  }

  /**
   * Whether every weight is kept, without a pattern.
   *
   * @return true for what {@link #dense} made
   */
  public boolean isDense() {
    return vector == 0;
  }

  /**
   * How the weights are stored.
   *
   * @return never null
   */
  public DType dtype() {
    return dtype;
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
   * Stored weights, zeros within groups included.
   *
   * @return a count
   */
  public long keptWeights() {
    return keptWeights;
  }

  /**
   * Memory of values, indices, permutation and scales.
   *
   * @return bytes
   */
  public long bytes() {
    return bytes;
  }

  /**
   * Whether the rows keep their order.
   *
   * @return true for dense and vector-wise weights
   */
  public boolean isIdentity() {
    return identity;
  }

  /**
   * The family.
   *
   * @return that of the pattern; {@link PatternFamily#SHFL_BW} for dense weights
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
   * Frees the native memory. Harmless when closed already; operators made of these weights stay
   * valid.
   *
   * @throws LenoStateException if a call of another thread is using them; they stay open
   */
  @Override
  public void close() {
    handle.close();
  }

  @Override
  public String toString() {
    return "PackedWeights["
        + rows
        + " x "
        + columns
        + ", "
        + dtype
        + (isDense() ? ", dense" : ", V=" + vector)
        + ", "
        + bytes
        + " bytes]";
  }

  private static BytePointer utf8(Path path) {
    return new BytePointer(Check.notNull(path, "path").toString(), StandardCharsets.UTF_8);
  }
}
