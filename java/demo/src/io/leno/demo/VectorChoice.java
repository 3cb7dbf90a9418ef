package io.leno.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.DType;
import io.leno.Device;
import io.leno.Importance;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.SearchOptions;
import io.leno.op.SparseLinear;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Chooses how many rows a group has, and how weights are stored, by the times of this machine.
 * Small groups are more accurate, so the smallest is taken that is hardly slower than the fastest.
 */
final class VectorChoice {
  static final List<Integer> VECTORS = List.of(4, 8, 16);

  private static final double HARDLY = 1.05;
  private static final int[][] SHAPES = {{384, 384, 24}, {1536, 384, 6}, {384, 1536, 6}};

  /** A storage, and what the encoder's products take with it. */
  record Choice(DType dtype, int vector, double seconds) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "%s, V = %d (36 products in %.2f ms)", dtype, vector, 1e3 * seconds);
    }
  }

  private VectorChoice() {}

  static Choice of(List<DType> dtypes, double sparsity) throws IOException {
    Choice best = null;
    try (Device device = Device.cpu(1)) {
      for (DType dtype : dtypes) {
        Choice smallest = null;
        double fastest = Double.POSITIVE_INFINITY;
        for (int v = VECTORS.size() - 1; v >= 0; v--) {
          Choice choice =
              new Choice(dtype, VECTORS.get(v), time(device, dtype, VECTORS.get(v), sparsity));
          fastest = Math.min(fastest, choice.seconds());
          if (choice.seconds() <= HARDLY * fastest) {
            smallest = choice;
          }
        }
        if (best == null || smallest.seconds() < best.seconds()) {
          best = smallest;
        }
      }
    }
    return best;
  }

  private static double time(Device device, DType dtype, int vector, double sparsity)
      throws IOException {
    SearchOptions search =
        SearchOptions.builder()
            .sparsity(sparsity)
            .vector(vector)
            .search(SearchOptions.Search.IDENTITY)
            .build();
    double seconds = 0;
    for (int[] shape : SHAPES) {
      Matrix weights = Matrix.zeros(shape[0], shape[1]);
      Random random = new Random(1);
      for (int r = 0; r < shape[0]; r++) {
        for (int c = 0; c < shape[1]; c++) {
          weights.set(r, c, (float) random.nextGaussian());
        }
      }
      try (Pattern pattern = Pattern.search(Importance.magnitude(weights), search);
          PackedWeights packed = PackedWeights.pack(pattern, weights, dtype);
          SparseLinear linear = SparseLinear.builder(device, packed).buckets(Tokens.MOST).build()) {
        seconds += shape[2] * chosen(linear);
      }
    }
    return seconds;
  }

  private static double chosen(SparseLinear linear) throws IOException {
    JsonNode bucket = new ObjectMapper().readTree(linear.explainJson()).get("buckets").get(0);
    for (JsonNode candidate : bucket.get("candidates")) {
      if (candidate.get("kernel").equals(bucket.get("kernel"))
          && candidate.get("weights").equals(bucket.get("weights"))
          && candidate.has("microseconds")) {
        return candidate.get("microseconds").asDouble() / 1e6;
      }
    }
    throw new IllegalStateException("the chosen kernel has no time: " + bucket);
  }
}
