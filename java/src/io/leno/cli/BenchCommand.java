package io.leno.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.DType;
import io.leno.Device;
import io.leno.Importance;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.SearchOptions;
import io.leno.op.Layout;
import io.leno.op.SparseLinear;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Times the kernels of one layer on random weights: what the choice at an operator's creation is
 * made from.
 */
@Command(
    name = "bench",
    description = "Time every kernel for one layer, dense ones included, on random weights.",
    mixinStandardHelpOptions = true)
final class BenchCommand implements Runnable {
  @Option(
      names = "--rows",
      converter = Numbers.Count.class,
      defaultValue = "1024",
      description = "M, output features (${DEFAULT-VALUE}).")
  private int rows;

  @Option(
      names = "--columns",
      converter = Numbers.Count.class,
      defaultValue = "1024",
      description = "K, input features (${DEFAULT-VALUE}).")
  private int columns;

  @Option(
      names = "--tokens",
      converter = Numbers.Length.class,
      split = ",",
      defaultValue = "1,16,128",
      description = "N (${DEFAULT-VALUE}).")
  private long[] tokens;

  @Option(
      names = "--sparsity",
      converter = Numbers.Sparsity.class,
      defaultValue = "0.75",
      description = "0 <= s < 1 (${DEFAULT-VALUE}).")
  private double sparsity;

  @Option(
      names = "--vector",
      converter = Numbers.Vector.class,
      defaultValue = "16",
      description = "V (${DEFAULT-VALUE}).")
  private int vector;

  @Option(
      names = "--dtype",
      converter = CpuTypes.class,
      completionCandidates = CpuTypes.class,
      defaultValue = "F32",
      description = "${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
  private DType dtype;

  @Option(
      names = "--layout",
      defaultValue = "TOKEN_MAJOR",
      description = "${COMPLETION-CANDIDATES}.")
  private Layout layout;

  @Mixin private ThreadsOption on;

  @Mixin private Output output;

  @Override
  public void run() {
    Writable.require(output.file());
    Matrix weights = Matrix.zeros(rows, columns);
    Random random = new Random(1);
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        weights.set(r, c, (float) random.nextGaussian());
      }
    }
    SearchOptions search =
        SearchOptions.builder()
            .sparsity(sparsity)
            .vector(vector)
            .search(SearchOptions.Search.IDENTITY)
            .build();
    try (Pattern pattern = Pattern.search(Importance.magnitude(weights), search);
        PackedWeights packed = PackedWeights.pack(pattern, weights, dtype);
        Device device = Device.cpu(on.threads);
        SparseLinear op =
            SparseLinear.builder(device, packed).layout(layout).buckets(tokens).build()) {
      JsonNode explanation = new ObjectMapper().readTree(op.explainJson());
      output.printf("%s%n", explanation.toPrettyString());
      Map<String, Object> report = new LinkedHashMap<>();
      report.put("M", rows);
      report.put("K", columns);
      report.put("V", vector);
      report.put("sparsity", sparsity);
      report.put("dtype", dtype.toString());
      report.put("layout", layout.toString());
      report.put("threads", on.threads);
      report.put("explanation", explanation);
      output.json(report);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("explain() is no JSON", e);
    }
  }
}
