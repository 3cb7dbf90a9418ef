package io.leno.op;

import io.leno.internal.bindings.Native;

/**
 * How the activations of a linear operator lie in memory; N tokens, K features in, M features out.
 */
public enum Layout {
  /** X [N][K], Y [N][M]: what frameworks have. */
  TOKEN_MAJOR(Native.LENO_TOKEN_MAJOR),
  /** X [K][N], Y [M][N]. */
  FEATURE_MAJOR(Native.LENO_FEATURE_MAJOR);

  private final int code;

  Layout(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
