package io.leno.demo;

import ai.onnxruntime.OrtException;
import io.leno.DType;
import io.leno.Leno;
import io.leno.LenoException;
import io.leno.cli.ProgressPrinter;
import io.leno.cli.report.Json;
import io.leno.cli.report.ModelRow;
import io.leno.cli.report.Report;
import io.leno.cli.report.ReportFolder;
import io.leno.cli.report.ReportTables;
import io.leno.cli.report.Setting;
import io.leno.cli.report.TextTable;
import io.leno.onnx.Acceleration;
import io.leno.onnx.Accelerator;
import io.leno.onnx.Goal;
import io.leno.onnx.ModelComparison;
import io.leno.onnx.ModelInputs;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.OutputMetric;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Accelerates a sentence encoder in several ways, serves it, and says what came of it. */
@Command(
    name = "demo",
    description =
        "Accelerates all-MiniLM-L6-v2, serves real sentences with it, and reports speed and"
            + " accuracy beside the dense model and its int8 twin.",
    mixinStandardHelpOptions = true)
final class Demo implements Callable<Integer> {
  private static final String DENSE = "dense fp32";
  private static final String TWIN = "int8 twin";
  private static final String EXTRA = "s75-int8";

  @Option(names = "--wordnet", required = true, description = "Folder with WordNet's data.noun.")
  private Path wordnet;

  @Option(
      names = "--report",
      defaultValue = "target/demo",
      description = "Folder of the report and the models (${DEFAULT-VALUE}).")
  private Path folder;

  @Option(names = "--json", description = "Also write one JSON object per setting to this file.")
  private Path json;

  @Option(
      names = "--rounds",
      defaultValue = "100",
      description = "Rounds of the latency comparison (${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--test-per-class",
      defaultValue = "200",
      description = "Glosses of each class to classify (${DEFAULT-VALUE}).")
  private int testPerClass;

  private final PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
  private final ProgressPrinter progress = new ProgressPrinter(err);
  private final int threads = Runtime.getRuntime().availableProcessors();
  private final Map<String, OnnxModel> models = new LinkedHashMap<>();
  private final List<Setting> settings = new ArrayList<>();
  private ModelInputs calibration;
  private ModelInputs heldOut;

  public static void main(String[] arguments) {
    int code =
        new CommandLine(new Demo())
            .setExecutionExceptionHandler(
                (failure, command, parsed) -> {
                  if (failure instanceof LenoException || failure instanceof OrtException) {
                    command.getErr().println("error: " + failure.getMessage());
                  } else {
                    failure.printStackTrace(command.getErr());
                  }
                  return 1;
                })
            .execute(arguments);
    System.exit(code);
  }

  @Override
  public Integer call() throws IOException, OrtException {
    long start = System.nanoTime();
    Leno.returnFreedMemory();
    Files.createDirectories(folder);
    print("leno %s: accelerates all-MiniLM-L6-v2 in four ways and compares them.", Leno.version());
    print("This takes about eight minutes on two quiet cores.%n");
    Glosses glosses = Glosses.read(wordnet.resolve("data.noun"), 100, testPerClass);
    try (Tokens tokens = new Tokens()) {
      models.put(DENSE, OnnxModel.parse(resource("/all-minilm-l6-v2.onnx")));
      models.put(TWIN, OnnxModel.parse(resource("/all-minilm-l6-v2-q.onnx")));
      calibration = tokens.encode(glosses.calibration());
      heldOut = tokens.encode(glosses.heldOut());
      accelerateAll();
      print("%nEmbeds %d glosses with each model", glosses.train().size() + glosses.test().size());
      Map<String, Map<String, Double>> quality = qualities(glosses, tokens);
      print("Times %d rounds of one sentence of %d tokens, one thread", rounds, Tokens.MOST);
      List<ModelRow> rows = latencies(tokens.full(glosses.heldOut()), quality);
      tell(glosses, rows, (System.nanoTime() - start) / 1e9);
    }
    return 0;
  }

  private void accelerateAll() throws IOException {
    List<DType> floats = List.of(DType.F32, DType.BF16);
    VectorChoice.Choice half = VectorChoice.of(floats, 0.5);
    VectorChoice.Choice quarter = VectorChoice.of(floats, 0.75);
    VectorChoice.Choice int8 = VectorChoice.of(List.of(DType.I8), 0.75);
    print("Chosen for this machine, as layers are served %d tokens at once:", Tokens.MOST);
    print("  50 %%: %s%n  75 %%: %s%n  75 %%: %s", half, quarter, int8);
    accelerate(
        "budget",
        "budget: cosine of 0.99 or more",
        Goal.accuracy(0.99),
        int8.vector(),
        DType.F32,
        DType.BF16,
        DType.I8);
    accelerate("s50", "Shfl-BW 50 %", Goal.overall(0.5), half.vector(), half.dtype());
    accelerate("s75", "Shfl-BW 75 %", Goal.overall(0.75), quarter.vector(), quarter.dtype());
    accelerate(EXTRA, "Shfl-BW 75 %, int8", Goal.overall(0.75), int8.vector(), DType.I8);
  }

  private void accelerate(String key, String title, Goal goal, int vector, DType... dtypes) {
    print("%n== %s%n", title);
    Acceleration made;
    try {
      made =
          Accelerator.builder(models.get(DENSE))
              .goal(goal)
              .calibration(calibration)
              .heldOut(heldOut)
              .metric(OutputMetric.maskedMean(models.get(DENSE).outputs().get(0)))
              .dtypes(dtypes)
              .vectors(vector)
              .tokens(Tokens.MOST)
              .threads(threads)
              .servingThreads(1)
              .progress(progress)
              .build()
              .run();
    } finally {
      progress.done();
    }
    made.model().save(folder.resolve("minilm-" + key + ".onnx"));
    models.put(title, made.model());
    settings.add(new Setting(key, title, made.report(), made.masks()));
    print("%n%s", TextTable.of(ReportTables.layers(made.report())));
    print("%s", ReportTables.summary(made.report()));
  }

  private Map<String, Map<String, Double>> qualities(Glosses glosses, Tokens tokens)
      throws OrtException {
    Quality quality = new Quality(glosses);
    Map<String, Map<String, Double>> found = new LinkedHashMap<>();
    for (Map.Entry<String, OnnxModel> model : models.entrySet()) {
      String name = model.getKey();
      boolean ours = !name.equals(DENSE) && !name.equals(TWIN);
      try (Encoder encoder = new Encoder(model.getValue(), ours, threads, tokens)) {
        float[][] embeddings =
            encoder.embed(quality.sentences(), share -> progress.update("embed", name, share));
        found.put(name, quality.measure(embeddings));
      } finally {
        progress.done();
      }
    }
    return found;
  }

  private List<ModelRow> latencies(ModelInputs sentence, Map<String, Map<String, Double>> quality)
      throws OrtException {
    return ModelComparison.of(models, sentence).threads(1).rounds(rounds).run().stream()
        .map(timed -> ModelRow.of(timed, quality.get(timed.name())))
        .toList();
  }

  private void tell(Glosses glosses, List<ModelRow> rows, double seconds) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("processor", Leno.cpuName());
    facts.put(
        "latency",
        "batch 1, "
            + Tokens.MOST
            + " tokens, one thread, median of "
            + rounds
            + " rounds in which all models run in turn; ONNX Runtime, basic optimisations");
    facts.put("cosine", "mean over " + glosses.test().size() + " glosses, to the dense embedding");
    facts.put(
        Quality.KNN,
        glosses.test().size()
            + " WordNet glosses in "
            + glosses.classes()
            + " classes, voted by the 15 nearest of "
            + glosses.train().size());
    facts.put("fitted to", calibration.samples() + " other glosses, no training");
    Report report = new Report("all-MiniLM-L6-v2, accelerated", facts, rows, settings);
    ReportFolder.write(folder, report);
    print("%n%s", TextTable.of(ReportTables.models(rows)));
    facts.forEach((name, value) -> print("%s: %s", name, value));
    print("%nreport: %s (%.0f s in all)", folder.resolve("index.html"), seconds);
    if (json != null) {
      Json.write(json, settingsJson(rows));
    }
  }

  private List<Map<String, Object>> settingsJson(List<ModelRow> rows) {
    Map<String, ModelRow> byName = new LinkedHashMap<>();
    rows.forEach(row -> byName.put(row.name(), row));
    List<Map<String, Object>> all = new ArrayList<>();
    for (Setting setting : settings) {
      if (setting.key().equals(EXTRA)) {
        continue; // in the report alone
      }
      ModelRow row = byName.get(setting.title());
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("setting", setting.key());
      entry.put("cpu", Leno.cpuName());
      entry.put("speedup_vs_dense_fp32", row.speedup());
      entry.put("speedup_vs_int8", row.speedup() / byName.get(TWIN).speedup());
      entry.put("cosine", row.cosine());
      entry.put("knn_accuracy", row.accuracy().get(Quality.KNN));
      entry.put("knn_accuracy_dense", byName.get(DENSE).accuracy().get(Quality.KNN));
      all.add(entry);
    }
    return all;
  }

  private static byte[] resource(String name) throws IOException {
    try (InputStream in = Demo.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("the class path has no " + name);
      }
      return in.readAllBytes();
    }
  }

  private static void print(String format, Object... arguments) {
    System.out.printf(Locale.ROOT, format + "%n", arguments);
  }
}
