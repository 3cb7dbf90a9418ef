package io.leno.cli.report;

import io.leno.DType;
import io.leno.Importance;
import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.SearchOptions;
import io.leno.onnx.AccelerationReport;
import io.leno.onnx.Goal;
import io.leno.onnx.LayerChoice;
import io.leno.onnx.LayerReport;
import io.leno.onnx.Mask;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** A report with made-up figures, a sparse layer with a found pattern and a dense one. */
final class SampleReport {
  static final String SPARSE = "/encoder/layer.0/<query>/MatMul";
  static final String DENSE = "/encoder/layer.0/value/MatMul";

  private SampleReport() {}

  static Report of(int rows, int columns, int vector) {
    Mask mask = mask(rows, columns, vector, 0.75);
    LayerReport sparse =
        new LayerReport(
            SPARSE,
            "bias",
            rows,
            columns,
            LayerChoice.of(DType.F32, 0.75, vector),
            "shfl-bw",
            mask.sparsity(),
            1000,
            0.6,
            0.1,
            128,
            "f32_linear_shflbw_panel_avx512",
            1e-5,
            3e-5,
            0.012,
            Double.NaN,
            List.of());
    LayerReport dense =
        new LayerReport(
            DENSE,
            "bias, gelu",
            rows,
            columns,
            LayerChoice.dense(DType.BF16),
            "dense",
            0,
            4000,
            1,
            0,
            128,
            "bf16_linear_dense_amx",
            2e-5,
            3e-5,
            1e-5,
            0.0001,
            List.of());
    AccelerationReport report =
        new AccelerationReport(
            Goal.overall(0.75),
            List.of(sparse, dense),
            Map.of("/pooler/MatMul", "its weights are no constant"),
            "mean cosine of output vectors",
            0.641,
            List.of(0.6, 0.641),
            0.75,
            8000,
            5000,
            512,
            256,
            false,
            Map.of("prune", 12.0));
    return new Report(
        "sample.onnx, accelerated",
        Map.of("processor", "made up"),
        List.of(
            row("dense fp32", 15.2, 1, 1, 1, 1),
            row("int8 twin", 7.9, 1.92, 1.88, 1.97, 0.992),
            row("budget: cosine of 0.99 or more", 5.9, 2.55, 2.4, 2.71, 0.9903),
            row("Shfl-BW 50 %", 7, 2.2, 2.1, 2.3, 0.75),
            row("Shfl-BW 75 %", 5.4, 2.8, 2.75, 2.9, 0.641),
            row("Shfl-BW 75 % int8", 4.4, 3.4, 3.3, 3.5, 0.638)),
        List.of(new Setting("s75", "Shfl-BW 75 %", report, Map.of(SPARSE, mask))));
  }

  private static ModelRow row(
      String name, double ms, double speedup, double low, double high, double cosine) {
    Map<String, Double> accuracy = new LinkedHashMap<>();
    accuracy.put("cosine", cosine);
    accuracy.put("kNN-15", 0.6);
    return new ModelRow(name, ms, speedup, low, high, accuracy);
  }

  static Mask mask(int rows, int columns, int vector, double sparsity) {
    Matrix weights = Matrix.zeros(rows, columns);
    Random random = new Random(1);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        weights.set(r, c, (float) random.nextGaussian());
      }
    }
    byte[] kept = new byte[rows * columns];
    SearchOptions search = SearchOptions.builder().sparsity(sparsity).vector(vector).build();
    try (Pattern pattern = Pattern.search(Importance.magnitude(weights), search)) {
      int[] permutation = pattern.permutation();
      long[] offsets = pattern.offsets();
      int[] indices = pattern.indices();
      for (int i = 0; i < rows; i++) {
        for (long k = offsets[i / vector]; k < offsets[i / vector + 1]; k++) {
          kept[permutation[i] * columns + indices[(int) k]] = 1;
        }
      }
    }
    return new Mask(rows, columns, kept);
  }
}
