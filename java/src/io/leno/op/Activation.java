package io.leno.op;

import io.leno.internal.bindings.Native;

/** Functions that an operator applies to its result while it is still in registers. */
public enum Activation {
  /** x. */
  NONE(Native.LENO_ACT_NONE),
  /** max(x, 0). */
  RELU(Native.LENO_ACT_RELU),
  /** x/2 (1 + erf(x / sqrt 2)). */
  GELU_ERF(Native.LENO_ACT_GELU_ERF),
  /** x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). */
  GELU_TANH(Native.LENO_ACT_GELU_TANH),
  /** x / (1 + e^-x). */
  SILU(Native.LENO_ACT_SILU),
  /** min(max(x, 0), 6); of linear layers on the CPU alone. */
  RELU6(Native.LENO_ACT_RELU6),
  /** x where it is above 0, else a slope times x; of linear layers on the CPU alone. */
  LEAKY_RELU(Native.LENO_ACT_LEAKY_RELU),
  /** x min(max(x + 3, 0), 6) / 6; on the CPU alone, of convolutions too. */
  HARD_SWISH(Native.LENO_ACT_HARD_SWISH);

  private final int code;

  Activation(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
