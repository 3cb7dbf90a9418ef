package io.leno;

import io.leno.internal.bindings.Native;

/** Element types. */
public enum DType {
  /** 32-bit floating point. */
  F32(Native.LENO_F32, 4),
  /** bfloat16: the upper half of a 32-bit number; products are summed in 32 bits. */
  BF16(Native.LENO_BF16, 2),
  /**
   * 8-bit integers, of weights alone: symmetric with one scale per row; activations are quantised
   * per token while running.
   */
  I8(Native.LENO_I8, 1),
  /** IEEE binary16, of weights and activations on CUDA devices; products are summed in 32 bits. */
  F16(Native.LENO_F16, 2),
  /**
   * 8-bit floating point (4 bits of exponent, 3 of fraction), of weights alone, on CUDA devices of
   * sm_89 and later: with one scale per row.
   */
  E4M3(Native.LENO_E4M3, 1);

  private final int code;
  private final int bytes;

  DType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /**
   * Size of an element.
   *
   * @return bytes
   */
  public int bytes() {
    return bytes;
  }

  /**
   * Whether weights of this type run on the CPU; the others run on CUDA devices alone. They can be
   * packed, saved and read anywhere.
   *
   * @return true for F32, BF16 and I8
   */
  public boolean runsOnCpu() {
    return this == F32 || this == BF16 || this == I8;
  }

  /**
   * The number of the C API.
   *
   * @return the LENO_ number
   */
  public int code() {
    return code;
  }

  static DType of(long code) {
    for (DType dtype : values()) {
      if (dtype.code == code) {
        return dtype;
      }
    }
    throw new LenoInternalException("dtype is " + code + ", expected a LENO_ number");
  }
}
