package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.DType;
import io.leno.Importance;
import io.leno.LenoArgumentException;
import io.leno.LenoException;
import io.leno.Pattern;
import io.leno.SearchOptions;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The pipeline on a perceptron of three layers whose inputs are correlated, as real ones are. */
final class AcceleratorTest {
  private static final int K = 48;
  private static final int H = 64;
  private static final int SAMPLES = 240;

  /** x W1 + b1, relu, W2 + b2 + its input, gelu, W3. */
  private static OnnxModel perceptron() {
    TinyModel m = new TinyModel(20).inputShape(-1, K);
    String h = m.node("Add", m.node("MatMul", X, m.random(1, K, H)), m.random(2, H));
    h = m.node("Relu", h);
    String g = m.node("Add", m.random(4, H), m.node("MatMul", h, m.random(3, H, H)));
    g = m.node("Add", g, h);
    String y = m.node("MatMul", m.node("Gelu", g), m.random(5, H, K));
    return m.output(y).build();
  }

  /** Samples in a space of fewer dimensions, and a little noise. */
  private static ModelInputs inputs(int samples, long seed) {
    int rank = 12;
    float[] mix = Truth.random(rank * K, 99);
    float[] hidden = Truth.random(samples * rank, seed);
    float[] noise = Truth.random(samples * K, seed + 1);
    float[] x = new float[samples * K];
    for (int s = 0; s < samples; s++) {
      for (int j = 0; j < K; j++) {
        float sum = 0.05f * noise[s * K + j] + 0.3f;
        for (int r = 0; r < rank; r++) {
          sum += hidden[s * rank + r] * mix[r * K + j];
        }
        x[s * K + j] = sum;
      }
    }
    return ModelInputs.of(Map.of(X, InputArray.of(x, samples, K)));
  }

  private static Accelerator.Builder builder(Goal goal) {
    return Accelerator.builder(perceptron())
        .goal(goal)
        .calibration(inputs(SAMPLES, 10))
        .heldOut(inputs(60, 20))
        .dtypes(DType.F32)
        .vectors(8)
        .threads(2);
  }

  /** The mean cosine of a model's outputs to the dense model's, through plain ONNX Runtime. */
  private static double similarity(OnnxModel model) throws Exception {
    float[] x = floats(inputs(60, 20));
    try (var dense = Runtime.plainSession(perceptron(), OptLevel.BASIC_OPT);
        var other = Runtime.session(model, OptLevel.BASIC_OPT)) {
      Array input = new Array(x, 60, K);
      Array a = Runtime.run(dense, Map.of(X, input)).values().iterator().next();
      Array b = Runtime.run(other, Map.of(X, input)).values().iterator().next();
      double sum = 0;
      for (int row = 0; row < 60; row++) {
        sum += cosine(a.values(), b.values(), row * K);
      }
      return sum / 60;
    }
  }

  private static double cosine(float[] a, float[] b, int from) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = from; i < from + K; i++) {
      ab += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return ab / Math.sqrt(aa * bb);
  }

  private static float[] floats(ModelInputs inputs) {
    try (var tensor = inputs.arrays().get(X).toTensor(Runtime.ENVIRONMENT)) {
      float[] values = new float[inputs.samples() * K];
      tensor.getFloatBuffer().get(values);
      return values;
    } catch (ai.onnxruntime.OrtException e) {
      throw new AssertionError(e);
    }
  }

  /** Every layer pruned by magnitude to the same pattern family, without correction. */
  private static OnnxModel byMagnitude(double sparsity) {
    OnnxModel model = perceptron();
    Map<LinearLayer, float[]> pruned = new HashMap<>();
    for (LinearLayer layer : model.layers(ShapeEvidence.none())) {
      float[] weights = layer.weights();
      try (Pattern pattern =
          Pattern.search(
              Importance.magnitude(LayerFit.matrix(layer)), SearchOptions.of(sparsity, 8))) {
        byte[] mask = pattern.mask();
        for (int i = 0; i < weights.length; i++) {
          weights[i] *= mask[i];
        }
      }
      pruned.put(layer, weights);
    }
    return model.withWeights(pruned);
  }

  @Test
  void secondOrderBeatsMagnitude() throws Exception {
    Acceleration made = builder(Goal.uniform(0.5)).build().run();
    double similarity = similarity(made.model());
    double magnitude = similarity(byMagnitude(0.5));
    assertTrue(1 - similarity < 0.5 * (1 - magnitude), similarity + " against " + magnitude);
    assertEquals(similarity, made.report().similarity(), 1e-4);
    assertEquals(0.5, made.report().sparsity(), 0.01);
    assertEquals(3, made.report().layers().size());
    assertEquals(3, made.masks().size());
    for (LayerReport layer : made.report().layers()) {
      assertEquals(0.5, made.masks().get(layer.name()).sparsity(), 0.02);
      assertTrue(layer.seconds() > 0 && layer.denseSeconds() > 0 && layer.bytes() > 0);
      assertTrue(layer.error() > 0 && layer.error() < 1, "error is " + layer.error());
      assertTrue(layer.keptImportance() > 0 && layer.keptImportance() < 1);
    }
    assertFalse(made.report().generatedInputs());
  }

  @Test
  void theSpreadBudgetIsKeptAndNoWorse() throws Exception {
    Acceleration made = builder(Goal.overall(0.6)).build().run();
    assertTrue(made.report().sparsity() >= 0.58, "sparsity is " + made.report().sparsity());
    double uniform = builder(Goal.uniform(0.6)).build().run().report().similarity();
    assertTrue(
        made.report().similarity() > uniform - 0.01,
        made.report().similarity() + " against " + uniform);
  }

  @Test
  void theAccuracyBudgetIsKept() throws Exception {
    Acceleration made =
        builder(Goal.accuracy(0.98)).dtypes(DType.F32, DType.BF16, DType.I8).build().run();
    assertTrue(made.report().similarity() >= 0.98, "similarity " + made.report().similarity());
    assertTrue(similarity(made.model()) >= 0.98);
  }

  @Test
  void equalSeedsGiveEqualModels() {
    byte[] first = builder(Goal.uniform(0.5)).threads(1).build().run().model().toBytes();
    byte[] second = builder(Goal.uniform(0.5)).threads(2).build().run().model().toBytes();
    assertArrayEquals(first, second);
  }

  @Test
  void aPieceAtATimeComputesTheModel() throws Exception {
    OnnxModel model = perceptron();
    ModelInputs inputs = inputs(40, 3);
    AcceleratorSettings settings = new AcceleratorSettings(model);
    List<float[]> expected;
    try (var session = ModelSession.open(model)) {
      expected = settings.metric.vectors(Ort.run(session, inputs, null));
    }
    try (Chain chain = new Chain(model.proto(), model.layers(ShapeEvidence.none()));
        Workers workers = new Workers(2);
        Pass pass = Pass.start(chain, workers, inputs.batches(16, 512, null), null)) {
      Sweeper sweeper = new Sweeper(chain, workers, settings);
      List<float[]> actual = sweeper.through(pass, Map.of());
      assertEquals(expected.size(), actual.size());
      for (int i = 0; i < expected.size(); i++) {
        assertArrayEquals(expected.get(i), actual.get(i), 1e-5f);
      }
    }
  }

  @Test
  void aLayerOfFewColumnsMayLoseAllOfThem() {
    TinyModel m = new TinyModel().inputShape(-1, 12);
    String h =
        m.node("Relu", m.node("Add", m.node("MatMul", X, m.random(1, 12, 8)), m.random(2, 8)));
    OnnxModel model = m.output(m.node("Add", h, m.node("MatMul", X, m.random(3, 12, 8)))).build();
    ModelInputs inputs = ModelInputs.of(Map.of(X, InputArray.of(Truth.random(60 * 12, 4), 60, 12)));
    Acceleration made =
        Accelerator.builder(model)
            .goal(Goal.uniform(0.97))
            .calibration(inputs)
            .dtypes(DType.F32)
            .vectors(8)
            .build()
            .run();
    assertEquals(1, made.report().layers().get(0).sparsity());
  }

  @Test
  void progressIsTold() {
    List<String> stages = new ArrayList<>();
    builder(Goal.uniform(0.5))
        .progress(
            (stage, layer, fraction) -> {
              assertTrue(fraction >= 0 && fraction <= 1);
              if (stages.isEmpty() || !stages.get(stages.size() - 1).equals(stage)) {
                stages.add(stage);
              }
            })
        .build()
        .run();
    assertEquals(List.of("prepare", "prune", "verify", "report"), stages);
  }

  @Test
  void badSettingsAreNamed() {
    assertThrows(LenoArgumentException.class, () -> Goal.uniform(1));
    assertThrows(LenoArgumentException.class, () -> Goal.overall(Double.NaN));
    assertThrows(LenoArgumentException.class, () -> Goal.accuracy(1));
    assertThrows(LenoArgumentException.class, () -> builder(Goal.uniform(0.5)).vectors(5));
    assertThrows(LenoArgumentException.class, () -> builder(Goal.uniform(0.5)).threads(0));
    assertThrows(LenoArgumentException.class, () -> builder(Goal.uniform(0.5)).dtypes());
    assertThrows(LenoArgumentException.class, () -> builder(Goal.uniform(0.5)).dtypes(DType.F16));
    Accelerator damped = builder(Goal.uniform(0.5)).damping(-1).build();
    assertThrows(LenoArgumentException.class, damped::run);
    Accelerator masked = builder(Goal.uniform(0.5)).tokenMask("absent").build();
    assertThrows(LenoArgumentException.class, masked::run);
  }

  @Test
  void inputsOfAnotherModelAreRefused() {
    ModelInputs other = ModelInputs.of(Map.of("y", InputArray.of(new float[9], 3, 3)));
    Accelerator strange = builder(Goal.uniform(0.5)).calibration(other).build();
    assertThrows(LenoArgumentException.class, strange::run);
    ModelInputs ids = ModelInputs.of(Map.of(X, InputArray.of(new long[3 * K], 3, K)));
    Accelerator typed = builder(Goal.uniform(0.5)).calibration(ids).build();
    assertThrows(LenoArgumentException.class, typed::run);
    ModelInputs narrow = ModelInputs.of(Map.of(X, InputArray.of(new float[9], 3, 3)));
    Accelerator shaped = builder(Goal.uniform(0.5)).calibration(narrow).build();
    assertThrows(LenoException.class, shaped::run);
  }

  @Test
  void aModelWithoutLayersIsRefused() {
    TinyModel m = new TinyModel().inputShape(-1, K);
    OnnxModel model = m.output(m.node("Relu", X)).build();
    Accelerator nothing = Accelerator.builder(model).calibration(inputs(9, 1)).threads(1).build();
    assertThrows(LenoArgumentException.class, nothing::run);
  }
}
