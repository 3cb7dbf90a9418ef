package io.leno.cli.report;

import io.leno.onnx.AccelerationReport;
import io.leno.onnx.LayerReport;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A report as tables: rows of cells, the first row is the header. */
public final class ReportTables {
  private ReportTables() {}

  /**
   * Every layer: its shape, how it is stored, the kernel, and what speed costs.
   *
   * @param report of one setting
   * @return rows for {@link TextTable}
   */
  public static List<List<String>> layers(AccelerationReport report) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "layer",
            "M x K",
            "fused",
            "dtype",
            "pattern",
            "V",
            "sparsity",
            "retained",
            "kernel",
            "dense",
            "ours",
            "speed-up",
            "error"));
    for (LayerReport layer : report.layers()) {
      boolean dense = layer.choice().isDense();
      rows.add(
          List.of(
              layer.name(),
              layer.rows() + " x " + layer.columns(),
              layer.fused(),
              layer.choice().dtype().toString().toLowerCase(Locale.ROOT),
              layer.pattern(),
              dense ? "" : Integer.toString(layer.choice().vector()),
              format("%.1f %%", 100 * layer.sparsity()),
              format("%.1f %%", 100 * layer.keptImportance()),
              layer.kernel(),
              format("%.1f us", 1e6 * layer.denseSeconds()),
              format("%.1f us", 1e6 * layer.seconds()),
              format("%.2f x", layer.denseSeconds() / layer.seconds()),
              format("%.2e", layer.error())));
    }
    return rows;
  }

  /**
   * Every model: how fast it is beside the dense one, and its accuracy.
   *
   * @param models the dense one first
   * @return rows for {@link TextTable}
   */
  public static List<List<String>> models(List<ModelRow> models) {
    List<List<String>> rows = new ArrayList<>();
    List<String> header = new ArrayList<>(List.of("model", "latency", "speed-up", "quartiles"));
    header.addAll(models.get(0).accuracy().keySet());
    rows.add(header);
    for (ModelRow model : models) {
      List<String> row = new ArrayList<>();
      row.add(model.name());
      row.add(format("%.2f ms", model.milliseconds()));
      row.add(format("%.2f x", model.speedup()));
      row.add(format("%.2f .. %.2f", model.low(), model.high()));
      model.accuracy().values().forEach(value -> row.add(format("%.4f", value)));
      rows.add(row);
    }
    return rows;
  }

  /**
   * What all layers together come to, in a sentence.
   *
   * @param report of one setting
   * @return no line end
   */
  public static String summary(AccelerationReport report) {
    double dense = report.layers().stream().mapToDouble(LayerReport::denseSeconds).sum();
    double ours = report.layers().stream().mapToDouble(LayerReport::seconds).sum();
    return format(
        "%d layers, %.1f %% of their weights dropped, %s of weights instead of %s, their"
            + " products %.2f x as fast; %s %.4f on %d held-out samples, %d samples fitted to%s;"
            + " %.0f s of work",
        report.layers().size(),
        100 * report.sparsity(),
        megabytes(report.packedBytes()),
        megabytes(report.denseBytes()),
        dense / ours,
        report.metric(),
        report.similarity(),
        report.heldOutSamples(),
        report.calibrationSamples(),
        report.generatedInputs() ? " (made up: real ones may give other figures)" : "",
        report.seconds());
  }

  private static String megabytes(long bytes) {
    return bytes < 1_000_000 ? format("%.1f kB", bytes / 1e3) : format("%.2f MB", bytes / 1e6);
  }

  private static String format(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
