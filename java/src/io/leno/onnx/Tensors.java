package io.leno.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.leno.LenoFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Optional;

/** Values of constant tensors. */
final class Tensors {
  private Tensors() {}

  static boolean isFloat(TensorProto tensor) {
    return tensor.getDataType() == TensorProto.DataType.FLOAT_VALUE;
  }

  static long count(TensorProto tensor) {
    long count = 1;
    for (long dim : tensor.getDimsList()) {
      if (dim < 0 || (dim > 0 && count > Integer.MAX_VALUE / dim)) {
        throw new LenoFormatException(
            "tensor "
                + tensor.getName()
                + " has dimensions "
                + tensor.getDimsList()
                + ", expected at most 2^31 elements");
      }
      count *= dim;
    }
    return count;
  }

  /** Bytes of the values as ONNX lays them out; -1 where the element type has no fixed size. */
  static long byteSize(TensorProto tensor) {
    return switch (tensor.getDataType()) {
      case TensorProto.DataType.BOOL_VALUE,
          TensorProto.DataType.INT8_VALUE,
          TensorProto.DataType.UINT8_VALUE ->
          count(tensor);
      case TensorProto.DataType.BFLOAT16_VALUE,
          TensorProto.DataType.FLOAT16_VALUE,
          TensorProto.DataType.INT16_VALUE,
          TensorProto.DataType.UINT16_VALUE ->
          2 * count(tensor);
      case TensorProto.DataType.FLOAT_VALUE,
          TensorProto.DataType.INT32_VALUE,
          TensorProto.DataType.UINT32_VALUE ->
          4 * count(tensor);
      case TensorProto.DataType.COMPLEX64_VALUE,
          TensorProto.DataType.DOUBLE_VALUE,
          TensorProto.DataType.INT64_VALUE,
          TensorProto.DataType.UINT64_VALUE ->
          8 * count(tensor);
      default -> -1;
    };
  }

  /** All values, in the tensor's own order. */
  static float[] floats(TensorProto tensor) {
    float[] values = new float[(int) count(tensor)];
    values(tensor).get(values);
    return values;
  }

  /** All values, in the tensor's own order and where they lie if that can be; not to be written. */
  static FloatBuffer values(TensorProto tensor) {
    requireComplete(tensor);
    if (tensor.hasRawData()) {
      return tensor
          .getRawData()
          .asReadOnlyByteBuffer()
          .order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer();
    }
    FloatBuffer values = FloatBuffer.allocate((int) count(tensor));
    tensor.getFloatDataList().forEach(values::put);
    return values.flip();
  }

  /** That there are as many values as the dimensions say: damage must not ask for gigabytes. */
  static void requireComplete(TensorProto tensor) {
    long count = count(tensor);
    if (tensor.hasRawData()) {
      requireSize(tensor, tensor.getRawData().size(), 4 * count, "bytes");
    } else {
      requireSize(tensor, tensor.getFloatDataCount(), count, "values");
    }
  }

  private static void requireSize(TensorProto tensor, long actual, long expected, String unit) {
    if (actual != expected) {
      throw new LenoFormatException(
          "tensor "
              + tensor.getName()
              + " holds "
              + actual
              + " "
              + unit
              + ", expected "
              + expected);
    }
  }

  /** rows x columns to columns x rows. */
  static float[] transpose(float[] values, int rows, int columns) {
    float[] transposed = new float[values.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        transposed[c * rows + r] = values[r * columns + c];
      }
    }
    return transposed;
  }

  /**
   * The value of a tensor of numbers with one element, of no more dimensions than one: more would
   * add dimensions to what the tensor is combined with.
   */
  static Optional<Float> scalar(TensorProto tensor) {
    if (tensor.getDimsCount() > 1 || count(tensor) != 1) {
      return Optional.empty();
    }
    return switch (tensor.getDataType()) {
      case TensorProto.DataType.FLOAT_VALUE -> Optional.of(floats(tensor)[0]);
      case TensorProto.DataType.INT64_VALUE -> integer(tensor).map(Long::floatValue);
      default -> Optional.empty();
    };
  }

  /** The value of an int64 tensor with one element. */
  static Optional<Long> integer(TensorProto tensor) {
    if (tensor.getDataType() != TensorProto.DataType.INT64_VALUE || count(tensor) != 1) {
      return Optional.empty();
    }
    if (tensor.hasRawData()) {
      requireSize(tensor, tensor.getRawData().size(), 8, "bytes");
      ByteBuffer raw = tensor.getRawData().asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
      return Optional.of(raw.getLong());
    }
    requireSize(tensor, tensor.getInt64DataCount(), 1, "values");
    return Optional.of(tensor.getInt64Data(0));
  }

  /** What a Constant node with this attribute makes, where that is a tensor of numbers. */
  static Optional<TensorProto> ofAttribute(AttributeProto attribute) {
    TensorProto.Builder floats =
        TensorProto.newBuilder().setDataType(TensorProto.DataType.FLOAT_VALUE);
    TensorProto.Builder integers =
        TensorProto.newBuilder().setDataType(TensorProto.DataType.INT64_VALUE);
    return switch (attribute.getName()) {
      case "value" -> Optional.of(attribute.getT());
      case "value_float" -> Optional.of(floats.addFloatData(attribute.getF()).build());
      case "value_floats" ->
          Optional.of(
              floats
                  .addDims(attribute.getFloatsCount())
                  .addAllFloatData(attribute.getFloatsList())
                  .build());
      case "value_int" -> Optional.of(integers.addInt64Data(attribute.getI()).build());
      case "value_ints" ->
          Optional.of(
              integers
                  .addDims(attribute.getIntsCount())
                  .addAllInt64Data(attribute.getIntsList())
                  .build());
      default -> Optional.empty();
    };
  }

  static TensorProto ofFloats(String name, float[] values, long... dims) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return tensor(name, TensorProto.DataType.FLOAT_VALUE, ByteString.copyFrom(bytes), dims);
  }

  static TensorProto ofBytes(String name, byte[] values) {
    return tensor(
        name, TensorProto.DataType.UINT8_VALUE, ByteString.copyFrom(values), values.length);
  }

  private static TensorProto tensor(String name, int type, ByteString raw, long... dims) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder().setName(name).setDataType(type).setRawData(raw);
    for (long dim : dims) {
      tensor.addDims(dim);
    }
    return tensor.build();
  }
}
