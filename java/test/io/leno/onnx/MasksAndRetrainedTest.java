package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.DType;
import io.leno.LenoArgumentException;
import io.leno.LenoException;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoShapeException;
import io.leno.StructureReport.Structure;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Masks leave as files, and what was retrained under them comes back without loss. */
final class MasksAndRetrainedTest {
  private static final int M = 64;
  private static final int K = 40;

  @TempDir Path folder;

  private static Mask random(int rows, int columns, long seed) {
    byte[] kept = new byte[rows * columns];
    Random random = new Random(seed);
    for (int i = 0; i < kept.length; i++) {
      kept[i] = (byte) random.nextInt(2);
    }
    return new Mask(rows, columns, kept);
  }

  private static Map<String, Mask> two() {
    Map<String, Mask> masks = new LinkedHashMap<>();
    masks.put("/encoder/layer.0/MatMul", random(5, 7, 1));
    masks.put("naïve \"name\"", random(3, 2, 2));
    return masks;
  }

  @Test
  void masksComeBack() {
    Path file = folder.resolve("masks.safetensors");
    MaskFile.save(file, two());
    Map<String, Mask> read = MaskFile.load(file);
    assertEquals(two().keySet(), read.keySet());
    two().forEach((name, mask) -> assertArrayEquals(mask.kept(), read.get(name).kept()));
    assertEquals(7, read.get("/encoder/layer.0/MatMul").columns());
  }

  @Test
  void badMasksAreRefused() throws Exception {
    assertThrows(LenoShapeException.class, () -> new Mask(2, 2, new byte[3]));
    assertThrows(LenoArgumentException.class, () -> new Mask(1, 1, new byte[] {2}));
    Path file = folder.resolve("masks.safetensors");
    assertThrows(LenoIOException.class, () -> MaskFile.load(file));
    assertThrows(LenoIOException.class, () -> MaskFile.save(folder.resolve("no/m"), two()));
    MaskFile.save(file, two());
    byte[] good = Files.readAllBytes(file);
    Random random = new Random(1);
    for (int i = 0; i < 700; i++) {
      byte[] bad =
          i % 4 == 0 ? java.util.Arrays.copyOf(good, random.nextInt(good.length)) : good.clone();
      for (int change = 0; change < 1 + i % 3 && bad.length > 0; change++) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
      }
      Files.write(file, bad);
      try {
        MaskFile.load(file);
      } catch (LenoFormatException e) {
        assertTrue(e.getMessage().contains("masks.safetensors"), e.getMessage());
      }
    }
    String other = new String(good, java.nio.charset.StandardCharsets.ISO_8859_1);
    Files.write(
        file,
        other
            .replace("leno.masks", "leno.other")
            .getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    assertTrue(
        assertThrows(LenoFormatException.class, () -> MaskFile.load(file))
            .getMessage()
            .contains("leno.other"));
  }

  /** Random weights, in x out, of which rows r, r + 8, ... share their zeros where hidden. */
  private static float[] pruned(boolean structured) {
    float[] weights = Truth.random(K * M, 1);
    Random random = new Random(5);
    boolean[][] kept = new boolean[8][K];
    for (boolean[] group : kept) {
      for (int j = 0; j < K; j++) {
        group[j] = random.nextInt(4) == 0;
      }
    }
    for (int j = 0; j < K; j++) {
      for (int row = 0; row < M; row++) {
        boolean keep = structured ? kept[row % 8][j] : random.nextInt(4) == 0;
        weights[j * M + row] *= keep ? 1 : 0;
      }
    }
    return weights;
  }

  private static OnnxModel model(float[] weights) {
    TinyModel m = new TinyModel().inputShape(-1, K);
    return m.output(m.node("MatMul", X, m.constant(weights, K, M))).build();
  }

  private static void computesTheSame(OnnxModel dense, OnnxModel packed) throws Exception {
    Array x = Array.random(3, 9, K);
    try (var a = Runtime.plainSession(dense, OptLevel.BASIC_OPT);
        var b = Runtime.session(packed, OptLevel.BASIC_OPT)) {
      float[] expected = Runtime.run(a, Map.of(X, x)).values().iterator().next().values();
      float[] actual = Runtime.run(b, Map.of(X, x)).values().iterator().next().values();
      assertArrayEquals(expected, actual, 1e-4f);
    }
  }

  @Test
  void hiddenGroupsArePackedWithoutLoss() throws Exception {
    OnnxModel model = model(pruned(true));
    Retrained retrained = Retrained.pack(model, DType.F32, 8, null);
    Retrained.Layer layer = retrained.layers().get(0);
    assertEquals(Structure.SHFL_BW, layer.found().structure());
    assertEquals(8, layer.vector());
    assertEquals(layer.found().zeros(), layer.sparsity(), 0.02);
    assertEquals(0, layer.patternLoss());
    computesTheSame(model, retrained.model());
  }

  @Test
  void unstructuredZerosAreAssessed() throws Exception {
    OnnxModel model = model(pruned(false));
    Retrained retrained = Retrained.pack(model, DType.F32, 0, null);
    Retrained.Layer layer = retrained.layers().get(0);
    assertEquals(Structure.UNSTRUCTURED, layer.found().structure());
    assertTrue(layer.patternLoss() > 0.1 && layer.patternLoss() < 1);
    computesTheSame(model, retrained.model());
  }

  @Test
  void denseWeightsStayDense() throws Exception {
    OnnxModel model = model(Truth.random(K * M, 1));
    Retrained retrained = Retrained.pack(model, DType.F32, 0, null);
    assertEquals(0, retrained.layers().get(0).vector());
    assertEquals(Structure.DENSE, retrained.layers().get(0).found().structure());
    computesTheSame(model, retrained.model());
    assertThrows(LenoException.class, () -> Retrained.pack(model, DType.F32, 3, null));
  }
}
