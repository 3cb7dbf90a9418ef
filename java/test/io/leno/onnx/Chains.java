package io.leno.onnx;

import static io.leno.onnx.TinyModel.attribute;

/** The nodes that exporters write for one function, with details to spoil. */
final class Chains {
  private Chains() {}

  static String erfGelu(TinyModel m, String x, String scaled, int half) {
    String sum = m.node("Add", m.node("Erf", scaled), m.scalar(1));
    return switch (half) {
      case 0 -> m.node("Mul", m.node("Mul", x, sum), m.scalar(0.5f));
      case 1 -> m.node("Mul", m.node("Mul", x, m.scalar(0.5f)), sum);
      case 2 -> m.node("Mul", x, m.node("Mul", sum, m.scalar(0.5f)));
      case 3 -> m.node("Div", m.node("Mul", sum, x), m.scalar(2));
      default -> m.node("Mul", sum, m.node("Div", x, m.scalar(2)));
    };
  }

  static String tanhGelu(TinyModel m, String x, float factor, String power) {
    String cubic = m.node("Mul", m.node("Pow", x, power), m.scalar(0.044715f));
    String inner = m.node("Mul", m.node("Add", x, cubic), m.scalar(factor));
    String sum = m.node("Add", m.node("Tanh", inner), m.scalar(1));
    return m.node("Mul", m.node("Mul", x, m.scalar(0.5f)), sum);
  }

  /** The chain of a layer normalisation, with details to spoil. */
  static final class Norm {
    final TinyModel m;
    boolean mulSquare;
    float power = 2;
    long[] axes = {-1};
    long[] varianceAxes = {-1};
    float epsilon = 1e-5f;
    boolean axesAsInput;
    boolean constantNodes;
    boolean wholePower;
    int features = FusionCases.M;
    int gainRank = 1;

    Norm(TinyModel m) {
      this.m = m;
    }

    private String power() {
      return wholePower ? m.node("Constant", attribute("value_int", 2L)) : scalar(power);
    }

    private String axes(long[] over) {
      return constantNodes ? m.node("Constant", attribute("value_ints", over)) : m.axes(over);
    }

    private String scalar(float value) {
      return constantNodes ? m.node("Constant", attribute("value_float", value)) : m.scalar(value);
    }

    private String mean(String x, long[] over) {
      return axesAsInput
          ? m.node("ReduceMean", x, axes(over))
          : m.node("ReduceMean", attribute("axes", over), x);
    }

    String of(String x) {
      String centred = m.node("Sub", x, mean(x, axes));
      String squared =
          mulSquare ? m.node("Mul", centred, centred) : m.node("Pow", centred, power());
      String root = m.node("Sqrt", m.node("Add", mean(squared, varianceAxes), scalar(epsilon)));
      String gain = gainRank == 1 ? m.random(7, features) : m.random(7, 1, 1, 1, features);
      return m.node(
          "Add", m.node("Mul", m.node("Div", centred, root), gain), m.random(8, features));
    }
  }
}
