package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import io.leno.LenoUnsupportedException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Cuts samples into the batches that a model takes: some are exported with axes of fixed length.
 */
final class Batches {
  private static final int TOKENS = 512; // enough for the products, little in memory

  private final boolean single;
  private final Set<String> fixedLength;

  private Batches(boolean single, Set<String> fixedLength) {
    this.single = single;
    this.fixedLength = fixedLength;
  }

  /**
   * What a model takes.
   *
   * @throws LenoUnsupportedException if it takes neither one sample at once nor any number
   */
  static Batches of(OnnxModel model) {
    boolean single = false;
    Set<String> fixedLength = new HashSet<>();
    for (ValueInfoProto input : model.inputInfos()) {
      TensorShapeProto shape = input.getType().getTensorType().getShape();
      long samples = shape.getDimCount() > 0 ? shape.getDim(0).getDimValue() : 0;
      if (samples > 1) {
        throw new LenoUnsupportedException(
            "input "
                + input.getName()
                + " has a first axis of "
                + samples
                + ", expected 1 or a free one: export the model with a dynamic batch axis");
      }
      single |= samples == 1;
      if (shape.getDimCount() > 1 && shape.getDim(1).getDimValue() > 0) {
        fixedLength.add(input.getName());
      }
    }
    return new Batches(single, fixedLength);
  }

  /** Batches of at most so many samples; padding is cut off where the model allows it. */
  List<ModelInputs> of(ModelInputs inputs, int most, String mask) {
    return inputs.batches(
        single ? 1 : most, TOKENS, mask != null && fixedLength.contains(mask) ? null : mask);
  }
}
