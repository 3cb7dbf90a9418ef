package io.leno.op;

import io.leno.DType;
import io.leno.internal.DeviceHandle;

/** The type of activations where the user names none. */
final class IoType {
  private IoType() {}

  /**
   * Float32 on the CPU; on a card the type of the weights, or float16 where activations cannot have
   * it.
   */
  static DType usual(DeviceHandle device, DType weights) {
    if (!device.isCuda()) {
      return DType.F32;
    }
    return weights == DType.F32 || weights == DType.BF16 ? weights : DType.F16;
  }
}
