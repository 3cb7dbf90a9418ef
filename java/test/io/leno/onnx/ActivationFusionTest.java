package io.leno.onnx;

import static io.leno.onnx.Chains.erfGelu;
import static io.leno.onnx.Chains.tanhGelu;
import static io.leno.onnx.FusionCases.K;
import static io.leno.onnx.FusionCases.M;
import static io.leno.onnx.FusionCases.biased;
import static io.leno.onnx.FusionCases.product;
import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;

import ai.onnx.proto.OnnxMl.AttributeProto;
import io.leno.onnx.FusionCases.Case;
import java.util.List;
import java.util.stream.Stream;

/** Activation functions, as nodes and as the chains that exporters write. */
final class ActivationFusionTest extends FusionTest {
  static Stream<Case> cases() {
    FusionCases cases = new FusionCases();
    activations(cases);
    nearMisses(cases);
    return cases.stream();
  }

  private static void activations(FusionCases cases) {
    cases.add("Relu", List.of("bias+relu"), 1, m -> m.node("Relu", biased(m)));
    float root = (float) Math.sqrt(2);
    for (int half = 0; half < 5; half++) {
      int place = half;
      cases.add(
          "GELU, half " + half + ", Div",
          List.of("bias+gelu_erf"),
          1,
          m -> {
            String x = biased(m);
            return erfGelu(m, x, m.node("Div", x, m.scalar(root)), place);
          });
      cases.add(
          "GELU, half " + half + ", Mul",
          List.of("gelu_erf"),
          1,
          m -> {
            String x = product(m, X, K, M, 1);
            return erfGelu(m, x, m.node("Mul", m.scalar(1 / root), x), place);
          });
    }
    float factor = (float) Math.sqrt(2 / Math.PI);
    cases.add(
        "tanh GELU",
        List.of("bias+gelu_tanh"),
        1,
        m -> tanhGelu(m, biased(m), factor, m.scalar(3)));
    cases.add(
        "tanh GELU, x x x",
        List.of("bias+gelu_tanh"),
        1,
        m -> {
          String x = biased(m);
          String cube = m.node("Mul", x, m.node("Mul", x, x));
          String inner = m.node("Add", x, m.node("Mul", m.scalar(0.044715f), cube));
          String tanh = m.node("Tanh", m.node("Mul", m.scalar(factor), inner));
          return m.node("Mul", m.scalar(0.5f), m.node("Mul", x, m.node("Add", m.scalar(1), tanh)));
        });
    cases.add(
        "tanh GELU, x taken out",
        List.of("bias+gelu_tanh"),
        1,
        m -> {
          String x = biased(m);
          String square = m.node("Mul", m.node("Mul", x, m.scalar(0.044715f)), x);
          String inner = m.node("Add", square, m.scalar(1));
          String tanh = m.node("Tanh", m.node("Mul", m.node("Mul", x, m.scalar(factor)), inner));
          return m.node("Mul", m.node("Mul", x, m.scalar(0.5f)), m.node("Add", tanh, m.scalar(1)));
        });
    cases.add(
        "GELU, numbers from nodes, rounded",
        List.of("bias+gelu_erf"),
        1,
        m -> {
          String x = biased(m);
          String rounded = m.node("Constant", attribute("value_float", 1.4142f));
          String half = m.node("Constant", attribute("value_floats", new float[] {0.5f}));
          String one = m.node("Constant", attribute("value_float", 1f));
          String erf = m.node("Erf", m.node("Div", x, rounded));
          return m.node("Mul", m.node("Mul", x, m.node("Add", erf, one)), half);
        });
    cases.add(
        "tanh GELU, power a whole number",
        List.of("bias+gelu_tanh"),
        1,
        m -> tanhGelu(m, biased(m), factor, m.node("Constant", attribute("value_int", 3L))));
    microsoft(cases, "Gelu", "bias+gelu_erf", 1);
    microsoft(cases, "FastGelu", "bias+gelu_tanh", 1);
    microsoft(cases, "QuickGelu", "bias", 2);
    microsoft(cases, "QuickGelu", "bias+silu", 1, attribute("alpha", 1f));
    cases.add("Gelu", List.of("bias+gelu_erf"), 1, 20, m -> m.output(m.node("Gelu", biased(m))));
    cases.add(
        "Gelu, tanh",
        List.of("bias+gelu_tanh"),
        1,
        20,
        m -> m.output(m.node("Gelu", attribute("approximate", "tanh"), biased(m))));
    cases.add(
        "SiLU",
        List.of("bias+silu"),
        1,
        m -> {
          String x = biased(m);
          return m.node("Mul", x, m.node("Sigmoid", x));
        });
    cases.add(
        "SiLU, the other way round",
        List.of("silu"),
        1,
        m -> {
          String x = product(m, X, K, M, 1);
          return m.node("Mul", m.node("Sigmoid", x), x);
        });
    cases.add(
        "Clip to 6",
        List.of("bias+relu6"),
        1,
        m -> m.node("Clip", biased(m), m.scalar(0), m.scalar(6)));
    cases.add(
        "LeakyRelu",
        List.of("bias+leaky_relu"),
        1,
        m -> m.node("LeakyRelu", attribute("alpha", 0.2f), biased(m)));
    cases.add("HardSwish", List.of("bias+hard_swish"), 1, m -> m.node("HardSwish", biased(m)));
    cases.add("Swish", List.of("bias+silu"), 1, 24, m -> m.output(m.node("Swish", biased(m))));
    cases.add(
        "SiLU as a quotient",
        List.of("bias+silu"),
        1,
        m -> {
          String x = biased(m);
          return m.node("Div", x, m.node("Add", m.node("Exp", m.node("Neg", x)), m.scalar(1)));
        });
  }

  private static void microsoft(
      FusionCases cases, String type, String fused, int nodes, AttributeProto... attributes) {
    cases.add(
        type + " of com.microsoft, " + fused,
        List.of(fused),
        nodes,
        17,
        m ->
            m.imports("com.microsoft", 1)
                .output(m.node("com.microsoft", type, List.of(attributes), biased(m))));
  }

  private static void nearMisses(FusionCases cases) {
    cases.add(
        "activation read by a body",
        List.of("bias"),
        5,
        17,
        m -> {
          // Sigmoid's result is seen elsewhere, so x Sigmoid(x) stays.
          String x = biased(m);
          String s = m.node("Sigmoid", x);
          m.output(m.node("Mul", m.node("Mul", x, s), m.branch(s)));
        });
    cases.add(
        "GELU, wrong root",
        List.of("bias"),
        6,
        m -> {
          String x = biased(m);
          return erfGelu(m, x, m.node("Div", x, m.scalar(1.5f)), 0);
        });
    cases.add(
        "GELU, upside down",
        List.of("bias"),
        6,
        m -> {
          String x = biased(m);
          return erfGelu(m, x, m.node("Div", m.scalar((float) Math.sqrt(2)), x), 0);
        });
    cases.add(
        "GELU, one of many axes",
        List.of("bias"),
        6,
        m -> {
          String x = biased(m);
          String root = m.constant(new float[] {(float) Math.sqrt(2)}, 1, 1, 1, 1);
          return erfGelu(m, x, m.node("Div", x, root), 0);
        });
    cases.add(
        "GELU of another tensor",
        List.of("bias"),
        7,
        m -> {
          String x = biased(m);
          String other = m.node("Neg", x);
          return erfGelu(m, x, m.node("Div", other, m.scalar((float) Math.sqrt(2))), 0);
        });
    cases.add(
        "tanh GELU, wrong power",
        List.of("bias"),
        9,
        m -> tanhGelu(m, biased(m), (float) Math.sqrt(2 / Math.PI), m.scalar(2)));
    cases.add(
        "tanh GELU, wrong factor",
        List.of("bias"),
        9,
        m -> tanhGelu(m, biased(m), 0.7f, m.scalar(3)));
    cases.add(
        "Sigmoid of another tensor",
        List.of("bias", ""),
        4,
        m -> m.node("Mul", biased(m), m.node("Sigmoid", product(m, X, K, M, 9))));
  }
}
