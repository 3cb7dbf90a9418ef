package io.leno;

import io.leno.internal.Check;
import io.leno.internal.NarrowFloats;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Transfers between Java arrays and tensors, converted where the caller asked for it: in pieces, so
 * that a large array needs no copy of its size.
 */
final class TensorFloats {
  private static final int PIECE = 1 << 20; // elements

  private TensorFloats() {}

  static void upload(DeviceTensor tensor, float[] values, boolean converted) {
    check(tensor, values, converted);
    ByteBuffer piece = piece(tensor, values);
    for (int at = 0; at < values.length; at += PIECE) {
      int count = Math.min(PIECE, values.length - at);
      piece.limit(tensor.dtype().bytes() * count);
      NarrowFloats.narrow(values, at, count, tensor.dtype(), piece);
      tensor.slice(at, count).upload(piece);
    }
  }

  static void download(DeviceTensor tensor, float[] values, boolean converted) {
    check(tensor, values, converted);
    ByteBuffer piece = piece(tensor, values);
    for (int at = 0; at < values.length; at += PIECE) {
      int count = Math.min(PIECE, values.length - at);
      piece.limit(tensor.dtype().bytes() * count);
      tensor.slice(at, count).download(piece);
      NarrowFloats.widen(piece, tensor.dtype(), values, at, count);
    }
  }

  private static ByteBuffer piece(DeviceTensor tensor, float[] values) {
    int bytes = tensor.dtype().bytes() * Math.min(values.length, PIECE);
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static void check(DeviceTensor tensor, float[] values, boolean converted) {
    Check.notNull(values, "values");
    DType dtype = tensor.dtype();
    Check.argument(
        dtype == DType.F32 || converted && (dtype == DType.F16 || dtype == DType.BF16),
        converted
            ? "the tensor's type is " + dtype + ", expected F32, F16 or BF16"
            : "the tensor's type is "
                + dtype
                + ", expected F32; uploadRounded and downloadWidened convert");
    if (values.length > tensor.elements()) {
      throw new LenoBufferException(
          "values has "
              + values.length
              + " numbers, expected at most the tensor's "
              + tensor.elements());
    }
    tensor.handle.requireOpen();
  }
}
