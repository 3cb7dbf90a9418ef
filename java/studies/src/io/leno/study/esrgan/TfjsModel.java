package io.leno.study.esrgan;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.AttributeProto.AttributeType;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.ByteString;
import io.leno.onnx.OnnxModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A layers model of TensorFlow.js (model.json and its shards) as an ONNX model: the layers that
 * super-resolution networks of the ESRGAN family have. Images are channels-last there, NCHW here.
 */
final class TfjsModel {
  private static final int OPSET = 13;
  private static final String BETA = "beta";

  private final Path file;
  private final Map<String, float[]> values = new HashMap<>();
  private final Map<String, long[]> shapes = new HashMap<>();
  private final GraphProto.Builder graph = GraphProto.newBuilder();

  private TfjsModel(Path file) {
    this.file = file;
  }

  static OnnxModel read(Path file) throws IOException {
    return new TfjsModel(file).convert();
  }

  private OnnxModel convert() throws IOException {
    JsonNode root = new ObjectMapper().readTree(file.toFile());
    JsonNode config = root.required("modelTopology").required("model_config").required("config");
    readWeights(root.required("weightsManifest"));
    graph.setName(config.required("name").asText());
    for (JsonNode layer : config.required("layers")) {
      add(layer);
    }
    graph.addOutput(image(config.required("output_layers").get(0).get(0).asText(), -1));
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
            .setGraph(graph)
            .build();
    return OnnxModel.parse(model.toByteArray());
  }

  private void readWeights(JsonNode manifest) throws IOException {
    for (JsonNode group : manifest) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      for (JsonNode path : group.required("paths")) {
        bytes.write(Files.readAllBytes(file.resolveSibling(path.asText())));
      }
      ByteBuffer data = ByteBuffer.wrap(bytes.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
      for (JsonNode weight : group.required("weights")) {
        String name = weight.required("name").asText();
        expect(name, "dtype", weight, "float32");
        long[] shape = longs(weight.required("shape"));
        int count = 1;
        for (long axis : shape) {
          count *= (int) axis;
        }
        float[] numbers = new float[count];
        data.asFloatBuffer().get(numbers);
        data.position(data.position() + count * Float.BYTES);
        values.put(name, numbers);
        shapes.put(name, shape);
      }
      if (data.hasRemaining()) {
        throw new IOException(
            file + ": " + data.remaining() + " bytes of its shards belong to none");
      }
    }
  }

  private void add(JsonNode layer) throws IOException {
    String type = layer.required("class_name").asText();
    String name = layer.required("name").asText();
    JsonNode config = layer.required("config");
    List<String> inputs = new ArrayList<>();
    if (!layer.required("inbound_nodes").isEmpty()) {
      layer.required("inbound_nodes").get(0).forEach(node -> inputs.add(node.get(0).asText()));
    }
    if (type.startsWith("PixelShuffle")) {
      NodeProto.Builder node = node("DepthToSpace", name, inputs);
      node.addAttribute(number("blocksize", config.required("scale").asLong()));
      node.addAttribute(text("mode", "DCR"));
      graph.addNode(node);
      return;
    }
    switch (type) {
      case "InputLayer" ->
          graph.addInput(image(name, config.required("batch_input_shape").get(3).asLong()));
      case "Conv2D" -> convolution(name, config, inputs);
      case "Activation" -> {
        expect(name, "activation", config, "relu");
        graph.addNode(node("Relu", name, inputs));
      }
      case "Concatenate" -> {
        expect(name, "axis", config, "3");
        graph.addNode(node("Concat", name, inputs).addAttribute(number("axis", 1)));
      }
      case "Add" -> graph.addNode(node("Add", name, inputs));
      case "MultiplyBeta" -> {
        String factor = name + "/" + BETA;
        constant(factor, new float[] {(float) config.required(BETA).asDouble()});
        graph.addNode(node("Mul", name, inputs).addInput(factor));
      }
      default ->
          throw new IOException(
              file + ": layer " + name + " is a " + type + ", which is not known here");
    }
  }

  private void convolution(String name, JsonNode config, List<String> inputs) throws IOException {
    expect(name, "padding", config, "same");
    expect(name, "activation", config, "linear");
    expect(name, "groups", config, "1");
    expect(name, "strides", config, "[1,1]");
    expect(name, "dilation_rate", config, "[1,1]");
    long[] shape = shapes.get(name + "/kernel"); // rows, columns, channels, filters
    NodeProto.Builder node = node("Conv", name, inputs);
    node.addInput(name + "/kernel").addInput(name + "/bias");
    node.addAttribute(numbers("kernel_shape", shape[0], shape[1]));
    node.addAttribute(
        numbers("pads", (shape[0] - 1) / 2, (shape[1] - 1) / 2, shape[0] / 2, shape[1] / 2));
    graph.addNode(node);
    constant(
        name + "/kernel",
        filtersFirst(values.get(name + "/kernel"), shape),
        shape[3],
        shape[2],
        shape[0],
        shape[1]);
    constant(name + "/bias", values.get(name + "/bias"), shape[3]);
  }

  private static float[] filtersFirst(float[] from, long[] shape) {
    int taps = (int) (shape[0] * shape[1]);
    int channels = (int) shape[2];
    int filters = (int) shape[3];
    float[] to = new float[from.length];
    for (int t = 0; t < taps; t++) {
      for (int c = 0; c < channels; c++) {
        for (int f = 0; f < filters; f++) {
          to[(f * channels + c) * taps + t] = from[(t * channels + c) * filters + f];
        }
      }
    }
    return to;
  }

  private void constant(String name, float[] numbers, long... shape) {
    ByteBuffer bytes =
        ByteBuffer.allocate(numbers.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(numbers);
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(TensorProto.DataType.FLOAT_VALUE)
            .setRawData(ByteString.copyFrom(bytes));
    for (long axis : shape) {
      tensor.addDims(axis);
    }
    graph.addInitializer(tensor);
  }

  private void expect(String name, String field, JsonNode config, String wanted)
      throws IOException {
    JsonNode found = config.required(field);
    String text = found.isContainerNode() ? found.toString() : found.asText();
    if (!text.equals(wanted)) {
      throw new IOException(
          file + ": " + field + " of " + name + " is " + text + ", expected " + wanted);
    }
  }

  private static NodeProto.Builder node(String type, String name, List<String> inputs) {
    return NodeProto.newBuilder().setOpType(type).setName(name).addAllInput(inputs).addOutput(name);
  }

  private static AttributeProto number(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  private static AttributeProto numbers(String name, long... values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  private static AttributeProto text(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  private static ValueInfoProto image(String name, long channels) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (String axis : List.of("images", "channels", "height", "width")) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      boolean known = axis.equals("channels") && channels > 0;
      shape.addDim(known ? dimension.setDimValue(channels) : dimension.setDimParam(name + axis));
    }
    TypeProto.Tensor.Builder type =
        TypeProto.Tensor.newBuilder().setElemType(TensorProto.DataType.FLOAT_VALUE).setShape(shape);
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(type))
        .build();
  }

  private static long[] longs(JsonNode list) {
    long[] numbers = new long[list.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = list.get(i).asLong();
    }
    return numbers;
  }
}
