package io.leno;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PatternTest {
  private static final int M = 50;
  private static final int K = 40;
  private final Matrix weights = Truth.randomMatrix(M, K, 1);

  @Test
  void searchTellsWhatItFound() {
    Matrix scores = Importance.magnitude(weights);
    try (Pattern pattern = Pattern.search(scores, SearchOptions.of(0.75, 8))) {
      assertEquals(M, pattern.rows());
      assertEquals(K, pattern.columns());
      assertEquals(8, pattern.vector());
      assertEquals(7, pattern.groups());
      assertEquals(0.75, pattern.sparsity(), 0.01);
      assertFalse(pattern.isIdentity());
      assertTrue(pattern.structureReport().isEmpty());

      SearchReport report = pattern.searchReport().orElseThrow();
      assertEquals(report.kept(), pattern.keptImportance(scores), 1e-6 * report.total());
      assertTrue(report.identity() < report.kept() && report.kept() < report.unstructured());
      assertTrue(report.unstructured() < report.total());
      assertTrue(report.efficacy() > 0 && report.efficacy() < 1);
    }
  }

  @Test
  void maskIndicesAndCountsAgree() {
    try (Pattern pattern = Truth.pattern(weights, 4, 0.5)) {
      int[] permutation = pattern.permutation();
      long[] offsets = pattern.offsets();
      int[] indices = pattern.indices();
      assertEquals(pattern.keptVectors(), indices.length);
      byte[] mask = new byte[M * K];
      int kept = 0;
      for (int row = 0; row < M; row++) {
        int group = row / 4;
        for (long i = offsets[group]; i < offsets[group + 1]; i++) {
          mask[permutation[row] * K + indices[(int) i]] = 1;
          kept++;
        }
      }
      assertArrayEquals(mask, pattern.mask());
      assertEquals(kept, pattern.keptWeights());
    }
  }

  @Test
  void partsMakeTheSamePattern() {
    try (Pattern pattern = Truth.pattern(weights, 16, 0.75);
        Pattern copy =
            Pattern.of(M, K, 16, pattern.permutation(), pattern.offsets(), pattern.indices())) {
      assertArrayEquals(pattern.mask(), copy.mask());
      assertTrue(copy.searchReport().isEmpty());
    }
  }

  @Test
  void threadsDoNotChangeTheResult() {
    Matrix scores = Importance.magnitude(weights);
    SearchOptions.Builder options = SearchOptions.builder().vector(8).starts(3).seed(7);
    try (Pattern one = Pattern.search(scores, options.build());
        Pattern four = Pattern.search(scores, options.threads(4).build())) {
      assertArrayEquals(one.permutation(), four.permutation());
      assertArrayEquals(one.indices(), four.indices());
    }
  }

  @Test
  void identityAndPublishedSearchesRun() {
    Matrix scores = Importance.magnitude(weights);
    SearchOptions.Builder options = SearchOptions.builder().vector(8);
    try (Pattern identity =
            Pattern.search(scores, options.search(SearchOptions.Search.IDENTITY).build());
        Pattern published =
            Pattern.search(
                scores,
                options
                    .search(SearchOptions.Search.PUBLISHED)
                    .balance(SearchOptions.Balance.LAYER)
                    .relaxation(1.5)
                    .build())) {
      assertTrue(identity.isIdentity());
      SearchReport report = identity.searchReport().orElseThrow();
      assertEquals(report.identity(), report.kept(), 1e-9 * report.total());
      assertEquals(0.75, published.sparsity(), 0.05);
    }
  }

  @Test
  void warpSkipKeepsUnitsInWholeSectors() {
    Matrix scores = Importance.magnitude(weights);
    for (int unit : new int[] {8, 16, 32, 64, 128}) {
      try (Pattern pattern = Pattern.search(scores, SearchOptions.warpSkip(0.75, unit))) {
        assertEquals(PatternFamily.WARP_SKIP, pattern.family());
        assertEquals(unit, pattern.vector());
        assertEquals(1, pattern.memoryColumns());
        assertTrue(pattern.isIdentity());
        assertEquals(0.75, pattern.sparsity(), 0.01);
      }
    }
    SearchOptions sectors =
        SearchOptions.builder()
            .warpSkip(8)
            .memoryUnit(DType.F16)
            .balance(SearchOptions.Balance.LAYER)
            .build();
    try (Pattern pattern = Pattern.search(scores, sectors)) {
      assertEquals(2, pattern.memoryColumns());
      byte[] mask = pattern.mask();
      for (int i = 0; i < M * K; i += 2) {
        assertEquals(mask[i], mask[i + 1]);
        assertEquals(mask[i / K / 8 * 8 * K + i % K], mask[i]);
      }
      SearchReport report = pattern.searchReport().orElseThrow();
      assertTrue(report.kept() < report.unstructured());
      try (Pattern parts =
              Pattern.of(M, K, 8, pattern.permutation(), pattern.offsets(), pattern.indices());
          Pattern again = parts.toWarpSkip(DType.F16)) {
        assertEquals(PatternFamily.SHFL_BW, parts.family());
        assertEquals(PatternFamily.WARP_SKIP, again.family());
        assertEquals(2, again.memoryColumns());
        try (Pattern free = parts.toWarpSkip()) {
          assertEquals(1, free.memoryColumns());
        }
        assertThrows(LenoArgumentException.class, () -> parts.toWarpSkip(null));
      }
    }
    try (Pattern low = Truth.pattern(weights, 4, 0.5)) {
      LenoArgumentException e = assertThrows(LenoArgumentException.class, low::toWarpSkip);
      assertTrue(e.getMessage().contains("vector is 4, expected at least 8"), e.getMessage());
    }
  }

  @Test
  void detectionFindsWhatWasPrunedElsewhere() {
    try (Pattern pattern = Truth.pattern(weights, 8, 0.75)) {
      byte[] mask = pattern.mask();
      float[] pruned = weights.toArray();
      for (int i = 0; i < pruned.length; i++) {
        pruned[i] *= mask[i];
      }
      try (Pattern found = Pattern.detect(Matrix.of(pruned, M, K), 8)) {
        StructureReport report = found.structureReport().orElseThrow();
        assertEquals(StructureReport.Structure.SHFL_BW, report.structure());
        assertEquals(pattern.sparsity(), report.zeros(), 1e-9);
        byte[] held = found.mask();
        for (int i = 0; i < pruned.length; i++) {
          assertTrue(pruned[i] == 0 || held[i] == 1);
        }
      }
    }
  }

  @Test
  void importancesDiffer() {
    Matrix gram = Truth.gram(K, 100, 2);
    double w = weights.get(3, 5);
    assertEquals(Math.abs(w), Importance.magnitude(weights).get(3, 5), 1e-6);
    Matrix activation = Importance.activation(weights, gram);
    double ratio = Math.sqrt((double) gram.get(5, 5) / gram.get(6, 6));
    assertEquals(
        ratio * Math.abs(w / weights.get(3, 6)),
        (double) activation.get(3, 5) / activation.get(3, 6),
        1e-4 * ratio * Math.abs(w / weights.get(3, 6)));
    assertTrue(Importance.secondOrder(weights, gram, 0.01).get(3, 5) > 0);
  }

  @Test
  void secondOrderPruningBeatsDropping() {
    Matrix gram = Truth.gram(K, 60, 3);
    SearchOptions options = SearchOptions.of(0.5, 8);
    try (Pruning pruning = Pruning.secondOrder(weights, gram).options(options).run();
        Pruning fixed =
            Pruning.secondOrder(weights, gram)
                .targetGram(gram)
                .damping(0.02)
                .pattern(pruning.pattern())
                .run()) {
      byte[] mask = pruning.pattern().mask();
      assertArrayEquals(mask, fixed.pattern().mask());
      float[] dropped = weights.toArray();
      float[] updated = pruning.weights().toArray();
      for (int i = 0; i < mask.length; i++) {
        dropped[i] *= mask[i];
        assertTrue(mask[i] == 1 || updated[i] == 0);
      }
      assertTrue(outputError(updated, gram) < outputError(dropped, gram));
    }
  }

  /** trace((W - U) G (W - U)^T). */
  private double outputError(float[] updated, Matrix gram) {
    float[] w = weights.toArray();
    float[] g = gram.toArray();
    double sum = 0;
    for (int i = 0; i < M; i++) {
      for (int a = 0; a < K; a++) {
        for (int b = 0; b < K; b++) {
          sum +=
              (double) (w[i * K + a] - updated[i * K + a])
                  * g[a * K + b]
                  * (w[i * K + b] - updated[i * K + b]);
        }
      }
    }
    return sum;
  }

  @Test
  void closedPatternsAreRefused() {
    Pattern pattern = Truth.pattern(weights, 8, 0.5);
    pattern.close();
    pattern.close();
    assertThrows(LenoStateException.class, pattern::mask);
    assertThrows(LenoStateException.class, pattern::permutation);
    assertThrows(LenoStateException.class, () -> pattern.keptImportance(weights));
    assertThrows(
        LenoStateException.class, () -> PackedWeights.pack(pattern, weights, DType.F32).close());
    assertEquals(M, pattern.rows());
  }
}
