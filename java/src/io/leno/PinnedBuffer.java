package io.leno;

import io.leno.internal.Check;
import io.leno.internal.DeviceAddress;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.bindings.Native;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;

/**
 * Page-locked host memory: transfers between it and a card run by themselves at full speed, while
 * the calling thread goes on. It is scarce, and dear to allocate: a server makes its own at the
 * start. Not initialised.
 */
public final class PinnedBuffer implements AutoCloseable {
  final Handle handle;
  private final long address;
  private final long size;

  private PinnedBuffer(DeviceHandle device, long bytes) {
    long[] out = new long[1];
    long open = device.acquireCuda();
    try {
      Check.status(Native.leno_pinned_create(open, bytes, out));
      this.handle = new Handle("PinnedBuffer", out[0], Native::leno_pinned_destroy, device);
    } finally {
      device.release();
    }
    this.address = Native.leno_pinned_address(out[0]);
    this.size = bytes;
    handle.watch(this);
  }

  /**
   * Page-locked memory, aligned to 256 bytes at least.
   *
   * @param device a CUDA device; kept open by the buffer
   * @param bytes 1 .. 2^40
   * @return a buffer that the caller closes
   * @throws LenoArgumentException if the device is the CPU, or bytes outside its range
   * @throws LenoOutOfMemoryException if the memory cannot be had
   * @throws LenoStateException if the device is closed, or a stream of it is being captured
   * @throws LenoDeviceException if the driver reports an error
   */
  public static PinnedBuffer allocate(Device device, long bytes) {
    return new PinnedBuffer(Check.notNull(device, "device").handle, bytes);
  }

  /**
   * How much memory.
   *
   * @return bytes
   */
  public long size() {
    return size;
  }

  /**
   * All of the memory. What lies behind a view stays valid as long as a view is reachable, even
   * when this object is closed: no view can bring the JVM down.
   *
   * @return a direct buffer in native byte order, at position 0
   * @throws LenoStateException if this buffer is closed
   * @throws LenoUnsupportedException if it is larger than a Java buffer can be
   */
  public ByteBuffer bytes() {
    if (size > Integer.MAX_VALUE) {
      throw new LenoUnsupportedException(
          "the pinned buffer has " + size + " bytes, expected at most 2^31 - 1 for a ByteBuffer");
    }
    long open = handle.acquire();
    try {
      BytePointer memory =
          new BytePointer(new DeviceAddress(Native.leno_pinned_address(open), size));
      ByteBuffer view = memory.capacity(size).asByteBuffer().order(ByteOrder.nativeOrder());
      handle.lend(view);
      return view;
    } finally {
      handle.release();
    }
  }

  /**
   * The memory as numbers, but for an odd rest.
   *
   * @return a view as that of {@link #bytes}
   * @throws LenoStateException if this buffer is closed
   * @throws LenoUnsupportedException if it is larger than a Java buffer can be
   */
  public FloatBuffer floats() {
    return bytes().asFloatBuffer();
  }

  /**
   * The memory as 16-bit words, which F16 and BF16 are, but for an odd rest.
   *
   * @return a view as that of {@link #bytes}
   * @throws LenoStateException if this buffer is closed
   * @throws LenoUnsupportedException if it is larger than a Java buffer can be
   */
  public ShortBuffer shorts() {
    return bytes().asShortBuffer();
  }

  /**
   * Where the memory lies, good until this buffer is closed.
   *
   * @return never 0
   * @throws LenoStateException if this buffer is closed
   */
  public long address() {
    handle.requireOpen();
    return address;
  }

  /**
   * Where the memory lies, for JavaCPP, good until this buffer is closed.
   *
   * @return a pointer that owns nothing; its limit is the size in bytes
   * @throws LenoStateException if this buffer is closed
   */
  public Pointer pointer() {
    return new DeviceAddress(address(), size);
  }

  /**
   * Closes the buffer. Its memory goes when the work on the device is done, for which this waits,
   * and no view of it and no graph that uses it is left. Harmless when closed already.
   *
   * @throws LenoStateException if a call of another thread is using it; it stays open
   */
  @Override
  public void close() {
    handle.close();
  }

  @Override
  public String toString() {
    return "PinnedBuffer[" + size + (handle.closed() ? " bytes, closed]" : " bytes]");
  }
}
