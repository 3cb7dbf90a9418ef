package io.leno.study.recognition;

import ai.onnxruntime.OrtException;
import io.leno.DType;
import io.leno.Leno;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.PatternFamily;
import io.leno.cli.ProgressPrinter;
import io.leno.cli.report.Json;
import io.leno.cli.report.ReportTables;
import io.leno.cli.report.TextTable;
import io.leno.onnx.Acceleration;
import io.leno.onnx.Accelerator;
import io.leno.onnx.ClassAgreement;
import io.leno.onnx.Goal;
import io.leno.onnx.InputArray;
import io.leno.onnx.LinearLayer;
import io.leno.onnx.ModelComparison;
import io.leno.onnx.ModelInputs;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.ShapeEvidence;
import io.leno.study.ImageModel;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Two convnets that read, as Maven has them: a digit (org.tribuo's cnn_mnist) and a line of text
 * (PP-OCR v4). Their outputs with every weight kept, and speed and similarity where weights are
 * dropped; nothing is retrained.
 */
@Command(
    name = "recognition",
    description = "Accelerates two convnets that read: speed end to end, similarity beside it.",
    mixinStandardHelpOptions = true)
final class RecognitionStudy implements Callable<Integer> {
  private static final String DENSE = "dense";
  private static final int DIGIT = 28;

  @Option(
      names = "--mnist",
      description = "Images of the MNIST test set, an IDX file. Without it, digits are left out.")
  private Path mnist;

  @Option(
      names = "--samples",
      defaultValue = "96",
      description = "To calibrate with; half as many are tested on (${DEFAULT-VALUE}).")
  private int samples;

  @Option(
      names = "--rounds",
      defaultValue = "30",
      description = "Rounds of the comparison of times (${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--vector",
      defaultValue = "8",
      description = "Rows of a group of the patterns (${DEFAULT-VALUE}).")
  private int vector;

  @Option(
      names = "--family",
      split = ",",
      defaultValue = "SHFL_BW",
      description =
          "Families of patterns, of ${COMPLETION-CANDIDATES}; of both, each layer takes the faster at"
              + " equal importance (${DEFAULT-VALUE}).")
  private PatternFamily[] families;

  @Option(
      names = "--budget",
      split = ",",
      defaultValue = "0.99,0.95",
      description = "Mean cosines to keep (${DEFAULT-VALUE}).")
  private List<Double> budgets;

  @Option(
      names = "--sparsity",
      split = ",",
      defaultValue = "0.5,0.75",
      description = "Shares of weights to drop (${DEFAULT-VALUE}).")
  private List<Double> sparsities;

  @Option(names = "--layers", description = "Also print what became of each layer.")
  private boolean layers;

  @Option(names = "--json", description = "Also write a JSON object per row to this file.")
  private Path json;

  private final PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
  private final ProgressPrinter progress =
      new ProgressPrinter(new PrintWriter(System.err, true, StandardCharsets.UTF_8));
  private final List<Map<String, Object>> rows = new ArrayList<>();

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new RecognitionStudy()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException, OrtException {
    out.printf("leno %s%n", Leno.version());
    if (mnist == null) {
      out.printf("%ndigits are left out: --mnist is not given%n");
    } else {
      OnnxModel digits = resource("/org/tribuo/interop/onnx/cnn_mnist.onnx");
      float[] all = digits(samples + samples / 2);
      study("cnn_mnist", digits, all, 1, DIGIT, DIGIT);
    }
    OnnxModel text = resource("/models/ch_PP-OCRv4_rec_infer.onnx");
    float[] lines = TextLines.render(samples + samples / 2, 1);
    study("PP-OCR v4", text, lines, TextLines.PLANES, TextLines.HEIGHT, TextLines.WIDTH);
    if (json != null) {
      Json.write(json, rows);
    }
    return 0;
  }

  private static OnnxModel resource(String name) throws IOException {
    try (InputStream in = RecognitionStudy.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException(name + " is not on the class path");
      }
      return OnnxModel.parse(in.readAllBytes());
    }
  }

  /** Images as the model was trained with: from 0 to 1, less their mean, by their deviation. */
  private float[] digits(int count) throws IOException {
    int size = DIGIT * DIGIT;
    ByteBuffer file = ByteBuffer.wrap(Files.readAllBytes(mnist));
    if (file.capacity() < 16 + count * size || file.getInt(0) != 2051) {
      throw new IOException(mnist + " is no IDX file of " + count + " images");
    }
    float[] pixels = new float[count * size];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = ((file.get(16 + i) & 255) / 255f - 0.1307f) / 0.3081f;
    }
    return pixels;
  }

  private void study(String name, OnnxModel dense, float[] pixels, long... shape)
      throws OrtException {
    String input = dense.inputs().get(0);
    long[] all = {samples + samples / 2, shape[0], shape[1], shape[2]};
    ModelInputs inputs = ModelInputs.of(Map.of(input, InputArray.of(pixels, all)));
    ModelInputs fitted = inputs.slice(0, samples);
    ModelInputs tested = inputs.slice(samples, inputs.samples());
    Map<String, OnnxModel> models = new LinkedHashMap<>();
    Map<String, Double> cosines = new LinkedHashMap<>();
    models.put(DENSE, dense);
    cosines.put(DENSE, 1.0);
    models.put("all kept", allKept(dense, fitted));
    List<Goal> goals = new ArrayList<>();
    budgets.forEach(budget -> goals.add(Goal.accuracy(budget)));
    sparsities.forEach(sparsity -> goals.add(Goal.overall(sparsity)));
    for (Goal goal : goals) {
      Acceleration made = accelerate(dense, goal, fitted, tested);
      String row = goal.toString();
      out.printf("%n== %s, %s%n%s%n", name, row, ReportTables.summary(made.report()));
      if (layers) {
        out.printf("%s", TextTable.of(ReportTables.layers(made.report())));
      }
      models.put(row, made.model());
      cosines.put(row, made.report().similarity());
    }
    compare(name, models, cosines, tested, pixels, shape);
  }

  /** Our operators in the place of every layer, with the weights as they are. */
  private static OnnxModel allKept(OnnxModel dense, ModelInputs inputs) {
    Map<LinearLayer, byte[]> blobs = new LinkedHashMap<>();
    for (LinearLayer layer : dense.layers(ShapeEvidence.of(dense, inputs))) {
      Matrix weights = Matrix.of(layer.weights(), layer.rows(), layer.columns());
      try (PackedWeights packed = PackedWeights.dense(weights, DType.F32)) {
        blobs.put(layer, packed.toBytes());
      }
    }
    return dense.withPackedLayers(blobs);
  }

  private Acceleration accelerate(
      OnnxModel dense, Goal goal, ModelInputs fitted, ModelInputs tested) {
    try {
      return Accelerator.builder(dense)
          .goal(goal)
          .families(families)
          .calibration(fitted)
          .heldOut(tested)
          .dtypes(DType.F32)
          .vectors(vector)
          .servingThreads(1)
          .progress(progress)
          .build()
          .run();
    } finally {
      progress.done();
    }
  }

  private void compare(
      String name,
      Map<String, OnnxModel> models,
      Map<String, Double> cosines,
      ModelInputs tested,
      float[] pixels,
      long[] shape)
      throws OrtException {
    int size = (int) (shape[0] * shape[1] * shape[2]);
    List<float[]> images = new ArrayList<>();
    for (int i = samples; i < samples + samples / 2; i++) {
      images.add(Arrays.copyOfRange(pixels, i * size, (i + 1) * size));
    }
    Map<String, List<float[]>> made = new LinkedHashMap<>();
    for (Map.Entry<String, OnnxModel> model : models.entrySet()) {
      made.put(model.getKey(), ImageModel.outputs(model.getValue(), images, shape));
    }
    List<ModelComparison.Result> results =
        ModelComparison.of(models, tested.slice(0, 1)).threads(1).rounds(rounds).run();
    List<List<String>> table = new ArrayList<>();
    table.add(
        List.of("model", "ms", "x dense", "cosine", "argmax", "read alike", "largest difference"));
    for (ModelComparison.Result result : results) {
      List<float[]> expected = made.get(DENSE);
      List<float[]> actual = made.get(result.name());
      int alike = 0;
      double agreement = 0;
      double difference = 0;
      for (int i = 0; i < expected.size(); i++) {
        int classes = classes(models.get(DENSE), expected.get(i).length);
        alike += reading(expected.get(i), classes).equals(reading(actual.get(i), classes)) ? 1 : 0;
        agreement += ClassAgreement.of(expected.get(i), actual.get(i), classes) / expected.size();
        difference = Math.max(difference, difference(expected.get(i), actual.get(i)));
      }
      Map<String, Object> row = new LinkedHashMap<>();
      row.put("network", name);
      row.put("model", result.name());
      row.put("milliseconds", result.milliseconds());
      row.put("ratio_to_dense", result.ratio());
      row.put("cosine", cosines.get(result.name()));
      row.put("argmax_agreement", agreement);
      row.put("read_alike", (double) alike / expected.size());
      row.put("largest_difference", difference);
      rows.add(row);
      Double cosine = cosines.get(result.name());
      table.add(
          List.of(
              result.name(),
              String.format(Locale.ROOT, "%.2f", result.milliseconds()),
              String.format(Locale.ROOT, "%.2f", result.ratio()),
              cosine == null ? "-" : String.format(Locale.ROOT, "%.4f", cosine),
              String.format(Locale.ROOT, "%.2f %%", 100 * agreement),
              alike + " of " + expected.size(),
              String.format(Locale.ROOT, "%.1e", difference)));
    }
    out.printf("%n== %s%n%s", name, TextTable.of(table));
  }

  /** The likeliest class of each place. */
  private static List<Integer> reading(float[] output, int classes) {
    List<Integer> read = new ArrayList<>();
    for (int from = 0; from < output.length; from += classes) {
      int best = ClassAgreement.largest(output, from, classes);
      // Repetitions of a class are one reading of it: connectionist temporal classification.
      if (read.isEmpty() || read.get(read.size() - 1) != best) {
        read.add(best);
      }
    }
    return read;
  }

  private static double difference(float[] a, float[] b) {
    double largest = 0;
    for (int i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs((double) a[i] - b[i]));
    }
    return largest;
  }

  /** Of the last product with weights. */
  private static int classes(OnnxModel model, int length) {
    List<LinearLayer> all = model.layers(ShapeEvidence.none());
    return Math.min(length, all.get(all.size() - 1).rows());
  }
}
