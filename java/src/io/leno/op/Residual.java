package io.leno.op;

import io.leno.internal.bindings.Native;

/** Whether an operator adds a residual to its result, and where. */
public enum Residual {
  /** There is none. */
  NONE(Native.LENO_RESIDUAL_NONE),
  /** Added after the activation. */
  AFTER_ACTIVATION(Native.LENO_RESIDUAL_AFTER),
  /** Added before the activation. */
  BEFORE_ACTIVATION(Native.LENO_RESIDUAL_BEFORE);

  private final int code;

  Residual(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
