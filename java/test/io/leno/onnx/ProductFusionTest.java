package io.leno.onnx;

import static io.leno.onnx.FusionCases.K;
import static io.leno.onnx.FusionCases.M;
import static io.leno.onnx.FusionCases.biased;
import static io.leno.onnx.FusionCases.product;
import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;

import ai.onnx.proto.OnnxMl.AttributeProto;
import io.leno.onnx.FusionCases.Case;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;

/** Products with constant weights, and their biases. */
final class ProductFusionTest extends FusionTest {
  static Stream<Case> cases() {
    FusionCases cases = new FusionCases();
    products(cases);
    nearMisses(cases);
    return cases.stream();
  }

  private static void products(FusionCases cases) {
    cases.add("MatMul", List.of(""), 1, m -> product(m, X, K, M, 1));
    cases.add("bias behind", List.of("bias"), 1, FusionCases::biased);
    cases.add(
        "bias in front",
        List.of("bias"),
        1,
        m -> m.node("Add", m.random(2, M), product(m, X, K, M, 1)));
    cases.add(
        "bias of one value",
        List.of("bias"),
        1,
        m -> m.node("Add", product(m, X, K, M, 1), m.scalar(0.25f)));
    cases.add(
        "bias as a row",
        List.of("bias"),
        1,
        m -> m.node("Add", product(m, X, K, M, 1), m.random(2, 1, M)));
    cases.add(
        "two layers",
        List.of("bias+relu", "bias"),
        2,
        m -> m.node("Add", product(m, m.node("Relu", biased(m)), M, 7, 5), m.random(6, 7)));
    cases.add(
        "weights of two layers",
        List.of("relu", ""),
        2,
        m -> {
          String weights = m.random(1, K, K);
          return m.node("MatMul", m.node("Relu", m.node("MatMul", X, weights)), weights);
        });
    cases.add(
        "two layers on one input, summed",
        List.of("residual", ""),
        2,
        m -> m.node("Add", product(m, X, K, M, 1), product(m, X, K, M, 2)));
    cases.add(
        "two layers on one input, side by side",
        List.of("silu", "relu"),
        3,
        m -> {
          String right = product(m, X, K, M, 2);
          return m.node(
              "Concat",
              attribute("axis", -1L),
              m.node("Relu", product(m, X, K, M, 1)),
              m.node("Mul", right, m.node("Sigmoid", right)));
        });
    cases.add(
        "weights behind Identity, of two layers",
        List.of("relu", ""),
        2,
        m -> {
          String weights = m.random(1, K, K);
          String y = m.node("Relu", m.node("MatMul", X, m.node("Identity", weights)));
          return m.node("MatMul", y, m.node("Identity", m.node("Identity", weights)));
        });
    cases.add(
        "weights behind Transpose",
        List.of("bias"),
        1,
        m -> {
          String weights = m.node("Transpose", m.random(1, M, K));
          return m.node("Add", m.node("MatMul", X, weights), m.random(2, M));
        });
    cases.add(
        "weights behind Transpose with axes",
        List.of(""),
        1,
        m -> {
          long[] axes = {1, 0};
          return m.node(
              "MatMul", X, m.node("Transpose", attribute("perm", axes), m.random(1, M, K)));
        });
    cases.add(
        "no constant", List.of(), 2, m -> m.node("MatMul", X, m.node("Neg", m.random(1, K, M))));
    // Gemm takes tensors of two axes alone.
    gemm(cases, "Gemm", "bias", 1, true, m -> List.of(), m -> List.of(m.random(2, M)));
    gemm(cases, "Gemm without C", "", 1, true, m -> List.of(), m -> List.of());
    gemm(
        cases,
        "Gemm without C, bias behind",
        "bias",
        1,
        true,
        m -> List.of(attribute("alpha", 0.5f)),
        m -> List.of());
    gemm(cases, "Gemm, C one value", "bias", 1, true, m -> List.of(), m -> List.of(m.scalar(3)));
    gemm(cases, "Gemm, C a row", "bias", 1, true, m -> List.of(), m -> List.of(m.random(2, 1, M)));
    gemm(
        cases,
        "Gemm, alpha and beta",
        "bias",
        1,
        true,
        m -> List.of(attribute("alpha", -0.5f), attribute("beta", 2f)),
        m -> List.of(m.random(2, M)));
    gemm(
        cases,
        "Gemm, K x M",
        "bias",
        1,
        false,
        m -> List.of(attribute("alpha", 1.5f)),
        m -> List.of(m.random(2, M)));
  }

  private static void nearMisses(FusionCases cases) {
    cases.add(
        "Gemm, constant in front",
        List.of(),
        3,
        m -> {
          m.inputShape(-1, K);
          String product = m.node("MatMul", m.random(1, M, K), m.node("Transpose", X));
          return m.node("Transpose", product);
        });
    cases.add(
        "weights behind Transpose that moves nothing",
        List.of(),
        2,
        m -> {
          long[] axes = {0, 1};
          return m.node(
              "MatMul", X, m.node("Transpose", attribute("perm", axes), m.random(1, K, M)));
        });
    cases.add(
        "weights that are an output too",
        List.of(),
        2,
        17,
        m -> {
          String weights = m.node("Identity", m.random(1, K, M));
          m.output(m.node("MatMul", X, weights), weights);
        });
    cases.add(
        "bias of three axes",
        List.of(""),
        2,
        m -> m.node("Add", product(m, X, K, M, 1), m.random(2, 1, 1, M)));
    cases.add(
        "Gemm, transposed input",
        List.of(),
        2,
        17,
        m -> {
          m.inputShape(-1, K);
          List<AttributeProto> transposed = List.of(attribute("transA", 1L));
          m.output(m.node("", "Gemm", transposed, m.node("Transpose", X), m.random(1, K, M)));
        });
    cases.add(
        "product read twice",
        List.of(""),
        3,
        m -> {
          String y = product(m, X, K, M, 1);
          return m.node("Mul", m.node("Add", y, m.random(2, M)), y);
        });
    cases.add(
        "product is an output",
        List.of(""),
        2,
        17,
        m -> {
          String y = product(m, X, K, M, 1);
          m.output(m.node("Add", y, m.random(2, M)), y);
        });
    cases.add(
        "product read by a body",
        List.of(""),
        4,
        17,
        m -> {
          String y = product(m, X, K, M, 1);
          m.output(m.node("Add", m.node("Add", y, m.random(2, M)), m.branch(y)));
        });
    cases.add(
        "weights that callers may override",
        List.of(),
        1,
        m -> m.node("MatMul", X, m.overridable(m.random(1, K, M))));
    cases.add(
        "bias that callers may override",
        List.of(""),
        2,
        m -> m.node("Add", product(m, X, K, M, 1), m.overridable(m.random(2, M))));
  }

  private static void gemm(
      FusionCases cases,
      String name,
      String fused,
      int nodes,
      boolean transB,
      Function<TinyModel, List<AttributeProto>> attributes,
      Function<TinyModel, List<String>> addend) {
    cases.add(
        name,
        List.of(fused),
        nodes,
        17,
        m -> {
          m.inputShape(-1, K);
          List<AttributeProto> all = new ArrayList<>(attributes.apply(m));
          all.add(attribute("transB", transB ? 1L : 0L));
          List<String> inputs = new ArrayList<>(List.of(X));
          inputs.add(transB ? m.random(1, M, K) : m.random(1, K, M));
          inputs.addAll(addend.apply(m));
          String y = m.node("", "Gemm", all, inputs.toArray(new String[0]));
          m.output(name.endsWith("behind") ? m.node("Add", y, m.random(9, M)) : y);
        });
  }
}
