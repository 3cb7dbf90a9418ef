package io.leno.op;

import io.leno.internal.bindings.Native;

/** How the images of a convolution lie in memory, without gaps. */
public enum ImageLayout {
  /** [batch][channels][height][width]: what PyTorch and ONNX have. */
  NCHW(Native.LENO_NCHW),
  /** [batch][height][width][channels]: what TensorFlow has. */
  NHWC(Native.LENO_NHWC);

  private final int code;

  ImageLayout(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }
}
