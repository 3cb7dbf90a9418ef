package io.leno.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.SparseTensorProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoUnsupportedException;
import io.leno.internal.Check;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Takes the tensors that a model keeps in files beside it into the model, so that everything behind
 * reads one kind of tensor, and written models need no file but their own. Trusts nothing that the
 * model says of those files.
 */
final class ExternalData {
  private static final long MOST_BYTES = Integer.MAX_VALUE; // what a protobuf message holds

  private final Path model;
  private long bytes;

  private ExternalData(Path model) {
    this.model = model;
  }

  /**
   * The model with all its tensors inside.
   *
   * @param model the file that it was read from; null where it came as bytes alone
   */
  static ModelProto embed(ModelProto proto, Path model) {
    ExternalData external = new ExternalData(model);
    external.bytes = proto.getSerializedSize();
    GraphProto graph = external.embed(proto.getGraph());
    return graph == proto.getGraph() ? proto : proto.toBuilder().setGraph(graph).build();
  }

  private GraphProto embed(GraphProto graph) {
    GraphProto.Builder changed = null;
    for (int i = 0; i < graph.getInitializerCount(); i++) {
      if (isExternal(graph.getInitializer(i))) {
        changed = changed == null ? graph.toBuilder() : changed;
        changed.setInitializer(i, embed(graph.getInitializer(i)));
      }
    }
    for (SparseTensorProto sparse : graph.getSparseInitializerList()) {
      if (isExternal(sparse.getValues()) || isExternal(sparse.getIndices())) {
        throw new LenoUnsupportedException(
            "tensor "
                + sparse.getValues().getName()
                + " is sparse and in an external file, expected one of the two");
      }
    }
    for (int n = 0; n < graph.getNodeCount(); n++) {
      NodeProto node = graph.getNode(n);
      for (int a = 0; a < node.getAttributeCount(); a++) {
        AttributeProto attribute = embed(node.getAttribute(a));
        if (attribute != node.getAttribute(a)) {
          changed = changed == null ? graph.toBuilder() : changed;
          changed.getNodeBuilder(n).setAttribute(a, attribute);
        }
      }
    }
    return changed == null ? graph : changed.build();
  }

  private AttributeProto embed(AttributeProto attribute) {
    AttributeProto result = attribute;
    if (attribute.hasT() && isExternal(attribute.getT())) {
      result = result.toBuilder().setT(embed(attribute.getT())).build();
    }
    for (int i = 0; i < attribute.getTensorsCount(); i++) {
      if (isExternal(attribute.getTensors(i))) {
        result = result.toBuilder().setTensors(i, embed(attribute.getTensors(i))).build();
      }
    }
    if (attribute.hasG()) {
      GraphProto body = embed(attribute.getG());
      result = body == attribute.getG() ? result : result.toBuilder().setG(body).build();
    }
    for (int i = 0; i < attribute.getGraphsCount(); i++) {
      GraphProto body = embed(attribute.getGraphs(i));
      result =
          body == attribute.getGraphs(i) ? result : result.toBuilder().setGraphs(i, body).build();
    }
    return result;
  }

  private static boolean isExternal(TensorProto tensor) {
    return tensor.getDataLocation() == TensorProto.DataLocation.EXTERNAL;
  }

  private TensorProto embed(TensorProto tensor) {
    Map<String, String> entries = new HashMap<>();
    for (StringStringEntryProto entry : tensor.getExternalDataList()) {
      if (entries.put(entry.getKey(), entry.getValue()) != null) {
        throw wrong(tensor, "says its " + entry.getKey() + " twice", "one");
      }
    }
    String location = entries.get("location");
    if (location == null || location.isEmpty()) {
      throw wrong(tensor, "says no location", "a path relative to the model's folder");
    }
    if (model == null) {
      throw wrong(tensor, "lies in the file " + location, "a model that is read from its path");
    }
    try {
      ByteString data = read(tensor, file(tensor, location), entries);
      return tensor.toBuilder()
          .clearExternalData()
          .clearDataLocation()
          .clearFloatData()
          .setRawData(data)
          .build();
    } catch (IOException e) {
      throw new LenoIOException(
          "tensor "
              + tensor.getName()
              + ": file "
              + location
              + " cannot be read: "
              + Check.reason(e));
    }
  }

  /**
   * The file, which may not lie outside the model's folder: a model from elsewhere must not make
   * others of the machine's files part of what is written. Links are followed first; where the
   * model itself is one, its target's folder counts too, since caches of models are full of those.
   */
  private Path file(TensorProto tensor, String location) throws IOException {
    Path named = model.toAbsolutePath().normalize().getParent();
    Path file;
    try {
      file = named.resolve(location).normalize();
    } catch (InvalidPathException e) {
      throw wrong(tensor, "has the location \"" + location + "\"", "a path");
    }
    if (Path.of(location).isAbsolute() || !file.startsWith(named)) {
      throw leaves(tensor, location);
    }
    if (!Files.isRegularFile(file)) {
      throw new LenoIOException(
          "tensor " + tensor.getName() + " lies in " + file + ", which is no file");
    }
    Path real = file.toRealPath();
    if (!real.startsWith(named.toRealPath()) && !real.startsWith(model.toRealPath().getParent())) {
      throw leaves(tensor, location);
    }
    return real;
  }

  private static LenoFormatException leaves(TensorProto tensor, String location) {
    return wrong(
        tensor, "has the location \"" + location + "\"", "a path that stays in the model's folder");
  }

  private ByteString read(TensorProto tensor, Path file, Map<String, String> entries)
      throws IOException {
    long wanted = Tensors.byteSize(tensor);
    long size = Files.size(file);
    long offset = number(tensor, entries, "offset", 0);
    long rest = size - offset;
    long length = number(tensor, entries, "length", wanted < 0 ? Math.max(0, rest) : wanted);
    if (offset > size || length > rest) {
      throw wrong(
          tensor,
          "has offset " + offset + " and length " + length,
          "both within the " + size + " bytes of " + file.getFileName());
    }
    if (wanted >= 0 && length != wanted) {
      throw wrong(tensor, "has length " + length, wanted + " for " + tensor.getDimsList());
    }
    bytes += length;
    if (bytes > MOST_BYTES) {
      throw new LenoUnsupportedException(
          "model has more than "
              + MOST_BYTES
              + " bytes with its external files, expected less: written models hold all their"
              + " tensors");
    }
    ByteBuffer data = ByteBuffer.allocate((int) length);
    try (FileChannel channel = FileChannel.open(file)) {
      while (data.hasRemaining() && channel.read(data, offset + data.position()) >= 0) {
        continue;
      }
    }
    if (data.hasRemaining()) {
      throw wrong(tensor, "ends after " + data.position() + " bytes", length + "");
    }
    return UnsafeByteOperations.unsafeWrap(data.flip());
  }

  private static long number(
      TensorProto tensor, Map<String, String> entries, String key, long absent) {
    String text = entries.get(key);
    if (text == null) {
      return absent;
    }
    if (!text.matches("[0-9]{1,18}")) {
      throw wrong(tensor, "has the " + key + " \"" + text + "\"", "a number of bytes");
    }
    return Long.parseLong(text);
  }

  private static LenoFormatException wrong(TensorProto tensor, String what, String expected) {
    return new LenoFormatException(
        "tensor " + tensor.getName() + " " + what + ", expected " + expected);
  }
}
