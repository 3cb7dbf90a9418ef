package io.leno;

import io.leno.internal.bindings.Native;

/** Families of patterns: what a kernel can skip. */
public enum PatternFamily {
  /**
   * Shuffled block-wise sparsity (Huang et al., DAC 2022): rows permuted, groups of V of them share
   * their columns. Vector-wise where the rows keep their order.
   */
  SHFL_BW(Native.LENO_FAMILY_SHFL_BW),
  /**
   * Warp-aware fine-grain pruning (after the Euro-Par 2021 paper of that name): rows in their own
   * order; V rows, those of a thread block's tile (64, 128) or of a warp (8, 16, 32), share their
   * columns, which a GPU skips by uniform branches.
   */
  WARP_SKIP(Native.LENO_FAMILY_WARP_SKIP);

  final int code;

  PatternFamily(int code) {
    this.code = code;
  }

  static PatternFamily of(long code) {
    return code == WARP_SKIP.code ? WARP_SKIP : SHFL_BW;
  }
}
