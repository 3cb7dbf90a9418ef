package io.leno.onnx;

import static io.leno.onnx.FusionCases.K;
import static io.leno.onnx.FusionCases.M;
import static io.leno.onnx.FusionCases.product;
import static io.leno.onnx.FusionCases.square;
import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;

import io.leno.onnx.Chains.Norm;
import io.leno.onnx.FusionCases.Case;
import java.util.List;
import java.util.stream.Stream;

/** Additions of other tensors, which ONNX broadcasts and the operator does not. */
final class ResidualFusionTest extends FusionTest {
  static Stream<Case> cases() {
    FusionCases cases = new FusionCases();
    sums(cases);
    nearMisses(cases);
    return cases.stream();
  }

  private static void sums(FusionCases cases) {
    cases.add("residual", List.of("residual"), 1, m -> m.node("Add", square(m), X));
    cases.add(
        "residual behind an activation",
        List.of("relu+residual"),
        1,
        m -> m.node("Add", X, m.node("Relu", square(m))));
    cases.add(
        "residual made after the product",
        List.of("residual"),
        2,
        m -> {
          String y = square(m);
          return m.node("Add", y, m.node("Neg", X));
        });
    cases.add(
        "residual made after the bias, read again",
        List.of("bias+residual+norm"),
        3,
        m -> {
          String y = m.node("Add", square(m), m.random(4, K));
          String other = m.node("Neg", X);
          Norm norm = new Norm(m);
          norm.features = K;
          return m.node("Add", norm.of(m.node("Add", other, y)), other);
        });
    cases.add(
        "a layer's result as the residual of the next",
        List.of("bias", "residual"),
        2,
        m -> {
          String y = m.node("Add", square(m), m.random(4, K));
          return m.node("Add", product(m, y, K, K, 5), y);
        });
  }

  private static void nearMisses(FusionCases cases) {
    cases.add(
        "residual of one token",
        List.of("relu"),
        2,
        m -> m.node("Add", m.node("Relu", product(m, X, K, M, 1)), m.random(2, 1, 1, M)));
    cases.add(
        "residual that broadcasts",
        List.of(""),
        3,
        m -> m.node("Add", square(m), m.node("ReduceMean", attribute("axes", new long[] {-1}), X)));
    cases.add(
        "residual with itself",
        List.of(""),
        2,
        m -> {
          String y = square(m);
          return m.node("Add", y, y);
        });
  }
}
