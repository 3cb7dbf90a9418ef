package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import com.google.protobuf.ByteString;
import io.leno.LenoFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;

/** Values of constant tensors. */
final class Tensors {
  private Tensors() {}

  static boolean isFloat(TensorProto tensor) {
    return tensor.getDataType() == TensorProto.DataType.FLOAT_VALUE
        && tensor.getDataLocation() == TensorProto.DataLocation.DEFAULT;
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

  /** All values, in the tensor's own order. */
  static float[] floats(TensorProto tensor) {
    int count = (int) count(tensor);
    // The sizes are compared first: a few damaged bytes must not ask for gigabytes.
    if (tensor.hasRawData()) {
      requireSize(tensor, tensor.getRawData().size(), 4L * count, "bytes");
    } else {
      requireSize(tensor, tensor.getFloatDataCount(), count, "values");
    }
    float[] values = new float[count];
    if (tensor.hasRawData()) {
      tensor
          .getRawData()
          .asReadOnlyByteBuffer()
          .order(ByteOrder.LITTLE_ENDIAN)
          .asFloatBuffer()
          .get(values);
    } else {
      for (int i = 0; i < count; i++) {
        values[i] = tensor.getFloatData(i);
      }
    }
    return values;
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

  /**
   * The value of a float tensor with one element, of no more dimensions than one: more would add
   * dimensions to what the tensor is combined with.
   */
  static Optional<Float> scalar(TensorProto tensor) {
    return isFloat(tensor) && tensor.getDimsCount() <= 1 && count(tensor) == 1
        ? Optional.of(floats(tensor)[0])
        : Optional.empty();
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
