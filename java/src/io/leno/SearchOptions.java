package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;
import io.leno.internal.bindings.NativeSearchOptions;

/**
 * How a pattern is searched. Immutable. Values are checked when a search uses them.
 *
 * <p>The defaults: V = 16, sparsity 0.75, alternating search, equal columns per group, one start,
 * one thread, seed 1, Shfl-BW.
 */
public final class SearchOptions {
  /** How the row permutation is found. */
  public enum Search {
    /** No permutation: vector-wise sparsity. */
    IDENTITY(Native.LENO_SEARCH_IDENTITY),
    /** Balanced k-means on a relaxed binary mask, as published. */
    PUBLISHED(Native.LENO_SEARCH_PUBLISHED),
    /** Alternating maximisation of the kept importance, with swaps. */
    ALTERNATING(Native.LENO_SEARCH_ALTERNATING);

    private final int code;

    Search(int code) {
      this.code = code;
    }
  }

  /** How many columns a group keeps. */
  public enum Balance {
    /** The same number in every group. */
    EQUAL(Native.LENO_BALANCE_EQUAL),
    /** One threshold over the layer. */
    LAYER(Native.LENO_BALANCE_LAYER);

    private final int code;

    Balance(int code) {
      this.code = code;
    }
  }

  private final Builder values;

  private SearchOptions(Builder values) {
    this.values = values;
  }

  /**
   * A builder with the defaults.
   *
   * @return a new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The defaults with another sparsity and V.
   *
   * @param sparsity the share of weights to drop, at least 0 and below 1
   * @param vector V, rows of a group: a power of two, 4 .. 128
   * @return the options
   */
  public static SearchOptions of(double sparsity, int vector) {
    return builder().sparsity(sparsity).vector(vector).build();
  }

  /**
   * The defaults for warp-skip patterns, whose rows keep their order.
   *
   * @param sparsity the share of weights to drop, at least 0 and below 1
   * @param unit rows that share their columns: 64 or 128, those of a thread block's tile, or 8, 16
   *     or 32, those of a warp
   * @return the options
   */
  public static SearchOptions warpSkip(double sparsity, int unit) {
    return builder().sparsity(sparsity).warpSkip(unit).build();
  }

  /**
   * The family of patterns that is searched.
   *
   * @return as set
   */
  public PatternFamily family() {
    return values.family;
  }

  /**
   * V, rows of a group.
   *
   * @return as set
   */
  public int vector() {
    return values.vector;
  }

  /**
   * The share of weights to drop.
   *
   * @return as set
   */
  public double sparsity() {
    return values.sparsity;
  }

  NativeSearchOptions toNative() {
    Library.load();
    NativeSearchOptions options = new NativeSearchOptions();
    Check.status(Native.leno_search_options_init(options));
    return options
        .vector(values.vector)
        .sparsity(values.sparsity)
        .search(values.search.code)
        .balance(values.balance.code)
        .threads(values.threads)
        .relaxation(values.relaxation)
        .starts(values.starts)
        .seed(values.seed)
        .family(values.family.code)
        .memory_dtype(values.memoryUnit == null ? 0 : values.memoryUnit.code());
  }

  /** Collects options. Not for several threads at once. */
  public static final class Builder {
    private int vector = 16;
    private double sparsity = 0.75;
    private Search search = Search.ALTERNATING;
    private Balance balance = Balance.EQUAL;
    private int threads = 1;
    private double relaxation = 2.0;
    private int starts = 1;
    private int seed = 1;
    private PatternFamily family = PatternFamily.SHFL_BW;
    private DType memoryUnit;

    private Builder() {}

    /**
     * Rows of a group, V.
     *
     * @param vector a power of two, 4 .. 128
     * @return this
     */
    public Builder vector(int vector) {
      this.vector = vector;
      return this;
    }

    /**
     * The share of weights to drop.
     *
     * @param sparsity at least 0 and below 1
     * @return this
     */
    public Builder sparsity(double sparsity) {
      this.sparsity = sparsity;
      return this;
    }

    /**
     * How the row permutation is found.
     *
     * @param search not null
     * @return this
     * @throws LenoArgumentException if search is null
     */
    public Builder search(Search search) {
      this.search = Check.notNull(search, "search");
      return this;
    }

    /**
     * How many columns a group keeps.
     *
     * @param balance not null
     * @return this
     * @throws LenoArgumentException if balance is null
     */
    public Builder balance(Balance balance) {
      this.balance = Check.notNull(balance, "balance");
      return this;
    }

    /**
     * How many threads search. The result does not depend on it.
     *
     * @param threads 1 .. 1024
     * @return this
     */
    public Builder threads(int threads) {
      this.threads = threads;
      return this;
    }

    /**
     * Density of the published search's mask over the target's.
     *
     * @param relaxation at least 1; 2 in the paper
     * @return this
     */
    public Builder relaxation(double relaxation) {
      this.relaxation = relaxation;
      return this;
    }

    /**
     * Starts of the published and of the alternating search; the best one is kept.
     *
     * @param starts 1 .. 64
     * @return this
     */
    public Builder starts(int starts) {
      this.starts = starts;
      return this;
    }

    /**
     * Equal seeds give equal patterns.
     *
     * @param seed any number
     * @return this
     */
    public Builder seed(int seed) {
      this.seed = seed;
      return this;
    }

    /**
     * Asks for a warp-skip pattern of this unit: sets V, the family, and that rows are not
     * permuted.
     *
     * @param unit 64 or 128, the rows of a thread block's tile, or 8, 16 or 32, those of a warp
     * @return this
     */
    public Builder warpSkip(int unit) {
      this.family = PatternFamily.WARP_SKIP;
      this.vector = unit;
      this.search = Search.IDENTITY;
      return this;
    }

    /**
     * Keeps or drops the weights of a warp-skip pattern in whole 32-byte sectors of memory, in
     * which a unit's columns lie one after the other: units of 8 rows in pairs of columns where
     * weights take 2 bytes, in fours where they take 1; units of 16 in pairs where they take 1.
     *
     * @param dtype the type in which the weights will be packed
     * @return this
     * @throws LenoArgumentException if dtype is null
     */
    public Builder memoryUnit(DType dtype) {
      this.memoryUnit = Check.notNull(dtype, "dtype");
      return this;
    }

    /**
     * The options as they are now.
     *
     * @return immutable options
     */
    public SearchOptions build() {
      Builder copy = new Builder();
      copy.vector = vector;
      copy.sparsity = sparsity;
      copy.search = search;
      copy.balance = balance;
      copy.threads = threads;
      copy.relaxation = relaxation;
      copy.starts = starts;
      copy.seed = seed;
      copy.family = family;
      copy.memoryUnit = memoryUnit;
      return new SearchOptions(copy);
    }
  }
}
