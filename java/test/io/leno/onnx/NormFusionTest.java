package io.leno.onnx;

import static io.leno.onnx.FusionCases.K;
import static io.leno.onnx.FusionCases.M;
import static io.leno.onnx.FusionCases.biased;
import static io.leno.onnx.FusionCases.product;
import static io.leno.onnx.FusionCases.square;
import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;

import io.leno.onnx.Chains.Norm;
import io.leno.onnx.FusionCases.Case;
import java.util.List;
import java.util.stream.Stream;

/** Layer normalisation, as a node and as the chain that exporters write. */
final class NormFusionTest extends FusionTest {
  static Stream<Case> cases() {
    FusionCases cases = new FusionCases();
    norms(cases);
    nearMisses(cases);
    return cases.stream();
  }

  private static void norms(FusionCases cases) {
    cases.add("norm", List.of("bias+norm"), 1, m -> new Norm(m).of(biased(m)));
    cases.add(
        "norm, Mul",
        List.of("bias+norm"),
        1,
        m -> {
          Norm norm = new Norm(m);
          norm.mulSquare = true;
          return norm.of(biased(m));
        });
    cases.add(
        "norm, axes as an input",
        List.of("bias+norm"),
        1,
        18,
        m -> {
          Norm norm = new Norm(m);
          norm.axesAsInput = true;
          m.output(norm.of(biased(m)));
        });
    cases.add(
        "norm, numbers from nodes",
        List.of("bias+norm"),
        1,
        18,
        m -> {
          Norm norm = new Norm(m);
          norm.axesAsInput = true;
          norm.constantNodes = true;
          m.output(norm.of(biased(m)));
        });
    cases.add(
        "norm, power a whole number",
        List.of("bias+norm"),
        1,
        m -> {
          Norm norm = new Norm(m);
          norm.wholePower = true;
          return norm.of(biased(m));
        });
    cases.add(
        "LayerNormalization",
        List.of("bias+norm"),
        1,
        m ->
            m.node(
                "LayerNormalization",
                attribute("epsilon", 1e-3f),
                biased(m),
                m.random(7, M),
                m.random(8, M)));
    cases.add(
        "LayerNormalization without shift",
        List.of("norm"),
        1,
        m -> m.node("LayerNormalization", product(m, X, K, M, 1), m.random(7, M)));
    cases.add(
        "everything",
        List.of("bias+gelu_erf+residual+norm"),
        1,
        m -> {
          String x = m.node("Add", m.random(4, K), square(m));
          String y = Chains.erfGelu(m, x, m.node("Div", x, m.scalar((float) Math.sqrt(2))), 0);
          Norm norm = new Norm(m);
          norm.features = K;
          return norm.of(m.node("Add", y, X));
        });
  }

  private static void nearMisses(FusionCases cases) {
    cases.add(
        "norm over another axis",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.axes = new long[] {-2};
          norm.varianceAxes = new long[] {-2};
          return norm.of(biased(m));
        });
    cases.add(
        "norm, variance over two axes",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.varianceAxes = new long[] {-1, -2};
          return norm.of(biased(m));
        });
    cases.add(
        "norm, wrong power",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.power = 4;
          return norm.of(biased(m));
        });
    cases.add(
        "norm, nothing added to the variance",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.epsilon = 0;
          return norm.of(biased(m));
        });
    cases.add(
        "LayerNormalization, nothing added to the variance",
        List.of("bias"),
        2,
        m ->
            m.node(
                "LayerNormalization",
                attribute("epsilon", 0f),
                biased(m),
                m.random(7, M),
                m.random(8, M)));
    cases.add(
        "LayerNormalization over another axis",
        List.of("residual"),
        2,
        17,
        m -> {
          // Of as many axes as tokens and features: the axis would be the last one's otherwise.
          m.inputShape(-1, K);
          String sum = m.node("Add", square(m), X);
          m.output(
              m.node(
                  "", "LayerNormalization", List.of(attribute("axis", 1L)), sum, m.random(7, K)));
        });
    cases.add(
        "norm, gain of many axes",
        List.of("bias"),
        10,
        m -> {
          Norm norm = new Norm(m);
          norm.gainRank = 4;
          return norm.of(biased(m));
        });
    cases.add(
        "norm of features and mean of another",
        List.of("bias", ""),
        4,
        m -> {
          String x = biased(m);
          return m.node(
              "Sub",
              x,
              m.node("ReduceMean", attribute("axes", new long[] {-1}), product(m, X, K, M, 9)));
        });
    cases.add(
        "norm, keepdims 0",
        List.of("bias"),
        4,
        17,
        m -> {
          String x = biased(m);
          String mean =
              m.node(
                  "",
                  "ReduceMean",
                  List.of(attribute("axes", new long[] {-1}), attribute("keepdims", 0L)),
                  x);
          m.output(m.node("Sub", x, m.node("Unsqueeze", mean, m.axes(-1))));
        });
  }
}
