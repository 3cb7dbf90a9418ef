package io.leno.cli.report;

import io.leno.PatternFamily;
import io.leno.onnx.AccelerationReport;
import io.leno.onnx.Goal;
import io.leno.onnx.LayerReport;
import io.leno.onnx.PatternAlternative;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A report for programs. Times are in seconds, sizes in bytes, shares 0 .. 1. */
public final class ReportJson {
  private ReportJson() {}

  /**
   * The report as maps and lists.
   *
   * @param report what to tell
   * @return for {@link Json}
   */
  public static Map<String, Object> of(Report report) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("title", report.title());
    json.put("facts", report.facts());
    json.put("models", report.models().stream().map(ReportJson::model).toList());
    json.put("settings", report.settings().stream().map(ReportJson::setting).toList());
    return json;
  }

  private static Map<String, Object> model(ModelRow row) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", row.name());
    json.put("seconds", row.milliseconds() / 1e3);
    json.put("speedup", row.speedup());
    json.put("speedup_quartiles", List.of(row.low(), row.high()));
    json.put("accuracy", row.accuracy());
    return json;
  }

  private static Map<String, Object> setting(Setting setting) {
    AccelerationReport report = setting.report();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("key", setting.key());
    json.put("title", setting.title());
    json.put("goal", goal(report.goal()));
    json.put("metric", report.metric());
    json.put("similarity", report.similarity());
    json.put("similarity_by_sweep", report.similarityBySweep());
    json.put("sparsity", report.sparsity());
    json.put("dense_bytes", report.denseBytes());
    json.put("packed_bytes", report.packedBytes());
    json.put("calibration_samples", report.calibrationSamples());
    json.put("held_out_samples", report.heldOutSamples());
    json.put("generated_inputs", report.generatedInputs());
    json.put("stage_seconds", report.stageSeconds());
    json.put("layers", report.layers().stream().map(ReportJson::layer).toList());
    json.put("skipped", report.skipped());
    return json;
  }

  private static Map<String, Object> goal(Goal goal) {
    if (goal instanceof Goal.Accuracy accuracy) {
      return Map.of("accuracy", accuracy.similarity());
    }
    if (goal instanceof Goal.Overall overall) {
      return Map.of("overall_sparsity", overall.sparsity());
    }
    return Map.of("uniform_sparsity", ((Goal.Uniform) goal).sparsity());
  }

  private static Map<String, Object> layer(LayerReport layer) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", layer.name());
    json.put("fused", layer.fused());
    json.put("M", layer.rows());
    json.put("K", layer.columns());
    json.put("dtype", layer.choice().dtype().toString().toLowerCase(Locale.ROOT));
    json.put("pattern", layer.pattern());
    json.put("family", layer.choice().isDense() ? null : name(layer.choice().family()));
    json.put("V", layer.choice().isDense() ? null : layer.choice().vector());
    json.put("target_sparsity", layer.choice().sparsity());
    json.put("sparsity", layer.sparsity());
    json.put("bytes", layer.bytes());
    json.put("kept_importance", layer.keptImportance());
    json.put("efficacy", layer.efficacy());
    json.put("tokens", layer.tokens());
    json.put("kernel", layer.kernel());
    json.put("seconds", layer.seconds());
    json.put("dense_seconds", layer.denseSeconds());
    json.put("error", layer.error());
    // JSON has no NaN.
    json.put("sensitivity", Double.isNaN(layer.sensitivity()) ? null : layer.sensitivity());
    json.put("alternatives", layer.alternatives().stream().map(ReportJson::alternative).toList());
    return json;
  }

  private static Map<String, Object> alternative(PatternAlternative alternative) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("family", name(alternative.family()));
    json.put("V", alternative.vector());
    json.put("sparsity", alternative.sparsity());
    json.put("kept_importance", alternative.keptImportance());
    json.put("seconds", alternative.seconds());
    return json;
  }

  private static String name(PatternFamily family) {
    return family.toString().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
