package io.leno.demo;

import io.leno.demo.Glosses.Gloss;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** Classification by the classes of the 15 nearest embeddings, and other uses of dot products. */
final class Neighbours {
  private static final int COUNT = 15;

  private Neighbours() {}

  /** The share of test glosses whose class most of their neighbours have. */
  static double accuracy(List<Gloss> train, float[][] known, List<Gloss> test, float[][] asked) {
    long right =
        IntStream.range(0, asked.length)
            .parallel()
            .filter(i -> classify(train, known, asked[i]) == test.get(i).label())
            .count();
    return (double) right / asked.length;
  }

  /** A draw goes to the class whose neighbour is nearest. */
  private static int classify(List<Gloss> train, float[][] known, float[] asked) {
    double[] dots = new double[known.length];
    for (int i = 0; i < known.length; i++) {
      dots[i] = dot(known[i], asked);
    }
    int[] nearest =
        IntStream.range(0, known.length)
            .boxed()
            .sorted((a, b) -> Double.compare(dots[b], dots[a]))
            .limit(COUNT)
            .mapToInt(Integer::intValue)
            .toArray();
    Map<Integer, Integer> votes = new HashMap<>();
    for (int i : nearest) {
      votes.merge(train.get(i).label(), 1, Integer::sum);
    }
    int most = votes.values().stream().mapToInt(Integer::intValue).max().orElse(0);
    return Arrays.stream(nearest)
        .map(i -> train.get(i).label())
        .filter(label -> votes.get(label) == most)
        .findFirst()
        .orElse(-1);
  }

  /** Mean cosine of embeddings of unit length, pair by pair. */
  static double cosine(float[][] a, float[][] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> dot(a[i], b[i])).average().orElse(0);
  }

  static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }
}
