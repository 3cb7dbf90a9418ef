package io.leno.cli;

import io.leno.LenoException;
import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.StructureReport;
import io.leno.cli.report.TextTable;
import io.leno.onnx.LinearLayer;
import io.leno.onnx.ModelInputs;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.ShapeEvidence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** Lists the layers of a model that can be replaced, and what is known of their zeros. */
@Command(
    name = "inspect",
    description =
        "List a model's linear layers and convolutions, what can be fused into them, and the structure"
            + " of their zeros.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Runnable {
  @Parameters(paramLabel = "MODEL", description = "An ONNX file.")
  private Path model;

  @Mixin private Output output;

  @Override
  public void run() {
    Writable.require(output.file());
    OnnxModel onnx = OnnxModel.load(model);
    List<Map<String, Object>> layers = new ArrayList<>();
    List<List<String>> table = new ArrayList<>();
    table.add(List.of("layer", "M", "K", "fused", "zeros", "structure", "V"));
    long weights = 0;
    for (LinearLayer layer : onnx.layers(shapes(onnx))) {
      weights += (long) layer.rows() * layer.columns();
      layers.add(describe(layer, table));
    }
    Map<String, String> skipped = onnx.skippedLayers();
    output.printf("%s", TextTable.of(table));
    output.printf("%n%d layers with %,d weights can be replaced%n", layers.size(), weights);
    skipped.forEach((name, reason) -> output.printf("left as it is: %s: %s%n", name, reason));
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("model", model.toString());
    report.put("inputs", onnx.inputs());
    report.put("outputs", onnx.outputs());
    report.put("layers", layers);
    report.put("skipped", skipped);
    output.json(report);
  }

  /** Which sums are residuals shows when the model runs; where it cannot, the rest is shown. */
  private ShapeEvidence shapes(OnnxModel onnx) {
    try {
      return ShapeEvidence.of(onnx, ModelInputs.generate(onnx, Map.of(), 3, 1));
    } catch (LenoException e) {
      output.err().println("residuals are not shown, the model does not run: " + e.getMessage());
      return ShapeEvidence.none();
    }
  }

  private static Map<String, Object> describe(LinearLayer layer, List<List<String>> table) {
    try (Pattern pattern =
        Pattern.detect(Matrix.of(layer.weights(), layer.rows(), layer.columns()), 0)) {
      StructureReport structure = pattern.structureReport().orElseThrow();
      String name = structure.structure().toString().toLowerCase(Locale.ROOT);
      boolean grouped =
          structure.structure() == StructureReport.Structure.VECTOR_WISE
              || structure.structure() == StructureReport.Structure.SHFL_BW;
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("name", layer.name());
      entry.put("weights", layer.weightName());
      entry.put("M", layer.rows());
      entry.put("K", layer.columns());
      entry.put("fused", layer.fused());
      entry.put("zeros", structure.zeros());
      entry.put("structure", name);
      entry.put("stored", structure.stored());
      entry.put("V", grouped ? pattern.vector() : null);
      table.add(
          List.of(
              layer.name(),
              Integer.toString(layer.rows()),
              Integer.toString(layer.columns()),
              layer.fused(),
              String.format(Locale.ROOT, "%.1f %%", 100 * structure.zeros()),
              name,
              grouped ? Integer.toString(pattern.vector()) : ""));
      return entry;
    }
  }
}
