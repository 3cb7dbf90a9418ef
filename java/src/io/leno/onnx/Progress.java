package io.leno.onnx;

/** Is told how the work on a model goes on. Called on the thread that does the work. */
@FunctionalInterface
public interface Progress {
  /** Nothing is told. */
  Progress NONE = (stage, layer, fraction) -> {};

  /**
   * Some work is done.
   *
   * @param stage what is going on, for instance {@code prune}
   * @param layer name of the layer in hand, or an empty string
   * @param fraction how much of the stage is done, 0 .. 1
   */
  void update(String stage, String layer, double fraction);
}
