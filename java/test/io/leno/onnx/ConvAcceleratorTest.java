package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.DType;
import io.leno.Importance;
import io.leno.LenoArgumentException;
import io.leno.LenoFormatException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.PatternFamily;
import io.leno.SearchOptions;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.Test;

/** The pipeline on a small convnet whose images are smooth, as real ones are. */
final class ConvAcceleratorTest {
  private static final int C = 3;
  private static final int F = 16;
  private static final int SIZE = 12;

  /** conv, BN, relu; conv; conv + residual, relu; a mean over pixels; a linear layer. */
  private static OnnxModel convnet() {
    TinyModel m = new TinyModel(17).inputShape(-1, C, SIZE, SIZE);
    String a = conv(m, X, 1, C, 1);
    a =
        m.node(
            "BatchNormalization",
            a,
            m.random(31, F),
            m.random(32, F),
            m.random(33, F),
            m.constant(ones(), F));
    a = m.node("Relu", a);
    String b = m.node("LeakyRelu", attribute("alpha", 0.1f), conv(m, a, 2, F, 1));
    String c = m.node("Relu", m.node("Add", conv(m, b, 3, F, 1), a));
    String d = conv(m, c, 4, F, 2);
    String mean = m.node("Flatten", m.node("GlobalAveragePool", d));
    m.output(m.node("MatMul", mean, m.random(9, F, 5)), d);
    return OnnxModel.parse(m.build().toBytes());
  }

  private static float[] ones() {
    float[] ones = new float[F];
    java.util.Arrays.fill(ones, 1);
    return ones;
  }

  private static String conv(TinyModel m, String x, int seed, int channels, int stride) {
    return m.node(
        "",
        "Conv",
        List.of(
            attribute("pads", new long[] {1, 1, 1, 1}),
            attribute("strides", new long[] {stride, stride})),
        x,
        m.random(seed, F, channels, 3, 3),
        m.random(seed + 10, F));
  }

  private static float[] images(int samples, long seed) {
    float[] waves = Truth.random(samples * C * 4, seed);
    float[] noise = Truth.random(samples * C * SIZE * SIZE, seed + 1);
    float[] x = new float[noise.length];
    for (int i = 0; i < x.length; i++) {
      int column = i % SIZE;
      int row = i / SIZE % SIZE;
      int wave = i / (SIZE * SIZE) * 4;
      x[i] =
          (float)
                  (waves[wave] * Math.sin(0.5 * row + 3 * waves[wave + 1])
                      + waves[wave + 2] * Math.cos(0.4 * column + 3 * waves[wave + 3]))
              + 0.05f * noise[i];
    }
    return x;
  }

  private static ModelInputs inputs(int samples, long seed) {
    return ModelInputs.of(Map.of(X, InputArray.of(images(samples, seed), samples, C, SIZE, SIZE)));
  }

  private static Accelerator.Builder builder(Goal goal) {
    return builder(convnet(), goal);
  }

  private static Accelerator.Builder builder(OnnxModel model, Goal goal) {
    return Accelerator.builder(model)
        .goal(goal)
        .calibration(inputs(64, 10))
        .heldOut(inputs(24, 20))
        .dtypes(DType.F32)
        .vectors(8)
        .threads(2)
        .replaceSlower(true);
  }

  /** The mean cosine of the first output's rows to the dense model's, through ONNX Runtime. */
  private static double similarity(OnnxModel model) throws Exception {
    return similarity(convnet(), model);
  }

  private static double similarity(OnnxModel of, OnnxModel model) throws Exception {
    Map<String, Array> input = Map.of(X, new Array(images(24, 20), 24, C, SIZE, SIZE));
    try (var dense = Runtime.plainSession(of, OptLevel.BASIC_OPT);
        var other = Runtime.session(model, OptLevel.BASIC_OPT)) {
      Array a = Runtime.run(dense, input).values().iterator().next();
      Array b = Runtime.run(other, input).values().iterator().next();
      double sum = 0;
      for (int row = 0; row < 24; row++) {
        double ab = 0;
        double aa = 0;
        double bb = 0;
        for (int i = 5 * row; i < 5 * row + 5; i++) {
          ab += (double) a.values()[i] * b.values()[i];
          aa += (double) a.values()[i] * a.values()[i];
          bb += (double) b.values()[i] * b.values()[i];
        }
        sum += ab / Math.sqrt(aa * bb);
      }
      return sum / 24;
    }
  }

  private static OnnxModel byMagnitude(double sparsity) {
    return byMagnitude(convnet(), sparsity);
  }

  private static OnnxModel byMagnitude(OnnxModel model, double sparsity) {
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

  private static List<String> operators(OnnxModel model) throws Exception {
    return ModelProto.parseFrom(model.toBytes()).getGraph().getNodeList().stream()
        .filter(node -> node.getDomain().equals(OnnxModel.DOMAIN))
        .map(NodeProto::getOpType)
        .toList();
  }

  @Test
  void secondOrderBeatsMagnitude() throws Exception {
    Acceleration made = builder(Goal.uniform(0.5)).build().run();
    assertEquals(List.of("Conv", "Conv", "Conv", "Conv", "Linear"), operators(made.model()));
    double similarity = similarity(made.model());
    double magnitude = similarity(byMagnitude(0.5));
    assertTrue(1 - similarity < 0.5 * (1 - magnitude), similarity + " against " + magnitude);
    assertEquals(0.5, made.report().sparsity(), 0.02);
    assertEquals(
        List.of("bias+relu", "bias+leaky_relu", "bias+residual+relu", "bias", ""),
        made.report().layers().stream().map(LayerReport::fused).toList());
    LayerReport last = made.report().layers().get(3);
    assertEquals(36, last.tokens());
    assertEquals(9 * F, last.columns());
    for (LayerReport layer : made.report().layers()) {
      assertTrue(layer.seconds() > 0 && layer.denseSeconds() > 0 && layer.bytes() > 0);
      assertTrue(layer.error() > 0 && layer.error() < 1, "error is " + layer.error());
    }
  }

  @Test
  void theAccuracyBudgetIsKept() throws Exception {
    Acceleration made =
        builder(Goal.accuracy(0.98)).dtypes(DType.F32, DType.BF16, DType.I8).build().run();
    assertTrue(made.report().similarity() >= 0.98, "similarity " + made.report().similarity());
    for (LayerReport layer : made.report().layers()) {
      boolean own = layer.kernel().equals("the model's own");
      assertEquals(own, layer.columns() > F && layer.choice().equals(LayerChoice.dense(DType.F32)));
      assertTrue(!own || layer.seconds() == layer.denseSeconds());
    }
  }

  @Test
  void whatIsNotFasterStaysAsItWas() throws Exception {
    Acceleration made = builder(Goal.uniform(0.5)).replaceSlower(false).build().run();
    long kept =
        made.report().layers().stream().filter(l -> l.kernel().equals("the model's own")).count();
    long replaced = operators(made.model()).stream().filter("Conv"::equals).count();
    assertEquals(4, kept + replaced);
    for (LayerReport layer : made.report().layers()) {
      if (layer.kernel().equals("the model's own")) {
        assertEquals(0, layer.sparsity());
        assertEquals(0, layer.error());
      }
    }
  }

  @Test
  void layersTakeTheFastestPatternOfEqualImportance() throws Exception {
    Acceleration made =
        builder(Goal.uniform(0.5)).families(PatternFamily.values()).vectors(8, 16).build().run();
    assertEquals(5, operators(made.model()).size());
    for (LayerReport layer : made.report().layers()) {
      List<PatternAlternative> all = layer.alternatives();
      // The rows of the last layer are 5: all heights keep the same.
      assertEquals(4, all.size(), layer.toString());
      assertEquals(PatternFamily.SHFL_BW, all.get(0).family());
      assertEquals(8, all.get(0).vector());
      assertEquals(0.5, all.get(0).sparsity(), 1e-9);
      double least = Double.MAX_VALUE;
      for (PatternAlternative one : all) {
        assertTrue(one.seconds() > 0);
        assertTrue(one.keptImportance() >= all.get(0).keptImportance() * (1 - 1e-6), all::toString);
        assertTrue(one.keptImportance() < 1 && one.sparsity() > 0, all::toString);
        least = Math.min(least, one.seconds());
      }
      PatternAlternative fastest = null;
      for (PatternAlternative one : all) {
        fastest = fastest == null && one.seconds() == least ? one : fastest;
      }
      assertEquals(fastest.family(), layer.choice().family());
      assertEquals(fastest.vector(), layer.choice().vector());
      assertEquals(fastest.sparsity(), layer.sparsity(), 1.0 / layer.columns());
      assertEquals(
          fastest.family() == PatternFamily.WARP_SKIP, layer.pattern().equals("warp-skip"));
    }
    // Rows in their order retain no more than permuted ones of the same height.
    List<PatternAlternative> second = made.report().layers().get(1).alternatives();
    assertEquals(PatternFamily.WARP_SKIP, second.get(2).family());
    assertEquals(8, second.get(2).vector());
    assertTrue(second.get(2).sparsity() <= 0.5 + 1e-9, second::toString);
    assertTrue(second.get(3).sparsity() <= second.get(2).sparsity() + 1e-9, second::toString);
  }

  @Test
  void warpSkipPatternsAreNamed() throws Exception {
    Acceleration made = builder(Goal.overall(0.5)).families(PatternFamily.WARP_SKIP).build().run();
    assertTrue(similarity(made.model()) > 0.9);
    int found = 0;
    for (LayerReport layer : made.report().layers()) {
      assertEquals(layer.choice().isDense() ? "dense" : "warp-skip", layer.pattern());
      assertEquals(List.of(), layer.alternatives());
      found += layer.choice().isDense() ? 0 : 1;
    }
    assertTrue(found > 1);
  }

  @Test
  void theAccuracyBudgetIsKeptWithBothFamilies() {
    Acceleration made = builder(Goal.accuracy(0.98)).families(PatternFamily.values()).build().run();
    assertTrue(made.report().similarity() >= 0.98, "similarity " + made.report().similarity());
    for (LayerReport layer : made.report().layers()) {
      // Where no column is kept, there is nothing to choose.
      boolean kept = Math.round((1 - layer.choice().sparsity()) * layer.columns()) > 0;
      assertEquals(layer.choice().isDense() || !kept ? 0 : 2, layer.alternatives().size());
    }
  }

  @Test
  void heightsThatNoPatternHasAreRefused() {
    Accelerator.Builder small = builder(Goal.uniform(0.5)).vectors(4);
    LenoArgumentException e =
        assertThrows(
            LenoArgumentException.class, () -> small.families(PatternFamily.WARP_SKIP).build());
    assertTrue(e.getMessage().contains("vectors is [4], expected 8 .. 128 for WARP_SKIP"));
    assertThrows(LenoArgumentException.class, () -> small.families(PatternFamily.values()).build());
    assertThrows(LenoArgumentException.class, () -> small.families());
    assertThrows(
        LenoArgumentException.class,
        () -> small.families(PatternFamily.SHFL_BW, PatternFamily.SHFL_BW));
  }

  @Test
  void equalSeedsGiveEqualModels() {
    byte[] first = builder(Goal.uniform(0.5)).threads(1).build().run().model().toBytes();
    byte[] second = builder(Goal.uniform(0.5)).threads(2).build().run().model().toBytes();
    assertArrayEquals(first, second);
  }

  @Test
  void masksHaveTheOrderOfTheModelsFilters() {
    Acceleration made = builder(Goal.uniform(0.5)).build().run();
    LinearLayer second = convnet().layers(ShapeEvidence.none()).get(1);
    Mask mask = made.masks().get(second.name());
    float[] kept = new float[mask.rows() * mask.columns()];
    byte[] bytes = mask.kept();
    for (int i = 0; i < kept.length; i++) {
      kept[i] = bytes[i];
    }
    // Of a pattern, every group of 8 filters keeps the same weights: as many as half.
    Matrix rows = io.leno.op.SparseConv2d.filters(kept, F, F, 3, 3);
    try (Pattern pattern = Pattern.detect(rows, 8)) {
      assertEquals(0.5, pattern.sparsity(), 0.02);
    }
  }

  /** conv, relu; conv in groups, relu; conv in groups of few filters; a linear layer. */
  private static OnnxModel grouped() {
    TinyModel m = new TinyModel(17).inputShape(-1, C, SIZE, SIZE);
    String a = m.node("Relu", conv(m, X, 1, C, 1));
    String b = m.node("Relu", inGroups(m, a, 2, 2));
    String c = inGroups(m, b, 3, 4);
    String mean = m.node("Flatten", m.node("GlobalAveragePool", c));
    m.output(m.node("MatMul", mean, m.random(9, F, 5)), c);
    return OnnxModel.parse(m.build().toBytes());
  }

  private static String inGroups(TinyModel m, String x, int seed, int groups) {
    return m.node(
        "",
        "Conv",
        List.of(attribute("pads", new long[] {1, 1, 1, 1}), attribute("group", (long) groups)),
        x,
        m.random(seed, F, F / groups, 3, 3),
        m.random(seed + 10, F));
  }

  @Test
  void patternsStayWithinTheGroupsOfAConvolution() throws Exception {
    Acceleration made = builder(grouped(), Goal.uniform(0.5)).build().run();
    assertEquals(List.of("Conv", "Conv", "Conv", "Linear"), operators(made.model()));
    List<LayerReport> layers = made.report().layers();
    assertEquals(9 * F / 2, layers.get(1).columns());
    assertEquals(8, layers.get(1).choice().vector());
    assertEquals(9 * F / 4, layers.get(2).columns());
    assertEquals(4, layers.get(2).choice().vector()); // there are 4 filters in a group
    for (LayerReport layer : layers) {
      assertEquals(0.5, layer.sparsity(), 0.02);
      assertTrue(layer.keptImportance() > 0.5 && layer.keptImportance() <= 1);
      assertTrue(layer.error() > 0 && layer.error() < 0.5, "error is " + layer.error());
      assertTrue(layer.seconds() > 0 && layer.denseSeconds() > 0);
    }
    double similarity = similarity(grouped(), made.model());
    double magnitude = similarity(grouped(), byMagnitude(grouped(), 0.5));
    assertTrue(1 - similarity < 0.5 * (1 - magnitude), similarity + " against " + magnitude);
    Acceleration again = builder(grouped(), Goal.uniform(0.5)).sweeps(2).threads(1).build().run();
    assertEquals(
        made.report().similarityBySweep().get(0), again.report().similarityBySweep().get(0));
  }

  @Test
  void bothFamiliesServeConvolutionsInGroups() throws Exception {
    Acceleration made =
        builder(grouped(), Goal.uniform(0.5))
            .families(PatternFamily.WARP_SKIP, PatternFamily.SHFL_BW)
            .build()
            .run();
    List<LayerReport> layers = made.report().layers();
    assertEquals(PatternFamily.WARP_SKIP, layers.get(1).alternatives().get(0).family());
    assertEquals(2, layers.get(1).alternatives().size());
    assertEquals(1, layers.get(2).alternatives().size()); // warp-skip has no units of 4 rows
    assertEquals(PatternFamily.SHFL_BW, layers.get(2).choice().family());
    assertEquals(4, operators(made.model()).size());
    assertTrue(builder(grouped(), Goal.accuracy(0.97)).build().run().report().similarity() >= 0.97);
  }

  /** What a group's patches are multiplied with gives what ONNX Runtime makes of the images. */
  @Test
  void patchesOfAGroupHaveItsChannelsAlone() {
    Convolution c = new Convolution(2, 6, 3, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
    float[] x = Truth.random(2 * 6 * 4 * 5, 5);
    long[] shape = {2, 6, 4, 5};
    Matrix patches = Patches.inputs(new FloatPointer(x), c, c.size(shape), new int[] {0, 13}, 2);
    assertEquals(8, patches.columns());
    for (int k = 0; k < 8; k++) {
      int channel = 4 + k % 2;
      int dx = k / 2 % 2;
      int dy = k / 4;
      assertEquals(x[(channel * 4 + dy) * 5 + dx], patches.get(0, k));
      assertEquals(x[((6 + channel) * 4 + dy) * 5 + 1 + dx], patches.get(1, k));
    }
  }

  @Test
  void patchesAreWhatAConvolutionMultiplies() {
    Convolution c = new Convolution(2, 2, 1, 3, 2, 2, 1, 1, 2, 1, 2, 0, 1);
    int height = 6;
    int width = 5;
    float[] x = Truth.random(2 * 2 * height * width, 5);
    long[] shape = {2, 2, height, width};
    int out = (int) c.outPixels(c.size(shape));
    assertEquals(2 * c.outHeight(height) * c.outWidth(width), out);
    int[] all = Patches.sample(c, out, 0, 1);
    assertEquals(out, all.length);
    Matrix patches = Patches.inputs(new FloatPointer(x), c, c.size(shape), all, 0);
    for (int p = 0; p < out; p++) {
      int ofImage = out / 2;
      int oy = p % ofImage / (int) c.outWidth(width);
      int ox = p % ofImage % (int) c.outWidth(width);
      for (int k = 0; k < c.columns(); k++) {
        int channel = k % 2;
        int y = 2 * oy + k / 4 - 1;
        int column = ox + 2 * (k / 2 % 2) - 2;
        boolean inside = y >= 0 && y < height && column >= 0 && column < width;
        float expected =
            inside ? x[((p / ofImage * 2 + channel) * height + y) * width + column] : 0;
        assertEquals(expected, patches.get(p, k), p + ", " + k);
      }
    }
    int[] some = Patches.sample(c, 1_000_000, 3, 100);
    assertEquals(82, some.length);
    for (int i = 1; i < some.length; i++) {
      assertTrue(some[i] > some[i - 1] && some[i] < 1_000_000);
    }
  }

  @Test
  void pixelsOfAnOutputAreRowsOfChannels() {
    float[] y = Truth.random(2 * 3 * 4 * 5, 6);
    Matrix rows =
        Patches.outputs(new FloatPointer(y), 3, new long[] {2, 3, 4, 5}, new int[] {0, 7, 20, 39});
    int[][] places = {{0, 0}, {0, 7}, {1, 0}, {1, 19}};
    for (int p = 0; p < 4; p++) {
      for (int f = 0; f < 3; f++) {
        assertEquals(y[(places[p][0] * 3 + f) * 20 + places[p][1]], rows.get(p, f));
      }
    }
  }

  private static void refused(String message, AttributeProto... attributes) {
    TinyModel m = new TinyModel().imports("io.leno", 1);
    byte[] blob = TinyModel.blob(Truth.random(4 * 18, 1), 4, 18);
    m.output(m.node("io.leno", "Conv", List.of(attributes), X, m.bytes(blob)));
    LenoUnsupportedException e =
        assertThrows(LenoUnsupportedException.class, () -> ModelSession.open(m.build()));
    assertTrue(e.getMessage().contains(message), e.getMessage());
  }

  @Test
  void badNodesAreNamed() {
    AttributeProto kernel = attribute("kernel_shape", new long[] {3, 3});
    AttributeProto sizes = attribute("sizes", new long[] {1, 9, 9});
    refused("attribute sizes is absent", kernel);
    refused("kernel_shape has 0 numbers", sizes);
    refused(
        "kernel_shape is an integer, expected a list of integers", attribute("kernel_shape", 3L));
    refused(
        "strides is a list of floats, expected a list of integers",
        kernel,
        sizes,
        attribute("strides", new float[] {1, 1}));
    refused("pads has 2 numbers, expected 4", kernel, sizes, attribute("pads", new long[] {1, 1}));
    refused("pad_left is 3", kernel, sizes, attribute("pads", new long[] {0, 3, 0, 0}));
    refused("packed has 18 columns", attribute("kernel_shape", new long[] {2, 2}), sizes);
    refused("expected nchw or nhwc", kernel, sizes, attribute("layout", "NHWC"));
    refused("input residual is absent", kernel, sizes, attribute("residual", "after"));
    refused("height is 2", kernel, attribute("sizes", new long[] {1, 2, 9}));
    TinyModel short4 = new TinyModel();
    short4.output(short4.node("Conv", X, short4.constant(new float[7], 2, 1, 2, 2)));
    OnnxModel damaged = short4.build();
    assertThrows(
        LenoFormatException.class,
        () -> OnnxModel.parse(damaged.toBytes()).layers(ShapeEvidence.none()));
  }

  @Test
  void zerosOfConvolutionsInGroupsAreFound() throws Exception {
    Acceleration made = builder(grouped(), Goal.uniform(0.5)).build().run();
    Map<LinearLayer, float[]> pruned = new HashMap<>();
    for (LinearLayer layer : grouped().layers(ShapeEvidence.none())) {
      float[] weights = layer.weights();
      byte[] kept = made.masks().get(layer.name()).kept(); // C x R x S of a filter
      int channels = layer.isConvolution() ? layer.columns() / 9 : layer.columns();
      int taps = layer.columns() / channels;
      for (int i = 0; i < weights.length; i++) {
        int row = i / layer.columns() * layer.columns();
        weights[i] *= kept[row + i % channels * taps + i % layer.columns() / channels];
      }
      pruned.put(layer, weights);
    }
    OnnxModel model = grouped();
    Map<LinearLayer, float[]> ofModel = new HashMap<>();
    for (LinearLayer layer : model.layers(ShapeEvidence.none())) {
      pruned.forEach(
          (other, weights) -> {
            if (other.name().equals(layer.name())) {
              ofModel.put(layer, weights);
            }
          });
    }
    OnnxModel zeros = model.withWeights(ofModel);
    for (int vector : new int[] {0, 8}) {
      Retrained packed = Retrained.pack(zeros, DType.F32, vector, inputs(3, 4));
      assertEquals(4, packed.layers().size());
      assertEquals(8, packed.layers().get(1).vector());
      assertEquals(4, packed.layers().get(2).vector());
      for (Retrained.Layer layer : packed.layers()) {
        assertEquals(0.5, layer.sparsity(), 0.02);
      }
      assertEquals(similarity(grouped(), zeros), similarity(grouped(), packed.model()), 1e-6);
    }
  }

  @Test
  void zerosOfARetrainedConvnetAreFound() throws Exception {
    OnnxModel zeros = byMagnitude(0.5);
    Retrained packed = Retrained.pack(zeros, DType.F32, 8, inputs(3, 4));
    assertEquals(5, packed.layers().size());
    assertEquals(5, operators(packed.model()).size());
    assertEquals(similarity(zeros), similarity(packed.model()), 1e-6);
    assertEquals(1, Retrained.pack(convnet(), DType.F32, 8, inputs(3, 4)).layers().size());
  }
}
