package io.leno.op;

import io.leno.DType;
import io.leno.DeviceTensor;
import io.leno.LenoArgumentException;
import io.leno.LenoBufferException;
import io.leno.internal.Check;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.Secrets;
import java.nio.FloatBuffer;
import org.bytedeco.javacpp.Pointer;

/** What an operator's forwards may be given: checked before anything native is called. */
final class Operands {
  private final DeviceHandle device;
  private final DType ioType;
  private final boolean residual;

  Operands(DeviceHandle device, DType ioType, boolean residual) {
    this.device = device;
    this.ioType = ioType;
    this.residual = residual;
  }

  /** Keeps open what a forward is about to use, until {@link #release}: all three or none. */
  static void acquire(Handle first, Handle second, Handle third) {
    first.acquire();
    try {
      second.acquire();
      try {
        third.acquire();
      } catch (RuntimeException e) {
        second.release();
        throw e;
      }
    } catch (RuntimeException e) {
      first.release();
      throw e;
    }
  }

  static void release(Handle first, Handle second, Handle third) {
    third.release();
    second.release();
    first.release();
  }

  void requireResidual(boolean given) {
    if (given != residual) {
      throw new LenoArgumentException(
          given
              ? "residual is given, expected none: the operator was built without one"
              : "residual is missing, expected one: the operator was built with one");
    }
  }

  void requireFloats() {
    requireCpu();
    if (ioType != DType.F32) {
      throw new LenoArgumentException(
          "the data are floats, expected "
              + ioType
              + " as the operator was built; use pointers or addresses");
    }
  }

  private void requireCpu() {
    if (device.isCuda()) {
      throw new LenoArgumentException(
          "the data are in host memory, expected a DeviceTensor or device addresses: the operator is"
              + " on "
              + device.title());
    }
  }

  void requireTensor(DeviceTensor tensor, String argument, long features, long tokens) {
    DeviceHandle its = Secrets.get().device(Check.notNull(tensor, argument));
    if (!its.sharesMemoryWith(device)) {
      throw new LenoArgumentException(
          argument
              + " is on "
              + its.title()
              + ", expected memory of "
              + device.title()
              + ", where the operator is");
    }
    if (tensor.dtype() != ioType) {
      throw new LenoArgumentException(
          argument
              + " is of "
              + tensor.dtype()
              + ", expected "
              + ioType
              + " as the operator was built");
    }
    requireCapacity(tensor.elements(), argument, features, tokens);
  }

  static void requireBuffer(FloatBuffer buffer, String argument, long features, long tokens) {
    Check.direct(buffer, argument);
    Check.nativeOrder(buffer, argument);
    requireCapacity(buffer.remaining(), argument, features, tokens);
  }

  static void requireArray(float[] array, String argument, long features, long tokens) {
    requireCapacity(Check.notNull(array, argument).length, argument, features, tokens);
  }

  void requirePointer(Pointer pointer, String argument, long features, long tokens) {
    if (Check.notNull(pointer, argument).isNull()) {
      throw new LenoArgumentException(argument + " is a null pointer, expected an address");
    }
    if (pointer.limit() > 0) {
      long there = (pointer.limit() - pointer.position()) * pointer.sizeof() / ioType.bytes();
      requireCapacity(there, argument, features, tokens);
    }
  }

  private static void requireCapacity(long there, String argument, long features, long tokens) {
    if (tokens < 0) {
      throw new LenoArgumentException("tokens is " + tokens + ", expected 0 or more");
    }
    if (tokens > there / features) {
      throw new LenoBufferException(
          argument
              + " has "
              + there
              + " elements, expected tokens x features = "
              + tokens
              + " x "
              + features);
    }
  }

  static void requireWritable(FloatBuffer buffer, String argument) {
    if (buffer.isReadOnly()) {
      throw new LenoBufferException(
          argument + " is read-only, expected a buffer that can be written");
    }
  }
}
