package io.leno.cli;

import io.leno.DType;
import io.leno.cli.report.TextTable;
import io.leno.onnx.ModelInputs;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.Retrained;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Brings a model back that was pruned or retrained elsewhere. */
@Command(
    name = "pack",
    description =
        "Take a model whose weights have zeros, pruned or retrained elsewhere: find their pattern,"
            + " and put our operators in the place of its layers. No weight is changed but by"
            + " rounding to --dtype.",
    mixinStandardHelpOptions = true)
final class PackCommand implements Runnable {
  @Mixin private ModelFiles files;

  @Option(
      names = "--dtype",
      converter = CpuTypes.class,
      completionCandidates = CpuTypes.class,
      defaultValue = "F32",
      description = "Type of stored weights, of ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
  private DType dtype;

  @Option(
      names = "--vector",
      paramLabel = "V",
      converter = Numbers.Vector.class,
      description = "Rows of a group to look for, 4 to 128 (the most that fit).")
  private Integer vector;

  @Option(
      names = "--inputs",
      paramLabel = "FILE.npz",
      description = "A few real inputs, to learn shapes from. Made up where missing.")
  private Path inputs;

  @Mixin private Output output;

  @Override
  public void run() {
    Writable.require(files.out);
    Writable.require(output.file());
    OnnxModel retrained = OnnxModel.load(files.model);
    Retrained packed =
        Retrained.pack(
            retrained,
            dtype,
            vector == null ? 0 : vector,
            inputs == null ? null : ModelInputs.load(inputs));
    packed.model().save(files.out);
    List<List<String>> table = new ArrayList<>();
    table.add(List.of("layer", "M", "K", "zeros", "structure", "V", "not stored", "bytes"));
    packed.layers().forEach(layer -> table.add(row(layer)));
    output.printf("%s", TextTable.of(table));
    packed.layers().stream()
        .filter(layer -> layer.patternLoss() > 0)
        .forEach(
            layer ->
                output.printf(
                    "%s: no pattern fits its zeros; one of V = 16 that stores as little would drop"
                        + " %.1f %% of the sum of its weights%n",
                    layer.name(), 100 * layer.patternLoss()));
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("model", files.model.toString());
    report.put("packed", files.out.toString());
    report.put("dtype", dtype.toString());
    report.put("layers", packed.layers());
    output.json(report);
  }

  private static List<String> row(Retrained.Layer layer) {
    return List.of(
        layer.name(),
        Integer.toString(layer.rows()),
        Integer.toString(layer.columns()),
        percent(layer.found().zeros()),
        layer.found().structure().toString().toLowerCase(Locale.ROOT),
        layer.vector() == 0 ? "" : Integer.toString(layer.vector()),
        percent(layer.sparsity()),
        Long.toString(layer.bytes()));
  }

  private static String percent(double share) {
    return String.format(Locale.ROOT, "%.1f %%", 100 * share);
  }
}
