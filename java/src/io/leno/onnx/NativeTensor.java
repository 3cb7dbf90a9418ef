package io.leno.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;

/**
 * A tensor in memory that is freed when the tensor is closed, not when the collector finds it.
 *
 * @param memory what is freed; null where the memory is another's
 */
record NativeTensor(OnnxTensor tensor, BytePointer memory) implements AutoCloseable {
  /**
   * A new tensor.
   *
   * @param fill writes all bytes, in native order
   */
  static NativeTensor of(OnnxJavaType type, long[] shape, long bytes, Consumer<ByteBuffer> fill) {
    BytePointer memory = new BytePointer(bytes);
    try {
      ByteBuffer buffer = memory.asByteBuffer().order(ByteOrder.nativeOrder());
      fill.accept(buffer);
      buffer.rewind();
      return new NativeTensor(
          OnnxTensor.createTensor(Ort.environment(), buffer, shape, type), memory);
    } catch (OrtException e) {
      memory.close();
      throw Ort.failure(e);
    } catch (RuntimeException | Error e) {
      memory.close();
      throw e;
    }
  }

  static NativeTensor of(float[] values, long... shape) {
    return of(
        OnnxJavaType.FLOAT, shape, 4L * values.length, bytes -> bytes.asFloatBuffer().put(values));
  }

  @Override
  public void close() {
    tensor.close();
    if (memory != null) {
      memory.close();
    }
  }
}
