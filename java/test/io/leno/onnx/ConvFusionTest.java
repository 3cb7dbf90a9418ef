package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;

import ai.onnx.proto.OnnxMl.AttributeProto;
import io.leno.onnx.FusionCases.Case;
import io.leno.onnx.Runtime.Array;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/** Convolutions, what is folded into their weights, and what is fused into them. */
final class ConvFusionTest extends FusionTest {
  private static final int C = 6;
  private static final int F = 8;

  private static final List<Map<String, Array>> IMAGES =
      List.of(
          Map.of(X, Array.random(11, 1, C, 9, 8)),
          Map.of(X, Array.random(12, 3, C, 9, 8)),
          Map.of(X, Array.random(13, 2, C, 7, 12)));
  private static final List<Map<String, Array>> LINES =
      List.of(Map.of(X, Array.random(14, 1, C, 20)), Map.of(X, Array.random(15, 3, C, 31)));

  private static final List<Case> CASES = new ArrayList<>();

  static Stream<Case> cases() {
    CASES.clear();
    geometries();
    folding();
    activations();
    residuals();
    leftAlone();
    return CASES.stream();
  }

  private static void add(
      String name, List<String> fused, int nodes, Function<TinyModel, String> body) {
    add(name, fused, nodes, IMAGES, body);
  }

  private static void add(
      String name,
      List<String> fused,
      int nodes,
      List<Map<String, Array>> inputs,
      Function<TinyModel, String> body) {
    TinyModel model = new TinyModel(17);
    model.output(body.apply(model));
    CASES.add(new Case(name, OnnxModel.parse(model.build().toBytes()), fused, nodes, inputs));
  }

  private static String conv(TinyModel m, String x, AttributeProto... attributes) {
    return m.node(
        "", "Conv", Arrays.asList(attributes), x, m.random(1, F, C, 3, 3), m.random(2, F));
  }

  /** Of the image's own shape. */
  private static String square(TinyModel m, String x) {
    return m.node("Conv", pads(1, 1, 1, 1), x, m.random(3, C, C, 3, 3), m.random(4, C));
  }

  private static AttributeProto pads(long... pads) {
    return attribute("pads", pads);
  }

  private static void geometries() {
    add("plain", List.of("bias"), 1, m -> conv(m, X));
    add("no bias", List.of(""), 1, m -> m.node("Conv", X, m.random(1, F, C, 3, 2)));
    add(
        "strides, dilations, pads, each its own",
        List.of("bias"),
        1,
        m ->
            conv(
                m,
                X,
                attribute("kernel_shape", new long[] {3, 3}),
                attribute("strides", new long[] {2, 1}),
                attribute("dilations", new long[] {1, 2}),
                pads(0, 3, 2, 1)));
    for (String same : List.of("SAME_UPPER", "SAME_LOWER")) {
      add(
          same,
          List.of(""),
          1,
          m -> m.node("Conv", attribute("auto_pad", same), X, m.random(1, F, C, 4, 3)));
    }
    add("VALID", List.of("bias"), 1, m -> conv(m, X, attribute("auto_pad", "VALID")));
    add(
        "groups",
        List.of("relu"),
        1,
        m ->
            m.node("Relu", m.node("Conv", attribute("group", 2L), X, m.random(1, F, C / 2, 3, 3))));
    add(
        "groups, point-wise",
        List.of(""),
        1,
        m -> m.node("Conv", attribute("group", 3L), X, m.random(1, 12, C / 3, 1, 1)));
    add("point-wise", List.of(""), 1, m -> m.node("Conv", X, m.random(1, F, C, 1, 1)));
    add(
        "one dimension",
        List.of("relu"),
        1,
        LINES,
        m ->
            m.node(
                "Relu",
                m.node(
                    "",
                    "Conv",
                    List.of(attribute("strides", new long[] {2}), pads(3, 1)),
                    X,
                    m.random(1, F, C, 5))));
    add(
        "two in turn",
        List.of("bias", ""),
        2,
        m -> m.node("Conv", conv(m, X), m.random(5, 4, F, 2, 2)));
    add(
        "one image, two kernels",
        List.of("relu", "bias", ""),
        4,
        m -> {
          String a = m.node("Relu", m.node("Conv", X, m.random(5, F, C, 1, 1)));
          String b = m.node("Conv", conv(m, X, pads(1, 1, 1, 1)), m.random(6, F, F, 1, 1));
          return m.node("Concat", attribute("axis", 1L), a, b);
        });
  }

  private static String normalised(TinyModel m, String x) {
    return m.node(
        "",
        "BatchNormalization",
        List.of(attribute("epsilon", 0.125f)),
        x,
        m.random(21, F),
        m.random(22, F),
        m.random(23, F),
        positive(m));
  }

  private static String positive(TinyModel m) {
    float[] values = new float[F];
    for (int i = 0; i < F; i++) {
      values[i] = 0.5f + i % 3;
    }
    return m.constant(values, F);
  }

  private static void folding() {
    add("batch normalisation", List.of("bias"), 1, m -> normalised(m, conv(m, X)));
    add(
        "batch normalisation, no bias",
        List.of("bias+relu"),
        1,
        m -> m.node("Relu", normalised(m, m.node("Conv", X, m.random(1, F, C, 3, 3)))));
    add(
        "a bias of its own, a factor",
        List.of("bias"),
        1,
        m -> {
          String x = m.node("Conv", X, m.random(1, F, C, 3, 3));
          x = m.node("Add", x, m.random(6, 1, F, 1, 1));
          x = normalised(m, x);
          return m.node("Mul", m.random(7, F, 1, 1), x);
        });
    add(
        "batch normalisation before: stays",
        List.of("bias"),
        2,
        m -> conv(m, batchNorm(m, X, C), pads(1, 1, 1, 1)));
    add(
        "seen in between",
        List.of("bias"),
        3,
        m -> {
          String x = conv(m, X);
          return m.node("Add", normalised(m, x), x);
        });
    add(
        "along another axis",
        List.of("bias"),
        2,
        IMAGES.subList(0, 2), // as wide as there are filters
        m -> m.node("Add", conv(m, X, attribute("auto_pad", "SAME_UPPER")), m.random(6, F)));
    add(
        "one number for all channels, and hard-swish",
        List.of("bias+hard_swish", "bias"),
        2,
        m -> {
          String x = m.node("Mul", conv(m, X), m.random(6, 1));
          x = m.node("HardSwish", m.node("Add", m.scalar(0.5f), x));
          return m.node("Mul", m.random(8, 1, 1, 1, 1), m.node("Conv", x, m.random(9, 4, F, 1, 1)));
        });
  }

  private static String batchNorm(TinyModel m, String x, int channels) {
    float[] ones = new float[channels];
    Arrays.fill(ones, 1.5f);
    return m.node(
        "BatchNormalization",
        x,
        m.random(21, channels),
        m.random(22, channels),
        m.random(23, channels),
        m.constant(ones, channels));
  }

  private static void activations() {
    add("Relu", List.of("bias+relu"), 1, m -> m.node("Relu", conv(m, X)));
    add(
        "Clip to 6",
        List.of("bias+relu6"),
        1,
        m -> m.node("Clip", conv(m, X), m.scalar(0), m.scalar(6)));
    add("Clip from 0", List.of("bias+relu"), 1, m -> m.node("Clip", conv(m, X), m.scalar(0)));
    add(
        "Clip to 5: stays",
        List.of("bias"),
        2,
        m -> m.node("Clip", conv(m, X), m.scalar(0), m.scalar(5)));
    add(
        "Clip to 70: stays",
        List.of("bias"),
        2,
        m -> m.node("Clip", conv(m, X), m.scalar(0), m.scalar(70)));
    for (float alpha : new float[] {0.01f, 0.3f, -0.2f}) {
      add(
          "LeakyRelu " + alpha,
          List.of("bias+leaky_relu"),
          1,
          m -> m.node("LeakyRelu", attribute("alpha", alpha), conv(m, X)));
    }
    add(
        "SiLU",
        List.of("bias+silu"),
        1,
        m -> {
          String x = conv(m, X);
          return m.node("Mul", x, m.node("Sigmoid", x));
        });
    add("HardSwish", List.of("bias+hard_swish"), 1, m -> m.node("HardSwish", conv(m, X)));
    add(
        "hard-swish of HardSigmoid",
        List.of("bias+hard_swish"),
        1,
        m -> {
          String x = conv(m, X);
          String gate =
              m.node(
                  "",
                  "HardSigmoid",
                  List.of(attribute("alpha", 1 / 6f), attribute("beta", 0.5f)),
                  x);
          return m.node("Mul", gate, x);
        });
    add(
        "HardSigmoid of another slope: stays",
        List.of("bias"),
        3,
        m -> {
          String x = conv(m, X);
          return m.node("Mul", x, m.node("HardSigmoid", x));
        });
    add(
        "hard-swish of Add, Clip, Mul, Div",
        List.of("bias+hard_swish"),
        1,
        m -> {
          String x = conv(m, X);
          String clipped = m.node("Clip", m.node("Add", x, m.scalar(3)), m.scalar(0), m.scalar(6));
          return m.node("Div", m.node("Mul", x, clipped), m.scalar(6));
        });
    add(
        "hard-swish, divided first, clipped to 1",
        List.of("bias+hard_swish"),
        1,
        m -> {
          String x = conv(m, X);
          String line = m.node("Div", m.node("Add", m.scalar(3), x), m.scalar(6));
          return m.node("Mul", m.node("Clip", line, m.scalar(0), m.scalar(1)), x);
        });
  }

  private static void residuals() {
    add("residual", List.of("bias+residual"), 1, m -> m.node("Add", square(m, X), X));
    add(
        "residual before the activation",
        List.of("bias+residual+relu"),
        1,
        m -> m.node("Relu", m.node("Add", X, square(m, X))));
    add(
        "residual after the activation",
        List.of("bias+relu+residual"),
        1,
        m -> m.node("Add", X, m.node("Relu", square(m, X))));
    add(
        "one activation alone",
        List.of("bias+relu+residual"),
        2,
        m -> m.node("Relu", m.node("Add", X, m.node("Relu", square(m, X)))));
    add(
        "two convolutions in one sum",
        List.of("bias+residual+relu", "bias"),
        2,
        m -> {
          String a = square(m, X);
          String b = m.node("Conv", X, m.random(7, C, C, 1, 1), m.random(8, C));
          return m.node("Relu", m.node("Add", a, b));
        });
    add(
        "what broadcasts is no residual",
        List.of("bias"),
        3,
        m ->
            m.node(
                "Add",
                square(m, X),
                m.node("ReduceMean", attribute("axes", new long[] {2, 3}), X)));
  }

  private static void leftAlone() {
    add(
        "depthwise",
        List.of(),
        1,
        m -> m.node("Conv", attribute("group", (long) C), X, m.random(1, C, 1, 3, 3)));
    add(
        "groups of 3 filters",
        List.of(),
        1,
        m -> m.node("Conv", attribute("group", 2L), X, m.random(1, 6, C / 2, 3, 3)));
    add(
        "auto_pad with a stride",
        List.of(),
        1,
        m ->
            conv(
                m,
                X,
                attribute("auto_pad", "SAME_UPPER"),
                attribute("strides", new long[] {2, 2})));
    add(
        "computed weights",
        List.of(),
        2,
        m -> m.node("Conv", X, m.node("Neg", m.random(1, F, C, 3, 3))));
    add(
        "more zeros than the kernel",
        List.of(),
        1,
        m -> m.node("Conv", pads(1, 0, 0, 0), X, m.random(1, F, C, 1, 1)));
  }
}
