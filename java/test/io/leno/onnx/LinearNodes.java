package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;

import ai.onnx.proto.OnnxMl.AttributeProto;
import io.leno.Truth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Models of one io.leno.Linear node, for tests to spoil. */
final class LinearNodes {
  static final int K = 16;
  static final int M = 16;

  private LinearNodes() {}

  static byte[] blob() {
    return TinyModel.blob(Truth.random(M * K, 1), M, K);
  }

  static TinyModel model() {
    return new TinyModel().imports("io.leno", 1);
  }

  /** x W^T. */
  static OnnxModel plain(byte[] blob) {
    TinyModel m = model();
    return of(m, List.of(), X, m.bytes(blob));
  }

  /** relu(x W^T + bias) + x, normalised. */
  static OnnxModel full() {
    TinyModel m = model();
    return of(
        m,
        List.of(attribute("activation", "relu"), attribute("residual", 1L)),
        X,
        m.bytes(blob()),
        m.random(2, M),
        X,
        m.random(3, M),
        m.random(4, M));
  }

  static OnnxModel of(TinyModel model, List<AttributeProto> attributes, String... inputs) {
    return model.output(model.node("io.leno", "Linear", attributes, inputs)).build();
  }

  /** A node with these attributes, and these inputs behind X and the blob. */
  static OnnxModel with(TinyModel model, List<AttributeProto> attributes, String... inputs) {
    List<String> all = new ArrayList<>(List.of(X, model.bytes(blob())));
    all.addAll(Arrays.asList(inputs));
    return of(model, attributes, all.toArray(new String[0]));
  }
}
