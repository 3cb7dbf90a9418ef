package io.leno.cli;

import ai.onnxruntime.OrtException;
import io.leno.DType;
import io.leno.Leno;
import io.leno.LenoIOException;
import io.leno.PatternFamily;
import io.leno.cli.report.ModelRow;
import io.leno.cli.report.Report;
import io.leno.cli.report.ReportFolder;
import io.leno.cli.report.ReportJson;
import io.leno.cli.report.ReportTables;
import io.leno.cli.report.Setting;
import io.leno.cli.report.TextTable;
import io.leno.internal.Check;
import io.leno.onnx.Acceleration;
import io.leno.onnx.AccelerationReport;
import io.leno.onnx.Accelerator;
import io.leno.onnx.Goal;
import io.leno.onnx.Mask;
import io.leno.onnx.MaskFile;
import io.leno.onnx.ModelComparison;
import io.leno.onnx.ModelInputs;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.OutputMetric;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Prunes and rounds the linear layers and convolutions of a model, and says what came of it. */
@Command(
    name = "accelerate",
    description =
        "Make a model faster: prune and round its linear layers and convolutions, put our operators"
            + " in their place, and report speed and accuracy of each layer and of the whole.",
    mixinStandardHelpOptions = true)
final class AccelerateCommand implements Callable<Integer> {
  private static final int GENERATED_SAMPLES = 96;

  @Spec private CommandSpec spec;

  @Mixin private ModelFiles files;

  @Option(
      names = "--budget",
      converter = Numbers.Cosine.class,
      paramLabel = "COSINE",
      description =
          "The fastest model whose mean cosine to the dense one stays at or above this, 0 < x < 1"
              + " (0.99, where --sparsity is not given).")
  private Double budget;

  @Option(
      names = "--sparsity",
      converter = Numbers.Sparsity.class,
      paramLabel = "SHARE",
      description =
          "Share of all weights to drop, 0 <= s < 1, spread over layers by measured sensitivity.")
  private Double sparsity;

  @Option(names = "--uniform", description = "The same --sparsity in every layer.")
  private boolean uniform;

  @Option(
      names = "--vector",
      converter = Numbers.Vector.class,
      split = ",",
      paramLabel = "V",
      description =
          "Rows of a group, 4 to 128; several for --budget to choose from (16). Small ones are more"
              + " accurate, large ones may be faster.")
  private Integer[] vectors;

  @Option(
      names = "--family",
      defaultValue = "shfl-bw",
      paramLabel = "shfl-bw|warp-skip|auto",
      description =
          "Patterns: of permuted rows, of rows in their order that GPUs skip, or for each layer the"
              + " fastest among both and all --vector that retains as much importance"
              + " (${DEFAULT-VALUE}).")
  private String family;

  @Option(
      names = "--dtype",
      converter = CpuTypes.class,
      completionCandidates = CpuTypes.class,
      split = ",",
      paramLabel = "TYPE",
      description =
          "Types of stored weights, of ${COMPLETION-CANDIDATES}; several for --budget to choose"
              + " from (F32,BF16,I8; F32 with --sparsity).")
  private DType[] dtypes;

  @Option(
      names = "--calibrate",
      paramLabel = "FILE.npz",
      description =
          "Real inputs to fit weights to, an array per input, samples in the first axis; a few"
              + " hundred are enough. Made up where missing.")
  private Path calibrate;

  @Option(
      names = "--held-out",
      paramLabel = "FILE.npz",
      description =
          "Real inputs to measure on (the last third of --calibrate). With --budget the first half"
              + " decides, and the second has to confirm.")
  private Path heldOut;

  @Option(
      names = "--metric",
      defaultValue = "rows",
      paramLabel = "rows|mean:OUTPUT",
      description =
          "What is compared: all vectors of the outputs' last axis, or the mean over tokens of one"
              + " output [samples, tokens, features] (${DEFAULT-VALUE}).")
  private String metric;

  @Option(
      names = "--threads",
      converter = Numbers.Threads.class,
      description = "Threads that prune (all processors).")
  private Integer threads;

  @Option(
      names = "--serving-threads",
      converter = Numbers.Threads.class,
      defaultValue = "1",
      description = "Threads that the model will be served with (${DEFAULT-VALUE}).")
  private int servingThreads;

  @Option(
      names = "--tokens",
      converter = Numbers.Length.class,
      description = "Tokens that a layer is served at once (those of one held-out sample).")
  private Long tokens;

  @Option(
      names = "--masks",
      paramLabel = "FILE.safetensors",
      description = "Write which weights were kept, for retraining elsewhere.")
  private Path masks;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Equal seeds give equal patterns (${DEFAULT-VALUE}).")
  private int seed;

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description = "Write a report with pictures: index.html, report.json.")
  private Path report;

  @Mixin private RunOptions running;

  @Mixin private Output output;

  @Override
  public Integer call() throws OrtException {
    Goal goal = goal();
    PatternFamily[] families = families();
    requireWritable();
    Leno.returnFreedMemory();
    Made made = make(goal, families);
    if (masks != null) {
      MaskFile.save(masks, made.masks());
    }
    tell(report(goal, made, compare(made.sample())));
    return 0;
  }

  /** What is left of the work when the model is saved: the models are not. */
  private record Made(AccelerationReport report, Map<String, Mask> masks, ModelInputs sample) {}

  private Made make(Goal goal, PatternFamily[] families) {
    OnnxModel dense = OnnxModel.load(files.model);
    OutputMetric compared = metric(dense);
    ModelInputs fitted = calibration(dense);
    ModelInputs measured = heldOut == null ? null : ModelInputs.load(heldOut);
    Acceleration made = accelerate(dense, goal, families, compared, fitted, measured);
    made.model().save(files.out);
    ModelInputs last = measured == null ? fitted : measured;
    return new Made(made.report(), made.masks(), last.slice(last.samples() - 1, last.samples()));
  }

  private Goal goal() {
    if (budget != null && sparsity != null) {
      throw wrong("--budget and --sparsity are both given, expected one of them");
    }
    if (uniform && sparsity == null) {
      throw wrong("--uniform is given without --sparsity, expected both");
    }
    if (sparsity == null) {
      return Goal.accuracy(budget == null ? 0.99 : budget);
    }
    return uniform ? Goal.uniform(sparsity) : Goal.overall(sparsity);
  }

  private OutputMetric metric(OnnxModel dense) {
    if (metric.equals("rows")) {
      return OutputMetric.rows();
    }
    if (metric.startsWith("mean:") && metric.length() > 5) {
      String compared = metric.substring(5);
      if (!dense.outputs().contains(compared)) {
        throw wrong("--metric names output " + compared + ", expected one of " + dense.outputs());
      }
      return OutputMetric.maskedMean(compared);
    }
    throw wrong("--metric is " + metric + ", expected rows or mean:OUTPUT");
  }

  private PatternFamily[] families() {
    PatternFamily[] chosen =
        switch (family) {
          case "shfl-bw" -> new PatternFamily[] {PatternFamily.SHFL_BW};
          case "warp-skip" -> new PatternFamily[] {PatternFamily.WARP_SKIP};
          case "auto" -> PatternFamily.values();
          default -> throw wrong("--family is " + family + ", expected shfl-bw, warp-skip or auto");
        };
    boolean all = vectors == null || Arrays.stream(vectors).allMatch(v -> v >= 8);
    boolean any = vectors == null || Arrays.stream(vectors).anyMatch(v -> v >= 8);
    if (chosen[chosen.length - 1] == PatternFamily.WARP_SKIP && !(chosen.length == 1 ? all : any)) {
      throw wrong(
          "--vector is "
              + Arrays.toString(vectors)
              + ", expected 8 to 128 with --family "
              + family);
    }
    return chosen;
  }

  private ParameterException wrong(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private void requireWritable() {
    if (files.out.toAbsolutePath().normalize().equals(files.model.toAbsolutePath().normalize())) {
      throw wrong("-o is the model itself, expected another file: both are compared in the end");
    }
    Writable.require(files.out);
    Writable.require(masks);
    Writable.require(running.plan);
    Writable.require(output.file());
    if (report != null) {
      try {
        Files.createDirectories(report);
      } catch (IOException e) {
        throw new LenoIOException("report " + report + " cannot be made: " + Check.reason(e));
      }
    }
  }

  private ModelInputs calibration(OnnxModel dense) {
    if (calibrate != null) {
      return ModelInputs.load(calibrate);
    }
    output
        .err()
        .println("no --calibrate: inputs are made up, accuracy says little about real ones");
    return ModelInputs.generate(dense, running.dims, GENERATED_SAMPLES, seed);
  }

  private Acceleration accelerate(
      OnnxModel dense,
      Goal goal,
      PatternFamily[] families,
      OutputMetric compared,
      ModelInputs fitted,
      ModelInputs measured) {
    ProgressPrinter progress = new ProgressPrinter(output.err());
    Accelerator.Builder builder =
        Accelerator.builder(dense)
            .goal(goal)
            .families(families)
            .metric(compared)
            .calibration(fitted)
            .servingThreads(servingThreads)
            .seed(seed)
            .progress(progress);
    if (measured != null) {
      builder.heldOut(measured);
    }
    if (vectors != null) {
      builder.vectors(vectors);
    }
    if (dtypes != null) {
      builder.dtypes(dtypes);
    }
    if (threads != null) {
      builder.threads(threads);
    }
    if (tokens != null) {
      builder.tokens(tokens);
    }
    if (running.plan != null) {
      builder.planFile(running.plan);
    }
    try {
      return builder.build().run();
    } finally {
      progress.done();
    }
  }

  private List<ModelComparison.Result> compare(ModelInputs sample) throws OrtException {
    Map<String, Path> models = new LinkedHashMap<>();
    models.put("dense", files.model);
    models.put("accelerated", files.out);
    return ModelComparison.ofFiles(models, sample)
        .threads(servingThreads)
        .rounds(running.rounds)
        .planFile(running.plan)
        .run();
  }

  private Report report(Goal goal, Made made, List<ModelComparison.Result> timed) {
    AccelerationReport found = made.report();
    List<ModelRow> rows = new ArrayList<>();
    rows.add(ModelRow.of(timed.get(0), Map.of("cosine", 1.0)));
    rows.add(ModelRow.of(timed.get(1), Map.of("cosine", found.similarity())));
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("model", files.model.toString());
    facts.put("accelerated", files.out.toString());
    facts.put("goal", goal.toString());
    facts.put("cosine", found.metric() + ", " + found.heldOutSamples() + " held-out samples");
    facts.put("inputs", found.generatedInputs() ? "made up" : calibrate.toString());
    facts.put(
        "latency",
        "one sample, "
            + servingThreads
            + " thread(s), median of "
            + running.rounds
            + " rounds in turn");
    return new Report(
        files.model.getFileName() + ", accelerated",
        facts,
        rows,
        List.of(new Setting("accelerated", goal.toString(), found, made.masks())));
  }

  private void tell(Report result) {
    AccelerationReport found = result.settings().get(0).report();
    output.printf("%s%n", TextTable.of(ReportTables.layers(found)));
    found
        .skipped()
        .forEach((name, reason) -> output.printf("left as it is: %s: %s%n", name, reason));
    output.printf("%s%n%n", ReportTables.summary(found));
    output.printf("%s", TextTable.of(ReportTables.models(result.models())));
    if (report != null) {
      ReportFolder.write(report, result);
      output.printf("%nreport: %s%n", report.resolve("index.html"));
    }
    output.json(ReportJson.of(result));
  }
}
