package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OnnxValue;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.TensorInfo;
import io.leno.LenoUnsupportedException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model as a chain of sessions, cut before each group of layers, whose weights are inputs: any
 * weights can be tried without a new session, and from any cut on. One session runs any number of
 * threads.
 */
final class Chain implements AutoCloseable {
  /** A piece and its session; null where the piece makes nothing. */
  private record Link(
      GraphCutter.Piece piece, ModelSession session, Map<LinearLayer, Names> feeds) {}

  /** Inputs of a session that take a layer's weights and, where it has one, its bias. */
  private record Names(String weights, String bias) {}

  /** A layer's weights, as the product wants them, and its bias; null where it has none. */
  record Feed(NativeTensor weights, NativeTensor bias) implements AutoCloseable {
    @Override
    public void close() {
      weights.close();
      if (bias != null) {
        bias.close();
      }
    }
  }

  private final ModelProto model;
  private final Map<String, TypeProto> types = new HashMap<>();
  private final List<Link> links = new ArrayList<>();
  private final List<GraphCutter.Group> groups;
  private final TensorFile file = new TensorFile();

  Chain(ModelProto model, List<LinearLayer> layers) {
    this.model = model;
    GraphCutter cutter = new GraphCutter(model.getGraph(), layers);
    this.groups = cutter.groups();
    model.getGraph().getInputList().forEach(input -> types.put(input.getName(), input.getType()));
    try {
      for (GraphCutter.Piece piece : cutter.pieces()) {
        Map<LinearLayer, Names> feeds = new LinkedHashMap<>();
        OnnxModel part = withWeightInputs(piece, feeds);
        ModelSession session = piece.makes().isEmpty() ? null : ModelSession.open(part);
        links.add(new Link(piece, session, feeds));
        learnTypes(session);
      }
    } catch (OrtException e) {
      close();
      throw Ort.failure(e);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Group g stands at the cut before link g + 1. */
  List<GraphCutter.Group> groups() {
    return groups;
  }

  /** Where tensors at cuts are laid aside. */
  TensorFile file() {
    return file;
  }

  int layerCount() {
    return links.stream().mapToInt(link -> link.piece.layers().size()).sum();
  }

  /** Layers between the cut before group g and the next. */
  List<LinearLayer> layersBehind(int group) {
    return links.get(group + 1).piece.layers();
  }

  /** The tensors at the first cut. */
  LiveTensors start(ModelInputs batch) {
    LiveTensors live = new LiveTensors();
    try {
      for (ValueInfoProto input : new OnnxModel(model).inputInfos()) {
        int type = input.getType().getTensorType().getElemType();
        live.put(input.getName(), Ort.tensor(batch, input.getName(), type));
      }
      advance(live, 0, Map.of());
      return live;
    } catch (OrtException e) {
      live.close();
      throw Ort.failure(e);
    } catch (RuntimeException | Error e) {
      live.close();
      throw e;
    }
  }

  /** From the cut before group g to the next one, or to the model's outputs. */
  void step(LiveTensors live, int group, Map<LinearLayer, Feed> weights) {
    advance(live, group + 1, weights);
  }

  private void advance(LiveTensors live, int link, Map<LinearLayer, Feed> weights) {
    Link at = links.get(link);
    Map<String, OnnxTensor> feeds = new HashMap<>();
    at.feeds.forEach(
        (layer, names) -> {
          Feed feed = weights.get(layer);
          feeds.put(names.weights, feed.weights.tensor());
          if (names.bias != null) {
            feeds.put(names.bias, feed.bias.tensor());
          }
        });
    run(live, at.session, at.piece, feeds);
  }

  private static void run(
      LiveTensors live,
      ModelSession session,
      GraphCutter.Piece piece,
      Map<String, OnnxTensor> feeds) {
    try {
      if (session != null) {
        try (LiveTensors.Loan read = live.lend(piece.reads())) {
          Map<String, OnnxTensor> all = new HashMap<>(feeds);
          all.putAll(read.tensors);
          for (Map.Entry<String, OnnxValue> made : session.run(all, piece.makes())) {
            if (!(made.getValue() instanceof OnnxTensor)) {
              throw new LenoUnsupportedException(
                  "tensor " + made.getKey() + " of the model is no dense tensor, expected one");
            }
            live.put(made.getKey(), (OnnxTensor) made.getValue());
          }
        }
      }
      live.retain(piece.liveAfter());
    } catch (OrtException e) {
      throw Ort.failure(e);
    }
  }

  /** The link behind group g with operators in the place of its layers. */
  final class WithOperators implements AutoCloseable {
    private final GraphCutter.Piece piece;
    private final ModelSession session;

    private WithOperators(GraphCutter.Piece piece, ModelSession session) {
      this.piece = piece;
      this.session = session;
    }

    void step(LiveTensors live) {
      run(live, session, piece, Map.of());
    }

    @Override
    public void close() {
      session.close();
    }
  }

  /** With the blob of packed weights in the place of one layer's weights; all others are dense. */
  WithOperators withOperator(int group, LinearLayer layer, byte[] blob, Path planFile) {
    GraphCutter.Piece piece = links.get(group + 1).piece;
    OnnxModel part = declared(piece, piece.graph().toBuilder(), Map.of());
    LinearLayer inPart =
        part.layers(ShapeEvidence.none()).stream()
            .filter(l -> l.name().equals(layer.name()))
            .findFirst()
            .orElseThrow();
    if (layer.isConvolution()) {
      inPart = inPart.withSize(layer.size());
    }
    OnnxModel packed = part.withPackedLayers(Map.of(inPart, blob));
    return new WithOperators(piece, ModelSession.openWithOperators(packed, 1, planFile));
  }

  /** The output values at the end of the chain. */
  ModelRun outputs(LiveTensors live, ModelInputs batch, String mask) {
    List<String> names =
        model.getGraph().getOutputList().stream().map(ValueInfoProto::getName).toList();
    try (LiveTensors.Loan read = live.lend(names)) {
      Map<String, OnnxTensor> outputs = new LinkedHashMap<>(); // in the model's order
      names.forEach(name -> outputs.computeIfAbsent(name, read.tensors::get));
      return Ort.runOf(batch, mask, outputs);
    }
  }

  private OnnxModel withWeightInputs(GraphCutter.Piece piece, Map<LinearLayer, Names> feeds) {
    GraphProto.Builder graph = piece.graph().toBuilder();
    Map<String, TypeProto> added = new LinkedHashMap<>();
    TypeProto floats = type(TensorProto.DataType.FLOAT_VALUE);
    for (LinearLayer layer : piece.layers()) {
      NodeProto product = layer.nodes.get(0);
      int at = indexOf(graph, product);
      Names names =
          new Names(
              "leno/weights/" + layer.name(),
              layer.bias == null ? null : "leno/bias/" + layer.name());
      feeds.put(layer, names);
      added.put(names.weights, floats);
      if (layer.bias != null) {
        added.put(names.bias, floats);
        NodeProto adds = layer.biasNode();
        int node = indexOf(graph, adds);
        int input = adds == product ? 2 : adds.getInput(0).equals(product.getOutput(0)) ? 1 : 0;
        graph.setNode(node, Rewriter.withBias(adds, input, names.bias));
      }
      graph.setNode(at, Rewriter.withWeights(graph.getNode(at), names.weights));
    }
    Set<String> used = Rewriter.used(graph.build());
    List<TensorProto> kept =
        graph.getInitializerList().stream().filter(t -> used.contains(t.getName())).toList();
    graph.clearInitializer().addAllInitializer(kept);
    return declared(piece, graph, added);
  }

  private static int indexOf(GraphProto.Builder graph, NodeProto node) {
    for (int i = 0; i < graph.getNodeCount(); i++) {
      if (graph.getNode(i) == node) {
        return i;
      }
    }
    throw new IllegalStateException(node.getName());
  }

  /** A model of the nodes, with inputs and outputs declared. */
  private OnnxModel declared(
      GraphCutter.Piece piece, GraphProto.Builder graph, Map<String, TypeProto> added) {
    Map<String, TypeProto> inputs = new LinkedHashMap<>();
    piece.reads().forEach(tensor -> inputs.put(tensor, types.get(tensor)));
    inputs.putAll(added);
    inputs.forEach(
        (name, type) -> graph.addInput(ValueInfoProto.newBuilder().setName(name).setType(type)));
    // ONNX Runtime finds out the types of outputs.
    piece.makes().forEach(name -> graph.addOutput(ValueInfoProto.newBuilder().setName(name)));
    return new OnnxModel(model.toBuilder().setGraph(graph).build());
  }

  private void learnTypes(ModelSession session) throws OrtException {
    if (session == null) {
      return;
    }
    for (Map.Entry<String, NodeInfo> output : session.outputs().entrySet()) {
      if (!(output.getValue().getInfo() instanceof TensorInfo info)) {
        throw new LenoUnsupportedException(
            "tensor " + output.getKey() + " of the model is no dense tensor, expected one");
      }
      types.put(output.getKey(), type(Ort.elementType(info)));
    }
  }

  private static TypeProto type(int element) {
    return TypeProto.newBuilder()
        .setTensorType(TypeProto.Tensor.newBuilder().setElemType(element))
        .build();
  }

  @Override
  public void close() {
    for (Link link : links) {
      if (link.session != null) {
        link.session.close();
      }
    }
    links.clear();
    file.close();
  }
}
