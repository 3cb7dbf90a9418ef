package io.leno.onnx;

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
import com.google.protobuf.ByteString;
import io.leno.DType;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Truth;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Builds a small ONNX model node by node; tensors get their names from the nodes. */
public final class TinyModel {
  public static final String X = "x";

  private final GraphProto.Builder graph = GraphProto.newBuilder().setName("tiny");
  private final ModelProto.Builder model = ModelProto.newBuilder().setIrVersion(8);
  private int made;

  /** A model with one float input x, of any shape. */
  TinyModel(int opset) {
    imports("", opset);
    input(X, TensorProto.DataType.FLOAT_VALUE);
  }

  public TinyModel() {
    this(17);
  }

  TinyModel imports(String domain, int version) {
    model.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(version));
    return this;
  }

  /** A graph input of any shape. */
  String input(String name, int type) {
    graph.addInput(info(name, type));
    return name;
  }

  /** A graph input of this shape; -1 for a free axis. */
  String input(String name, int type, long... dims) {
    input(name, type);
    setShape(graph.getInputCount() - 1, dims);
    return name;
  }

  /** Gives x this shape; -1 for a free axis. */
  public TinyModel inputShape(long... dims) {
    setShape(0, dims);
    return this;
  }

  private void setShape(int input, long... dims) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dim : dims) {
      TensorShapeProto.Dimension.Builder axis = TensorShapeProto.Dimension.newBuilder();
      shape.addDim(dim < 0 ? axis.setDimParam("d" + shape.getDimCount()) : axis.setDimValue(dim));
    }
    graph.getInputBuilder(input).getTypeBuilder().getTensorTypeBuilder().setShape(shape);
  }

  public TinyModel output(String... names) {
    for (String name : names) {
      graph.addOutput(info(name, TensorProto.DataType.FLOAT_VALUE));
    }
    return this;
  }

  private static ValueInfoProto info(String name, int type) {
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder().setTensorType(TypeProto.Tensor.newBuilder().setElemType(type)))
        .build();
  }

  String constant(float[] values, long... dims) {
    String name = "c" + made++;
    graph.addInitializer(Tensors.ofFloats(name, values, dims));
    return name;
  }

  String scalar(float value) {
    return constant(new float[] {value});
  }

  String axes(long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asLongBuffer().put(values);
    return raw(TensorProto.DataType.INT64_VALUE, bytes.array(), values.length);
  }

  String bytes(byte[] values) {
    return raw(TensorProto.DataType.UINT8_VALUE, values, values.length);
  }

  private String raw(int type, byte[] values, long count) {
    return tensor(
        TensorProto.newBuilder()
            .setDataType(type)
            .addDims(count)
            .setRawData(ByteString.copyFrom(values)));
  }

  public String tensor(TensorProto.Builder tensor) {
    String name = "c" + made++;
    graph.addInitializer(tensor.setName(name));
    return name;
  }

  /** A constant of random numbers, scaled for a product over the first axis. */
  public String random(long seed, int... dims) {
    int count = 1;
    long[] axes = new long[dims.length];
    for (int i = 0; i < dims.length; i++) {
      count *= dims[i];
      axes[i] = dims[i];
    }
    return constant(Truth.random(count, seed), axes);
  }

  /** Lets callers override a constant. */
  String overridable(String constant) {
    return input(constant, TensorProto.DataType.FLOAT_VALUE);
  }

  public String node(String type, String... inputs) {
    return node("", type, List.of(), inputs);
  }

  public String node(String type, AttributeProto attribute, String... inputs) {
    return node("", type, List.of(attribute), inputs);
  }

  String node(String domain, String type, List<AttributeProto> attributes, String... inputs) {
    String output = type.toLowerCase(java.util.Locale.ROOT) + made++;
    graph.addNode(
        NodeProto.newBuilder()
            .setDomain(domain)
            .setOpType(type)
            .setName("node_" + output)
            .addAllInput(List.of(inputs))
            .addOutput(output)
            .addAllAttribute(attributes));
    return output;
  }

  /** If cond then -tensor else tensor, both bodies reading the outer graph. */
  String branch(String tensor) {
    input("cond", TensorProto.DataType.BOOL_VALUE);
    return node(
        "",
        "If",
        List.of(body("then_branch", "Neg", tensor), body("else_branch", "Identity", tensor)),
        "cond");
  }

  private static AttributeProto body(String name, String type, String tensor) {
    GraphProto body =
        GraphProto.newBuilder()
            .setName(name)
            .addNode(
                NodeProto.newBuilder().setOpType(type).addInput(tensor).addOutput(name + "_out"))
            .addOutput(info(name + "_out", TensorProto.DataType.FLOAT_VALUE))
            .build();
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.GRAPH)
        .setG(body)
        .build();
  }

  public static AttributeProto attribute(String name, long value) {
    return AttributeProto.newBuilder().setName(name).setType(AttributeType.INT).setI(value).build();
  }

  static AttributeProto attribute(String name, float value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.FLOAT)
        .setF(value)
        .build();
  }

  static AttributeProto attribute(String name, String value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeType.STRING)
        .setS(ByteString.copyFromUtf8(value))
        .build();
  }

  static AttributeProto attribute(String name, float[] values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeType.FLOATS);
    for (float value : values) {
      attribute.addFloats(value);
    }
    return attribute.build();
  }

  static AttributeProto attribute(String name, long[] values) {
    AttributeProto.Builder attribute =
        AttributeProto.newBuilder().setName(name).setType(AttributeType.INTS);
    for (long value : values) {
      attribute.addInts(value);
    }
    return attribute.build();
  }

  public OnnxModel build() {
    return new OnnxModel(model.setGraph(graph).build());
  }

  /** A blob of dense float32 weights, rows x columns. */
  static byte[] blob(float[] weights, int rows, int columns) {
    try (PackedWeights packed = PackedWeights.dense(Matrix.of(weights, rows, columns), DType.F32)) {
      return packed.toBytes();
    }
  }
}
