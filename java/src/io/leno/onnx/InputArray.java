package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.leno.LenoShapeException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Objects;

/**
 * An array for one input of a model. The first axis counts samples. Immutable; holds float32, int32
 * or int64 numbers, row-major.
 */
public final class InputArray {
  private final OnnxJavaType type;
  private final long[] shape;
  private final ByteBuffer data;

  /** Takes over the bytes, which are in native order from 0 to the limit. */
  private InputArray(OnnxJavaType type, ByteBuffer data, long[] shape) {
    this.type = type;
    this.data = data;
    this.shape = shape;
    long count = count(shape);
    long there = data.limit() / type.size;
    if (count != there) {
      throw new LenoShapeException(
          "shape is " + Arrays.toString(shape) + ", expected a product of " + there);
    }
  }

  /**
   * An array of float32.
   *
   * @param values row-major; copied
   * @param shape at least one axis, the first counts samples
   * @return an array
   * @throws LenoShapeException if the shape does not fit the values
   */
  public static InputArray of(float[] values, long... shape) {
    ByteBuffer data = allocate(Objects.requireNonNull(values, "values").length, 4);
    data.asFloatBuffer().put(values);
    return new InputArray(OnnxJavaType.FLOAT, data, shape.clone());
  }

  /**
   * An array of int32.
   *
   * @param values row-major; copied
   * @param shape at least one axis, the first counts samples
   * @return an array
   * @throws LenoShapeException if the shape does not fit the values
   */
  public static InputArray of(int[] values, long... shape) {
    ByteBuffer data = allocate(Objects.requireNonNull(values, "values").length, 4);
    data.asIntBuffer().put(values);
    return new InputArray(OnnxJavaType.INT32, data, shape.clone());
  }

  /**
   * An array of int64.
   *
   * @param values row-major; copied
   * @param shape at least one axis, the first counts samples
   * @return an array
   * @throws LenoShapeException if the shape does not fit the values
   */
  public static InputArray of(long[] values, long... shape) {
    ByteBuffer data = allocate(Objects.requireNonNull(values, "values").length, 8);
    data.asLongBuffer().put(values);
    return new InputArray(OnnxJavaType.INT64, data, shape.clone());
  }

  /** Index of the first element that is not a number; -1 where there is none. */
  int firstNaN() {
    if (type == OnnxJavaType.FLOAT) {
      FloatBuffer floats = data.duplicate().order(ByteOrder.nativeOrder()).asFloatBuffer();
      for (int i = 0; i < floats.limit(); i++) {
        if (Float.isNaN(floats.get(i))) {
          return i;
        }
      }
    }
    return -1;
  }

  static InputArray ofBytes(OnnxJavaType type, ByteBuffer data, long... shape) {
    return new InputArray(type, data, shape);
  }

  /**
   * Axes, the first of which counts samples.
   *
   * @return a copy
   */
  public long[] shape() {
    return shape.clone();
  }

  /**
   * Length of the first axis.
   *
   * @return at least 1
   */
  public int samples() {
    return (int) shape[0];
  }

  /**
   * How the numbers are stored.
   *
   * @return float32, int32 or int64, by the names of numpy
   */
  public String dtype() {
    switch (type) {
      case FLOAT:
        return "float32";
      case INT32:
        return "int32";
      default:
        return "int64";
    }
  }

  /** As ONNX numbers them. */
  int elementType() {
    switch (type) {
      case FLOAT:
        return TensorProto.DataType.FLOAT_VALUE;
      case INT32:
        return TensorProto.DataType.INT32_VALUE;
      default:
        return TensorProto.DataType.INT64_VALUE;
    }
  }

  /** Whether the number at this place of the flattened array is not zero. */
  boolean isSet(int index) {
    switch (type) {
      case FLOAT:
        return data.getFloat(4 * index) != 0;
      case INT32:
        return data.getInt(4 * index) != 0;
      default:
        return data.getLong(8 * index) != 0;
    }
  }

  /** These samples alone, in this order; of the second axis only the first {@code length}. */
  InputArray select(int[] samples, int length) {
    long rest = 1;
    for (int axis = 2; axis < shape.length; axis++) {
      rest *= shape[axis];
    }
    long second = shape.length > 1 ? shape[1] : 1;
    long kept = shape.length > 1 ? Math.min(second, length) : 1;
    int sampleBytes = (int) (second * rest * type.size);
    int keptBytes = (int) (kept * rest * type.size);
    ByteBuffer copy = allocate(samples.length, keptBytes);
    for (int i = 0; i < samples.length; i++) {
      copy.put(i * keptBytes, data, samples[i] * sampleBytes, keptBytes);
    }
    long[] selected = shape.clone();
    selected[0] = samples.length;
    if (shape.length > 1) {
      selected[1] = kept;
    }
    return new InputArray(type, copy, selected);
  }

  OnnxTensor toTensor(OrtEnvironment environment) throws OrtException {
    return OnnxTensor.createTensor(
        environment, data.duplicate().order(ByteOrder.nativeOrder()), shape, type);
  }

  private static ByteBuffer allocate(long count, int size) {
    long bytes = count * size;
    if (bytes > Integer.MAX_VALUE - 8) {
      throw new LenoShapeException("the array has " + bytes + " bytes, expected below 2^31");
    }
    return ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder());
  }

  private static long count(long[] shape) {
    if (shape.length == 0) {
      throw new LenoShapeException("shape has no axis, expected one that counts samples");
    }
    long count = 1;
    for (long axis : shape) {
      if (axis < 1 || count > Integer.MAX_VALUE / axis) {
        throw new LenoShapeException(
            "shape is "
                + Arrays.toString(shape)
                + ", expected axes of 1 or more and fewer than 2^31 elements");
      }
      count *= axis;
    }
    return count;
  }
}
