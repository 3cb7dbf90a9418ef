package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.LenoIOException;
import io.leno.internal.Check;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What ONNX Runtime itself takes for a model's convolutions, the nodes fused into each included: as
 * its own profile of the dense model tells. ONNX Runtime runs convolutions with kernels that ours
 * do not contain, so these are the times to beat.
 */
final class OwnTimes {
  private static final int ROUNDS = 15;
  private static final int WARM_UP = 3;
  private static final String PREFIX = "leno_";
  private static final String SUFFIX = "_kernel_time";
  private static final ObjectMapper JSON = new ObjectMapper();

  private OwnTimes() {}

  /**
   * Median seconds per convolution.
   *
   * @param sample one sample
   * @param threads that the model is served with
   */
  static Map<LinearLayer, Double> measure(
      OnnxModel model, List<LinearLayer> layers, ModelInputs sample, int threads) {
    Map<LinearLayer, Double> seconds = new HashMap<>();
    if (layers.stream().noneMatch(LinearLayer::isConvolution)) {
      return seconds;
    }
    Map<NodeProto, String> names = new IdentityHashMap<>();
    Map<String, List<Double>> times = profile(named(model.proto(), names), sample, threads);
    for (LinearLayer layer : layers) {
      if (layer.isConvolution()) {
        seconds.put(
            layer,
            layer.nodes.stream()
                .mapToDouble(node -> median(times.getOrDefault(names.get(node), List.of())))
                .sum());
      }
    }
    return seconds;
  }

  /** With names that are unique, which exporters do not promise. */
  private static OnnxModel named(ModelProto model, Map<NodeProto, String> names) {
    GraphProto.Builder graph = model.getGraph().toBuilder().clearNode();
    for (NodeProto node : model.getGraph().getNodeList()) {
      names.put(node, PREFIX + graph.getNodeCount());
      graph.addNode(node.toBuilder().setName(names.get(node)));
    }
    return new OnnxModel(model.toBuilder().setGraph(graph).build());
  }

  private static Map<String, List<Double>> profile(
      OnnxModel model, ModelInputs sample, int threads) {
    Path folder = null;
    try {
      folder = Files.createTempDirectory("leno");
      try (ModelSession session = ModelSession.openProfiled(model, threads, folder)) {
        Map<String, OnnxTensor> tensors = Ort.tensors(sample, session);
        try {
          for (int round = 0; round < ROUNDS + WARM_UP; round++) {
            session.run(tensors).close();
          }
        } finally {
          tensors.values().forEach(OnnxTensor::close);
        }
        return read(Path.of(session.endProfiling()));
      }
    } catch (OrtException e) {
      throw Ort.failure(e);
    } catch (IOException e) {
      throw new LenoIOException("ONNX Runtime's profile cannot be read: " + Check.reason(e));
    } finally {
      delete(folder);
    }
  }

  /** Seconds per node and round, the first ones left out. */
  private static Map<String, List<Double>> read(Path file) throws IOException {
    Map<String, List<Double>> times = new HashMap<>();
    for (JsonNode event : JSON.readTree(file.toFile())) {
      String name = event.path("name").asText();
      if (name.startsWith(PREFIX) && name.endsWith(SUFFIX)) {
        times
            .computeIfAbsent(
                name.substring(0, name.length() - SUFFIX.length()), unused -> new ArrayList<>())
            .add(event.path("dur").asDouble() * 1e-6);
      }
    }
    times.replaceAll((name, all) -> all.subList(Math.min(WARM_UP, all.size()), all.size()));
    return times;
  }

  private static double median(List<Double> values) {
    if (values.isEmpty()) {
      return 0; // a node that ONNX Runtime has fused into another
    }
    List<Double> sorted = new ArrayList<>(values);
    Collections.sort(sorted);
    return sorted.get(sorted.size() / 2);
  }

  /** With the profile of a run that failed, too. */
  private static void delete(Path folder) {
    if (folder == null) {
      return;
    }
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
      Files.delete(folder);
    } catch (IOException e) {
      folder.toFile().deleteOnExit();
    }
  }
}
