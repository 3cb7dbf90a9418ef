package io.leno.internal;

import io.leno.LenoArgumentException;
import io.leno.LenoBufferException;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.Pointer;

/** What a buffer or a pointer stands for: the memory from its position to its limit. */
public record HostMemory(long address, long bytes) {
  public static HostMemory of(Buffer buffer, String argument) {
    Check.direct(buffer, argument);
    if (order(buffer) != ByteOrder.nativeOrder()) {
      throw new LenoBufferException(
          argument + " is " + order(buffer) + ", expected the native " + ByteOrder.nativeOrder());
    }
    long size = elementBytes(buffer);
    long start = new Address(buffer.duplicate().clear()).address();
    return new HostMemory(start + buffer.position() * size, buffer.remaining() * size);
  }

  public static HostMemory of(Pointer pointer, String argument) {
    if (Check.notNull(pointer, argument).isNull()) {
      throw new LenoArgumentException(argument + " is a null pointer, expected an address");
    }
    if (pointer.limit() <= 0) {
      throw new LenoBufferException(
          argument + " has no limit, expected a pointer that knows how much it points to");
    }
    return new HostMemory(
        DeviceAddress.of(pointer), (pointer.limit() - pointer.position()) * pointer.sizeof());
  }

  /** Bytes have no order. */
  private static ByteOrder order(Buffer buffer) {
    if (buffer instanceof FloatBuffer floats) {
      return floats.order();
    }
    if (buffer instanceof ShortBuffer shorts) {
      return shorts.order();
    }
    if (buffer instanceof IntBuffer ints) {
      return ints.order();
    }
    if (buffer instanceof LongBuffer longs) {
      return longs.order();
    }
    if (buffer instanceof DoubleBuffer doubles) {
      return doubles.order();
    }
    if (buffer instanceof CharBuffer chars) {
      return chars.order();
    }
    return ByteOrder.nativeOrder();
  }

  private static int elementBytes(Buffer buffer) {
    if (buffer instanceof ByteBuffer) {
      return 1;
    }
    if (buffer instanceof ShortBuffer || buffer instanceof CharBuffer) {
      return 2;
    }
    return buffer instanceof FloatBuffer || buffer instanceof IntBuffer ? 4 : 8;
  }

  /** JavaCPP finds out where a direct buffer starts. */
  private static final class Address extends Pointer {
    Address(Buffer buffer) {
      super(buffer);
    }

    @Override
    public long address() {
      return address;
    }
  }
}
