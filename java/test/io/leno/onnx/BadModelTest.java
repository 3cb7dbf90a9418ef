package io.leno.onnx;

import static io.leno.onnx.LinearNodes.K;
import static io.leno.onnx.LinearNodes.M;
import static io.leno.onnx.LinearNodes.model;
import static io.leno.onnx.LinearNodes.with;
import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.LenoFormatException;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged models and wrong inputs: an exception that names what is wrong, and the JVM lives. */
final class BadModelTest {
  private static final byte[] BLOB = LinearNodes.blob();

  /** After whatever happened, a good model still runs. */
  @AfterEach
  void aGoodModelStillRuns() throws OrtException {
    try (OrtSession session = Runtime.session(LinearNodes.full(), OptLevel.BASIC_OPT)) {
      Array y = Runtime.run(session, input(3, K)).values().iterator().next();
      assertArrayEquals(new long[] {3, M}, y.shape());
      for (float value : y.values()) {
        assertTrue(Float.isFinite(value));
      }
    }
  }

  private static Map<String, Array> input(long... shape) {
    return Map.of(X, Array.random(1, shape));
  }

  private static void refused(OnnxModel model, String... words) {
    expect(
        assertThrows(OrtException.class, () -> Runtime.session(model, OptLevel.BASIC_OPT).close()),
        words);
  }

  private static void refusedAtRun(OnnxModel model, Map<String, Array> input, String... words)
      throws OrtException {
    try (OrtSession session = Runtime.session(model, OptLevel.BASIC_OPT)) {
      expect(assertThrows(OrtException.class, () -> Runtime.run(session, input)), words);
    }
  }

  private static void expect(OrtException e, String... words) {
    for (String word : words) {
      assertTrue(e.getMessage().contains(word), () -> e.getMessage() + " does not say " + word);
    }
  }

  @Test
  void attributes() throws OrtException {
    refused(
        with(model(), List.of(attribute("activation", "swish"))),
        "attribute activation",
        "swish",
        "silu");
    refused(with(model(), List.of(attribute("activation", 3L))), "attribute activation");
    refused(with(model(), List.of(attribute("residual", 2L))), "residual", "2");
    refused(with(model(), List.of(attribute("residual", 1L << 32))), "residual", "4294967296");
    TinyModel m = model();
    refused(
        with(m, List.of(attribute("norm_epsilon", 0f)), "", "", m.random(1, M), m.random(2, M)),
        "norm_epsilon");
  }

  @ParameterizedTest
  @ValueSource(longs = {2, 0, -1, Long.MAX_VALUE, (1L << 32) + 1})
  void otherVersionsOfTheOperator(long version) {
    refused(
        with(model(), List.of(attribute("version", version))),
        "attribute version is " + version + ", expected 1",
        "later release of leno");
  }

  @Test
  void operatorVersion() throws OrtException {
    refused(
        with(model(), List.of(attribute("version", "1"))),
        "attribute version is a string, expected an integer");
    // Version 1, said or not.
    Runtime.session(with(model(), List.of(attribute("version", 1L))), OptLevel.BASIC_OPT).close();
    Runtime.session(with(model(), List.of()), OptLevel.BASIC_OPT).close();
  }

  @Test
  void rewrittenModelsSayTheirVersion() {
    TinyModel m = new TinyModel();
    OnnxModel dense = m.output(m.node("MatMul", X, m.random(1, K, M))).build();
    Map<LinearLayer, byte[]> packed =
        Map.of(dense.layers(ShapeEvidence.none()).get(0), LinearNodes.blob());
    NodeProto node = dense.withPackedLayers(packed).proto().getGraph().getNode(0);
    assertEquals(1, Graph.intAttribute(node, "version", 0));
  }

  @Test
  void unknownOperatorOfOurDomain() {
    TinyModel m = model();
    refused(m.output(m.node("io.leno", "Pool", List.of(), X)).build(), "Pool");
  }

  @Test
  void blobIsCut() {
    for (int size = 0; size < BLOB.length; size += 1 + BLOB.length / 37) {
      refused(LinearNodes.plain(Arrays.copyOf(BLOB, size)));
    }
  }

  @Test
  void blobIsDamaged() throws OrtException {
    SplittableRandom random = new SplittableRandom(5);
    int refused = 0;
    for (int i = 0; i < 200; i++) {
      byte[] blob = BLOB.clone();
      // The header is where most of the meaning is.
      int bits = 8 * (i % 2 == 0 ? 400 : blob.length);
      int bit = random.nextInt(Math.min(bits, 8 * blob.length));
      blob[bit / 8] ^= (byte) (1 << bit % 8);
      try (OrtSession session = Runtime.session(LinearNodes.plain(blob), OptLevel.BASIC_OPT)) {
        Runtime.run(session, input(2, K));
      } catch (OrtException e) {
        refused++;
      }
    }
    assertTrue(refused > 50, "of 200 damaged blobs only " + refused + " were refused");
  }

  @Test
  void blobOfOtherSize() throws OrtException {
    OnnxModel model = LinearNodes.plain(TinyModel.blob(Truth.random(3 * 5, 1), 3, 5));
    refusedAtRun(model, input(2, K), "input X", "16 features", "5");
  }

  @Test
  void blobIsNoConstant() {
    TinyModel m = model();
    refused(
        LinearNodes.of(m, List.of(), X, m.input("blob", TensorProto.DataType.UINT8_VALUE)),
        "input packed",
        "constant");
    TinyModel floats = model();
    refused(LinearNodes.of(floats, List.of(), X, floats.random(1, 64)), "tensor(float)");
    refused(LinearNodes.of(model(), List.of(), X));
  }

  @Test
  void vectors() throws OrtException {
    TinyModel m = model();
    refused(with(m, List.of(), m.random(2, M - 1)), "input bias", "15", "16");
    m = model();
    refused(with(m, List.of(), "", "", m.random(2, M + 1), m.random(2, M)), "norm_gain", "17");
    m = model();
    refused(with(m, List.of(), "", "", m.random(2, M), m.random(2, 2 * M)), "norm_shift", "32");
    m = model();
    refused(with(m, List.of(), "", "", m.random(2, M)), "norm_shift");
    m = model();
    refused(with(m, List.of(), "", "", "", m.random(2, M)), "norm_gain");
    m = model();
    refused(with(m, List.of(), m.overridable(m.random(2, M))), "input bias", "constant");
    m = model();
    String gain = m.overridable(m.random(2, M));
    refused(with(m, List.of(), "", "", gain, m.random(2, M)), "input norm_gain", "constant");
    m = model();
    String shift = m.overridable(m.random(2, M));
    refused(with(m, List.of(), "", "", m.random(2, M), shift), "input norm_shift", "constant");
  }

  @Test
  void shapesOfX() throws OrtException {
    OnnxModel model = with(model(), List.of());
    refusedAtRun(model, input(2, K - 1), "input X", "15", "16");
    refusedAtRun(model, input(2, 2, 2 * K), "input X", "32", "16");
    refusedAtRun(model, input(), "input X");
  }

  @Test
  void emptyBatch() throws OrtException {
    try (OrtSession session = Runtime.session(LinearNodes.full(), OptLevel.BASIC_OPT)) {
      for (long[] shape : new long[][] {{0, K}, {0, 7, K}, {3, 0, K}}) {
        Array y = Runtime.run(session, input(shape)).values().iterator().next();
        assertArrayEquals(shape, y.shape());
      }
    }
  }

  @Test
  void residuals() throws OrtException {
    TinyModel m = model();
    String other = m.input("other", TensorProto.DataType.FLOAT_VALUE);
    OnnxModel model = with(m, List.of(attribute("residual", 1L)), "", other);
    for (long[] shape : new long[][] {{1, M}, {M}, {2, M + 1}, {1, 2, M}, {M, 2}}) {
      refusedAtRun(
          model,
          Map.of(X, Array.random(1, 2, K), "other", Array.random(2, shape)),
          "input residual");
    }
    refused(with(model(), List.of(attribute("residual", 1L))), "input residual", "attribute");
    refused(with(model(), List.of(), "", X), "input residual", "attribute");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      ignoreLeadingAndTrailingWhitespace = false,
      value = {
        "leno.threads|0",
        "leno.threads|1025",
        "leno.threads|two",
        "leno.threads|-1",
        "leno.threads|2 ",
        "leno.threads|99999999999999999999",
        "leno.isa|foo",
        "leno.isa|AVX2",
        "leno.buckets|5,x",
        "leno.buckets|5,",
        "leno.buckets|,",
        "leno.buckets|0",
        "leno.buckets|16,4",
        "leno.buckets|4,4",
        "leno.buckets|1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
        "leno.buckets|4294967297"
      })
  void sessionEntries(String key, String value) {
    OrtException e =
        assertThrows(
            OrtException.class,
            () -> {
              try (var options = Runtime.options(OptLevel.BASIC_OPT)) {
                options.addConfigEntry(key, value);
                options.registerCustomOpLibrary(LenoOnnx.libraryPath());
              }
            });
    expect(e, key, '"' + value + '"');
  }

  @Test
  void cutModelsAreRefusedOrWhole() {
    byte[] bytes = manyNodes().toBytes();
    for (int size = 0; size < bytes.length; size++) {
      read(Arrays.copyOf(bytes, size));
    }
  }

  @Test
  void damagedModelsAreRefusedOrWhole() {
    byte[] bytes = manyNodes().toBytes();
    for (int bit = 0; bit < 8 * bytes.length; bit++) {
      byte[] damaged = bytes.clone();
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      read(damaged);
    }
  }

  @Test
  void fewBytesDoNotAskForGigabytes() {
    TinyModel m = new TinyModel();
    String weights =
        m.tensor(TensorProto.newBuilder().setDataType(1).addDims(46_000).addDims(46_000));
    OnnxModel model = m.output(m.node("MatMul", X, weights)).build();
    LenoFormatException e =
        assertThrows(LenoFormatException.class, () -> model.layers(ShapeEvidence.none()));
    assertTrue(e.getMessage().contains("holds 0 values, expected 2116000000"), e.getMessage());
  }

  static OnnxModel manyNodes() {
    TinyModel m = new TinyModel();
    String x = m.node("Add", m.node("MatMul", X, m.random(1, 4, 4)), m.random(2, 4));
    String gelu =
        m.node(
            "Mul",
            m.node(
                "Mul",
                x,
                m.node(
                    "Add",
                    m.node("Erf", m.node("Div", x, m.scalar((float) Math.sqrt(2)))),
                    m.scalar(1))),
            m.node("Constant", attribute("value_float", 0.5f)));
    String shared = m.node("Identity", m.random(3, 4, 4));
    String sum = m.node("Add", m.node("MatMul", gelu, m.node("Transpose", shared)), X);
    String centred =
        m.node("Sub", sum, m.node("ReduceMean", attribute("axes", new long[] {-1}), sum));
    String variance =
        m.node("ReduceMean", attribute("axes", new long[] {-1}), m.node("Mul", centred, centred));
    String root = m.node("Sqrt", m.node("Add", variance, m.scalar(1e-5f)));
    String norm =
        m.node("Add", m.node("Mul", m.node("Div", centred, root), m.random(4, 4)), m.random(5, 4));
    String gemm = m.node("Gemm", norm, m.random(6, 4, 4), m.random(7, 4));
    return m.output(m.node("Mul", gemm, m.node("Sigmoid", gemm))).build();
  }

  static void read(byte[] bytes) {
    try {
      OnnxModel model = OnnxModel.parse(bytes);
      model.layers(ShapeEvidence.none());
      model.skippedLayers();
      model.shapeQuestions();
      model.inputs();
      model.outputs();
      OnnxModel.parse(model.toBytes());
    } catch (LenoFormatException expected) {
      // As it should be.
    }
  }
}
