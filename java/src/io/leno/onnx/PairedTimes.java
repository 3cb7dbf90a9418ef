package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.leno.LenoIOException;
import io.leno.internal.Check;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What a model's convolutions take in ONNX Runtime as they are, the nodes fused into each included,
 * and as our operators: two whole models run in turn, round by round, and ONNX Runtime's profile
 * tells of each node. So both are served as a server serves them, with the caches that their
 * neighbours leave and in the layouts that ONNX Runtime gives them, and a change of the processor's
 * clock or load meets both alike.
 *
 * <p>ONNX Runtime's own convolutions read a layout of its own. What it then converts more for the
 * sake of our operators is shared out among these by the numbers that they read and write.
 */
final class PairedTimes {
  /**
   * Of a convolution.
   *
   * @param own median seconds of the model's own nodes
   * @param ratio median over rounds of our time over the own one
   * @param known whether the profile tells of both; where it does not they are called equal, so
   *     that no speed is claimed that nobody has seen
   */
  record Pair(double own, double ratio, boolean known) {
    private static final Pair UNKNOWN = new Pair(LEAST, 1, false);

    double ours() {
      return own * ratio;
    }
  }

  private static final int ROUNDS = 15;
  private static final int WARM_UP = 3;
  private static final double LEAST = 1e-7; // seconds: below what the profile tells

  private PairedTimes() {}

  /**
   * Runs both models.
   *
   * @param dense the model with its own convolutions
   * @param ours the same with operators in the place of some of them
   * @param replaced those; layers of the dense model
   * @param sample one sample
   * @param threads that the model is served with
   * @param planFile of the operators; may be null
   */
  static Map<LinearLayer, Pair> measure(
      OnnxModel dense,
      OnnxModel ours,
      List<LinearLayer> replaced,
      ModelInputs sample,
      int threads,
      Path planFile) {
    Path folder = null;
    try {
      folder = Files.createTempDirectory("leno");
      NodeProfile before = NodeProfile.of(dense);
      NodeProfile after = NodeProfile.of(ours);
      try (OrtSession own = before.open(threads, planFile, folder, "own");
          OrtSession other = after.open(threads, planFile, folder, "ours")) {
        Map<String, OnnxTensor> tensors = new HashMap<>();
        try {
          fill(tensors, dense, sample);
          for (int round = 0; round < ROUNDS + WARM_UP; round++) {
            own.run(tensors).close();
            other.run(tensors).close();
          }
        } finally {
          tensors.values().forEach(OnnxTensor::close);
        }
        before.read(Path.of(own.endProfiling()), WARM_UP);
        after.read(Path.of(other.endProfiling()), WARM_UP);
      }
      return pairs(before, after, replaced);
    } catch (OrtException e) {
      throw Ort.failure(e);
    } catch (IOException e) {
      throw new LenoIOException("ONNX Runtime's profile cannot be read: " + Check.reason(e));
    } finally {
      delete(folder);
    }
  }

  private static void fill(Map<String, OnnxTensor> tensors, OnnxModel model, ModelInputs sample)
      throws OrtException {
    for (var input : model.inputInfos()) {
      int type = input.getType().getTensorType().getElemType();
      tensors.put(input.getName(), Ort.tensor(sample, input.getName(), type));
    }
  }

  private static Map<LinearLayer, Pair> pairs(
      NodeProfile before, NodeProfile after, List<LinearLayer> replaced) {
    int rounds = Math.min(before.rounds(), after.rounds());
    double moved = replaced.stream().mapToDouble(PairedTimes::numbers).sum();
    Map<LinearLayer, Pair> pairs = new LinkedHashMap<>();
    for (LinearLayer layer : replaced) {
      if (rounds == 0 || !before.knows(layer.nodes) || !after.knows(layer.name())) {
        pairs.put(layer, Pair.UNKNOWN);
        continue;
      }
      double[] own = new double[rounds];
      double[] ratios = new double[rounds];
      for (int round = 0; round < rounds; round++) {
        double conversions = Math.max(0, after.conversions(round) - before.conversions(round));
        own[round] = Math.max(LEAST, before.seconds(layer.nodes, round));
        double ours = after.seconds(layer.name(), round) + conversions * numbers(layer) / moved;
        for (String tensor : before.fusedBehind(layer.output)) {
          ours += after.secondsOf(tensor, round); // by its own node now
        }
        ratios[round] = Math.max(LEAST, ours) / own[round];
      }
      pairs.put(layer, new Pair(median(own), median(ratios), true));
    }
    return pairs;
  }

  /** How many numbers a convolution reads and writes. */
  private static double numbers(LinearLayer layer) {
    Convolution c = layer.convolution();
    return (double) layer.size().height() * layer.size().width() * c.channels()
        + (double) c.outPixels(layer.size()) / layer.size().batch() * layer.rows();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted.length == 0 ? 0 : sorted[sorted.length / 2];
  }

  /** With the profile of a run that failed, too. */
  private static void delete(Path folder) {
    if (folder == null) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : new ArrayList<>(files.toList())) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      folder.toFile().deleteOnExit();
    }
  }
}
