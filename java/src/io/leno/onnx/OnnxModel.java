package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.UnsafeByteOperations;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoUnsupportedException;
import io.leno.internal.Check;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An ONNX model in memory. Immutable: what changes a model gives a new one. May be shared by
 * threads.
 *
 * <p>Tensors that lie in external files beside the model are taken into it by {@link #load}, so
 * that what {@link #save} writes is one file that needs no other. All of a model's tensors must
 * take less than 2 GB, which is what such a file can hold.
 */
public final class OnnxModel {
  /** Domain of the operators that rewritten models use. */
  public static final String DOMAIN = "io.leno";

  private static final long MOST_BYTES = Integer.MAX_VALUE - 8; // of an array

  private final ModelProto proto;

  OnnxModel(ModelProto proto) {
    this.proto = proto;
  }

  /**
   * Reads a model file, and the files with tensors that it names: they must lie in its folder or
   * below.
   *
   * @param path an ONNX file
   * @return the model
   * @throws LenoIOException if a file cannot be read
   * @throws LenoFormatException if it is no ONNX model, or an external file does not hold what the
   *     model says; the message names the tensor
   * @throws LenoUnsupportedException if it has 2 GB or more with its external files
   */
  public static OnnxModel load(Path path) {
    Check.notNull(path, "path");
    try (FileChannel file = FileChannel.open(path)) {
      if (file.size() > MOST_BYTES) {
        throw new LenoUnsupportedException(
            path + " has " + file.size() + " bytes, expected a model of less than 2 GB");
      }
      ByteBuffer bytes = ByteBuffer.allocateDirect((int) file.size());
      while (bytes.hasRemaining() && file.read(bytes) >= 0) {}
      return of(read(bytes.flip()), path);
    } catch (IOException e) {
      throw new LenoIOException("model " + path + " cannot be read: " + Check.reason(e));
    } catch (LenoFormatException e) {
      throw new LenoFormatException(path + ": " + e.getMessage());
    }
  }

  /**
   * Reads a model that has all its tensors inside.
   *
   * @param bytes content of an ONNX file
   * @return the model
   * @throws LenoFormatException if it is no ONNX model, or names external files
   */
  public static OnnxModel parse(byte[] bytes) {
    Check.notNull(bytes, "bytes");
    return of(read(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip()), null);
  }

  /** Takes over the buffer: large constants stay where they are, outside the Java heap. */
  private static ModelProto read(ByteBuffer bytes) {
    ModelProto proto;
    try {
      CodedInputStream in = UnsafeByteOperations.unsafeWrap(bytes).newCodedInput();
      in.enableAliasing(true);
      in.setSizeLimit(Integer.MAX_VALUE);
      proto = ModelProto.parser().parseFrom(in);
      in.checkLastTagWas(0);
    } catch (InvalidProtocolBufferException e) {
      throw new LenoFormatException("no ONNX model: " + e.getMessage());
    }
    if (!proto.hasGraph()
        || proto.getGraph().getNodeCount() == 0
        || proto.getOpsetImportCount() == 0) {
      throw new LenoFormatException(
          "no ONNX model: it has no graph with nodes, or imports no operators");
    }
    Arity.check(proto.getGraph());
    return proto;
  }

  private static OnnxModel of(ModelProto read, Path path) {
    ModelProto proto = ExternalData.embed(read, path);
    GraphProto folded = ConvFolder.fold(ConstantFolder.fold(proto.getGraph()));
    return new OnnxModel(
        folded == proto.getGraph() ? proto : proto.toBuilder().setGraph(folded).build());
  }

  /**
   * Writes the model, replacing the file in one step.
   *
   * @param path where to
   * @throws LenoIOException if that fails; an earlier file is then still there
   */
  public void save(Path path) {
    AtomicFiles.write(path, proto::writeTo);
  }

  /**
   * The model as the content of an ONNX file.
   *
   * @return a new array
   */
  public byte[] toBytes() {
    return proto.toByteArray();
  }

  /**
   * The linear layers and convolutions, in the order in which they run.
   *
   * @param shapes what is known of shapes; residual additions are fused where it proves that they
   *     may be
   * @return one entry per product with constant weights
   */
  public List<LinearLayer> layers(ShapeEvidence shapes) {
    return List.copyOf(new LayerFinder(proto.getGraph(), shapes).layers());
  }

  /**
   * Products that cannot be replaced.
   *
   * @return node name to reason, by name
   */
  public Map<String, String> skippedLayers() {
    return Collections.unmodifiableMap(
        new LayerFinder(proto.getGraph(), ShapeEvidence.none()).skipped());
  }

  /**
   * Tensors whose shapes decide whether a residual addition may be fused: run the model with these
   * as taps, and give {@link #layers} what came out.
   *
   * @return names of float tensors that nodes make
   */
  public Set<String> shapeQuestions() {
    ShapeEvidence.Questions questions = new ShapeEvidence.Questions();
    new LayerFinder(proto.getGraph(), questions);
    Graph graph = new Graph(proto.getGraph());
    return questions.tensors.stream()
        .filter(tensor -> graph.producer(tensor).isPresent() && graph.constant(tensor).isEmpty())
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /**
   * Names of the graph's inputs that a caller has to give.
   *
   * @return in the model's order
   */
  public List<String> inputs() {
    return inputInfos().stream().map(ValueInfoProto::getName).toList();
  }

  List<ValueInfoProto> inputInfos() {
    Set<String> initialised = new HashSet<>();
    proto.getGraph().getInitializerList().forEach(t -> initialised.add(t.getName()));
    return proto.getGraph().getInputList().stream()
        .filter(input -> !initialised.contains(input.getName()))
        .toList();
  }

  /**
   * Names of the graph's outputs.
   *
   * @return in the model's order
   */
  public List<String> outputs() {
    return proto.getGraph().getOutputList().stream().map(ValueInfoProto::getName).toList();
  }

  /**
   * The same model with further tensors among its outputs.
   *
   * @param tensors names of float tensors of the graph; those that are outputs already stay single
   * @return a new model
   */
  public OnnxModel withTaps(Collection<String> tensors) {
    GraphProto.Builder graph = proto.getGraph().toBuilder();
    Set<String> present = new HashSet<>(outputs());
    for (String tensor : tensors) {
      if (present.add(tensor)) {
        TypeProto.Tensor type =
            TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT_VALUE).build();
        graph.addOutput(
            ValueInfoProto.newBuilder()
                .setName(tensor)
                .setType(TypeProto.newBuilder().setTensorType(type)));
      }
    }
    return new OnnxModel(proto.toBuilder().setGraph(graph).build());
  }

  /**
   * The same model with sparse operators in the place of some layers.
   *
   * @param packed layers of this model, each with the blob of its packed weights ({@link
   *     io.leno.PackedWeights#toBytes})
   * @return a new model, which needs {@link LenoOnnx#register} to run
   */
  public OnnxModel withPackedLayers(Map<LinearLayer, byte[]> packed) {
    return new Rewriter(proto.getGraph()).replace(proto, packed);
  }

  /**
   * The same model with other weights in the place of those of some layers; nothing is fused.
   *
   * @param weights layers of this model, each with M x K weights, row-major, out x in
   * @return a new model
   */
  public OnnxModel withWeights(Map<LinearLayer, float[]> weights) {
    return new Rewriter(proto.getGraph()).reweight(proto, weights);
  }

  ModelProto proto() {
    return proto;
  }

  boolean importsLeno() {
    return proto.getOpsetImportList().stream()
        .map(OperatorSetIdProto::getDomain)
        .anyMatch(DOMAIN::equals);
  }
}
