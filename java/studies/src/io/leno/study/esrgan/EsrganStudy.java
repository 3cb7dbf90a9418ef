package io.leno.study.esrgan;

import ai.onnxruntime.OrtException;
import io.leno.DType;
import io.leno.Leno;
import io.leno.cli.ProgressPrinter;
import io.leno.cli.report.Json;
import io.leno.cli.report.ReportTables;
import io.leno.cli.report.TextTable;
import io.leno.onnx.Acceleration;
import io.leno.onnx.Accelerator;
import io.leno.onnx.Goal;
import io.leno.onnx.InputArray;
import io.leno.onnx.ModelComparison;
import io.leno.onnx.ModelInputs;
import io.leno.onnx.OnnxModel;
import io.leno.study.ImageModel;
import java.io.IOException;
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
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * ESRGAN with 154 convolutions makes photographs four times as large: the time of the network, and
 * the peak signal-to-noise ratio of what it makes to what the dense network makes, and to the
 * photograph itself.
 */
@Command(
    name = "esrgan",
    description = "Accelerates a super-resolution network; speed end to end, PSNR beside it.",
    mixinStandardHelpOptions = true)
final class EsrganStudy implements Callable<Integer> {
  private static final int SCALE = 4;
  private static final String DENSE = "dense";

  @Option(names = "--model", required = true, description = "model.json of esrgan-thick, x4.")
  private Path file;

  @Option(
      names = "--photographs",
      required = true,
      description = "Folder with JPEG files. Every third one is tested on, the others calibrate.")
  private Path photographs;

  @Option(names = "--json", description = "Also write a JSON object per row to this file.")
  private Path json;

  @Option(names = "--save", description = "Also write the accelerated models to this folder.")
  private Path folder;

  @Option(
      names = "--side",
      defaultValue = "64",
      description = "Pixels of the sides of what is made larger (${DEFAULT-VALUE}).")
  private int side;

  @Option(
      names = "--calibration-side",
      defaultValue = "48",
      description = "The same for calibration (${DEFAULT-VALUE}).")
  private int calibrationSide;

  @Option(
      names = "--calibration-cuts",
      defaultValue = "4",
      description = "Parts of each photograph to calibrate with (${DEFAULT-VALUE}).")
  private int calibrationCuts;

  @Option(
      names = "--rounds",
      defaultValue = "15",
      description = "Rounds of the comparison of times (${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--vector",
      defaultValue = "8",
      description = "Rows of a group of the patterns (${DEFAULT-VALUE}).")
  private int vector;

  @Option(
      names = "--sparsity",
      split = ",",
      defaultValue = "0.5,0.75",
      description = "Shares of weights to drop (${DEFAULT-VALUE}).")
  private List<Double> sparsities;

  private final PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
  private final ProgressPrinter progress =
      new ProgressPrinter(new PrintWriter(System.err, true, StandardCharsets.UTF_8));

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new EsrganStudy()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, OrtException {
    out.printf("leno %s%n", Leno.version());
    List<Photograph> all = photographs();
    List<Photograph> tested = new ArrayList<>();
    List<Photograph> calibrating = new ArrayList<>();
    for (int i = 0; i < all.size(); i++) {
      Photograph photograph = all.get(i);
      if (i % 3 == 0) {
        tested.add(middle(photograph, side * SCALE));
      } else {
        for (int cut = 0; cut < calibrationCuts; cut++) {
          calibrating.add(part(photograph, calibrationSide * SCALE, cut).shrink(SCALE));
        }
      }
    }
    Map<String, OnnxModel> models = new LinkedHashMap<>();
    OnnxModel dense = TfjsModel.read(file);
    models.put(DENSE, dense);
    String input = dense.inputs().get(0);
    for (double sparsity : sparsities) {
      String name = String.format(Locale.ROOT, "Shfl-BW V=%d, %.0f %%", vector, 100 * sparsity);
      Acceleration made = accelerate(dense, sparsity, inputs(input, calibrating));
      out.printf("%n== %s%n%s", name, ReportTables.summary(made.report()));
      if (folder != null) {
        Files.createDirectories(folder);
        made.model()
            .save(folder.resolve(String.format(Locale.ROOT, "esrgan-s%.0f.onnx", 100 * sparsity)));
      }
      models.put(name, made.model());
    }
    compare(models, input, tested);
    return 0;
  }

  private Acceleration accelerate(OnnxModel dense, double sparsity, ModelInputs calibration) {
    try {
      return Accelerator.builder(dense)
          .goal(Goal.uniform(sparsity))
          .calibration(calibration)
          .dtypes(DType.F32)
          .vectors(vector)
          .threads(Runtime.getRuntime().availableProcessors())
          .servingThreads(1)
          .progress(progress)
          .build()
          .run();
    } finally {
      progress.done();
    }
  }

  private void compare(Map<String, OnnxModel> models, String input, List<Photograph> originals)
      throws OrtException {
    List<Photograph> small = originals.stream().map(original -> original.shrink(SCALE)).toList();
    Map<String, List<float[]>> made = new LinkedHashMap<>();
    for (Map.Entry<String, OnnxModel> model : models.entrySet()) {
      made.put(model.getKey(), enlarge(model.getValue(), small));
    }
    List<ModelComparison.Result> results =
        ModelComparison.of(models, inputs(input, small.subList(0, 1)))
            .threads(1)
            .rounds(rounds)
            .run();
    List<List<String>> table = new ArrayList<>();
    table.add(List.of("model", "ms", "x dense", "PSNR to dense", "PSNR to photograph"));
    List<Map<String, Object>> rows = new ArrayList<>();
    for (ModelComparison.Result result : results) {
      double toDense = psnr(made.get(result.name()), made.get(DENSE));
      double toOriginal =
          psnr(made.get(result.name()), originals.stream().map(Photograph::pixels).toList());
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("model", result.name());
      row.put("milliseconds", result.milliseconds());
      row.put("ratio_to_dense", result.ratio());
      row.put("psnr_to_dense", Double.isInfinite(toDense) ? null : toDense);
      row.put("psnr_to_photograph", toOriginal);
      rows.add(row);
      table.add(
          List.of(
              result.name(),
              String.format(Locale.ROOT, "%.1f", result.milliseconds()),
              String.format(Locale.ROOT, "%.2f", result.ratio()),
              Double.isInfinite(toDense) ? "-" : String.format(Locale.ROOT, "%.2f", toDense),
              String.format(Locale.ROOT, "%.2f", toOriginal)));
    }
    out.printf("%n%s", TextTable.of(table));
    if (json != null) {
      Json.write(json, rows);
    }
  }

  private static List<float[]> enlarge(OnnxModel model, List<Photograph> small)
      throws OrtException {
    Photograph first = small.get(0);
    return ImageModel.outputs(
        model,
        small.stream().map(Photograph::pixels).toList(),
        Photograph.PLANES,
        first.height(),
        first.width());
  }

  /** In decibels, over all images together, of numbers that are cut to 0 to 1. */
  static double psnr(List<float[]> images, List<float[]> others) {
    double sum = 0;
    long count = 0;
    for (int i = 0; i < images.size(); i++) {
      float[] image = images.get(i);
      float[] other = others.get(i);
      for (int j = 0; j < image.length; j++) {
        double difference = cut(image[j]) - cut(other[j]);
        sum += difference * difference;
      }
      count += image.length;
    }
    return -10 * Math.log10(sum / count);
  }

  private static double cut(float value) {
    return Math.min(1, Math.max(0, value));
  }

  private static ModelInputs inputs(String name, List<Photograph> photographs) {
    int height = photographs.get(0).height();
    int width = photographs.get(0).width();
    int size = Photograph.PLANES * height * width;
    float[] values = new float[photographs.size() * size];
    for (int i = 0; i < photographs.size(); i++) {
      System.arraycopy(photographs.get(i).pixels(), 0, values, i * size, size);
    }
    return ModelInputs.of(
        Map.of(name, InputArray.of(values, photographs.size(), Photograph.PLANES, height, width)));
  }

  private static Photograph middle(Photograph photograph, int side) {
    return photograph.cut(
        (photograph.height() - side) / 2, (photograph.width() - side) / 2, side, side);
  }

  /** Parts along the diagonal. */
  private Photograph part(Photograph photograph, int side, int number) {
    int steps = Math.max(1, calibrationCuts - 1);
    return photograph.cut(
        (photograph.height() - side) * number / steps,
        (photograph.width() - side) * number / steps,
        side,
        side);
  }

  private List<Photograph> photographs() throws IOException {
    List<Photograph> all = new ArrayList<>();
    try (Stream<Path> files = Files.walk(photographs)) {
      for (Path path : files.filter(p -> p.toString().endsWith(".jpg")).sorted().toList()) {
        all.add(Photograph.read(path));
      }
    }
    if (all.size() < 2) {
      throw new IOException(
          photographs + " has " + all.size() + " JPEG files, expected two at least");
    }
    return all;
  }
}
