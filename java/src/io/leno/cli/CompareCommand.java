package io.leno.cli;

import ai.onnxruntime.OrtException;
import io.leno.cli.report.TextTable;
import io.leno.onnx.ModelComparison;
import io.leno.onnx.ModelInputs;
import io.leno.onnx.OnnxModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Runs models side by side. */
@Command(
    name = "compare",
    description =
        "Run models side by side: latency, speed-up with its spread, and the output error it costs.",
    mixinStandardHelpOptions = true)
final class CompareCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "DENSE", description = "The model to compare with.")
  private Path dense;

  @Parameters(
      index = "1..*",
      arity = "1..*",
      paramLabel = "SPARSE",
      description = "Models to compare.")
  private List<Path> others;

  @Option(
      names = "--inputs",
      paramLabel = "FILE.npz",
      description = "One batch: an array per input.")
  private Path inputs;

  @Option(
      names = "--batch",
      converter = Numbers.Count.class,
      defaultValue = "1",
      description = "Samples that are made up (${DEFAULT-VALUE}).")
  private int batch;

  @Mixin private ThreadsOption on;

  @Mixin private RunOptions running;

  @Mixin private Output output;

  @Override
  public Integer call() throws OrtException {
    Writable.require(running.plan);
    Writable.require(output.file());
    Map<String, Path> models = new LinkedHashMap<>();
    models.put(dense.toString(), dense);
    others.forEach(other -> models.put(other.toString(), other));
    ModelInputs batchOfInputs =
        inputs != null
            ? ModelInputs.load(inputs)
            : ModelInputs.generate(OnnxModel.load(dense), running.dims, batch, 1);
    List<ModelComparison.Result> results =
        ModelComparison.ofFiles(models, batchOfInputs)
            .threads(on.threads)
            .rounds(running.rounds)
            .planFile(running.plan)
            .run();
    List<List<String>> table = new ArrayList<>();
    table.add(
        List.of("model", "median", "speed-up", "quartiles", "cosine", "argmax", "largest error"));
    for (ModelComparison.Result result : results) {
      table.add(
          List.of(
              result.name(),
              format("%.3f ms", result.milliseconds()),
              format("%.2f x", result.ratio()),
              format("%.2f .. %.2f", result.ratioLow(), result.ratioHigh()),
              format("%.6f", result.cosine()),
              format("%.2f %%", 100 * result.agreement()),
              format("%.3g", result.largestError())));
    }
    output.printf("%s", TextTable.of(table));
    output.printf(
        "argmax: output vectors that have their largest element where the first has it%n");
    if (batchOfInputs.isGenerated()) {
      output.printf("the inputs are made up: the errors say little about real ones (--inputs)%n");
    }
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("threads", on.threads);
    report.put("rounds", running.rounds);
    report.put("inputs", batchOfInputs.isGenerated() ? "made up" : inputs.toString());
    report.put("models", results);
    output.json(report);
    return 0;
  }

  private static String format(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}
