package io.leno.onnx;

/** Which rows of a tensor belong to tokens that count. */
final class Masks {
  private Masks() {}

  /**
   * Per row of a tensor [samples, tokens, features] whether its token counts; null where there is
   * no mask, or the tensor's axes are not the mask's.
   */
  static boolean[] rows(ModelInputs inputs, String mask, long[] shape) {
    if (mask == null || shape.length != 3) {
      return null;
    }
    InputArray array = inputs.arrays().get(mask);
    long[] axes = array.shape();
    if (axes[0] != shape[0] || axes[1] != shape[1]) {
      return null;
    }
    boolean[] counts = new boolean[(int) (axes[0] * axes[1])];
    for (int i = 0; i < counts.length; i++) {
      counts[i] = array.isSet(i);
    }
    return counts;
  }
}
