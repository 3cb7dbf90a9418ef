package io.leno;

import io.leno.internal.Check;
import io.leno.internal.ContextHandle;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.Library;
import io.leno.internal.Secrets;
import io.leno.internal.bindings.Native;
import io.leno.internal.bindings.NativeCudaInfo;
import java.nio.charset.StandardCharsets;
import org.bytedeco.javacpp.BytePointer;

/**
 * Where operators run: the CPU, or an NVIDIA card. A device may be shared by any number of threads.
 * On the CPU, two forwards at once both run, the second on its caller's thread alone while the pool
 * is busy. On a card they run as their contexts' {@linkplain Context#stream streams} let them.
 *
 * <p>Nothing touches the CUDA driver before {@link #cuda}, {@link #cudaCount} or {@link
 * #cudaRefusal} is called. Memory and streams on a card are those of its primary context, which
 * other users of CUDA in the process share.
 *
 * <p>Closing a device while operators or contexts of it are open is allowed: nothing new can be
 * made on it, and its threads and memory go when the last of them is closed.
 */
public final class Device implements AutoCloseable {
  static {
    Secrets.set(
        new Secrets() {
          @Override
          public DeviceHandle handle(Device device) {
            return device.handle;
          }

          @Override
          public ContextHandle handle(Context context) {
            return context.handle;
          }

          @Override
          public Handle handle(PackedWeights packed) {
            return packed.handle;
          }

          @Override
          public DeviceHandle device(DeviceTensor tensor) {
            return tensor.device;
          }

          @Override
          public Handle handle(DeviceTensor tensor) {
            return tensor.handle;
          }
        });
  }

  /** Kinds of devices. */
  public enum Kind {
    /** The processor, with host memory. */
    CPU,
    /** An NVIDIA card, with memory of its own. */
    CUDA
  }

  final DeviceHandle handle;
  private final int threads;
  private final Isa isa;

  private Device(DeviceHandle handle) {
    this.handle = handle;
    this.threads = Math.max(1, Native.leno_device_threads(handle.address()));
    this.isa = Isa.of(Native.leno_device_isa(handle.address()));
    handle.watch(this);
  }

  /**
   * The CPU, used by the calling thread alone: no thread is ever started.
   *
   * @return a new device
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static Device cpu() {
    return cpu(1);
  }

  /**
   * The CPU with a pool of threads.
   *
   * @param threads how many threads share a forward, the caller's included: 1 .. 1024
   * @return a new device
   * @throws LenoArgumentException if threads is outside its range
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static Device cpu(int threads) {
    return cpu(threads, Isa.AUTO);
  }

  /**
   * The CPU with a pool of threads, and kernels of a given instruction set or below: to compare, or
   * to reproduce on one machine what another one computes.
   *
   * @param threads how many threads share a forward, the caller's included: 1 .. 1024
   * @param isa the highest instruction set whose kernels may run
   * @return a new device
   * @throws LenoArgumentException if threads is outside its range or isa is null
   * @throws LenoUnsupportedException if this machine lacks the instruction set
   */
  public static Device cpu(int threads, Isa isa) {
    Library.load();
    long[] out = new long[1];
    Check.status(Native.leno_device_create_cpu(threads, Check.notNull(isa, "isa").code(), out));
    return new Device(DeviceHandle.cpu(out[0]));
  }

  /**
   * An NVIDIA card. Where nobody else in the process uses it yet, this takes some 100 ms and some
   * 100 MB of its memory. Two devices of one ordinal are the same card.
   *
   * @param ordinal 0 .. {@link #cudaCount} - 1, as the driver counts
   * @return a new device
   * @throws LenoUnsupportedException if CUDA cannot be used here ({@link #cudaRefusal} says why),
   *     or not this card, or the native library cannot be loaded on this machine
   * @throws LenoArgumentException if there is no such card
   * @throws LenoOutOfMemoryException if the card has no memory left for this process
   * @throws LenoDeviceException if the driver reports an error
   */
  public static Device cuda(int ordinal) {
    Library.load();
    long[] out = new long[1];
    Check.status(Native.leno_device_create_cuda(ordinal, out));
    return new Device(DeviceHandle.cuda(out[0], ordinal));
  }

  /**
   * How many cards the driver shows to this process.
   *
   * @return 0 where CUDA cannot be used
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static int cudaCount() {
    Library.load();
    int[] count = new int[1];
    Check.status(Native.leno_cuda_device_count(count));
    return count[0];
  }

  /**
   * Why CUDA cannot be used in this process: no kernels in this build, no driver, too old a one, no
   * card. The answer stays the same as long as the process lives.
   *
   * @return the reason, empty where CUDA can be used
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static String cudaRefusal() {
    Library.load();
    return Check.text(Native.leno_cuda_refusal());
  }

  /**
   * What it is.
   *
   * @return never null
   */
  public Kind kind() {
    return handle.isCuda() ? Kind.CUDA : Kind.CPU;
  }

  /**
   * About the card.
   *
   * @return what the driver says
   * @throws LenoArgumentException if the device is the CPU
   * @throws LenoStateException if the device is closed
   */
  public CudaInfo cudaInfo() {
    long open = handle.acquireCuda();
    try (NativeCudaInfo info = new NativeCudaInfo()) {
      info.struct_size(info.sizeof());
      Check.status(Native.leno_device_cuda_info(open, info));
      try (BytePointer name = new BytePointer(info.name())) {
        return new CudaInfo(
            (int) info.ordinal(),
            name.getString(StandardCharsets.UTF_8),
            (int) info.arch(),
            (int) info.multiprocessors(),
            info.total_bytes(),
            info.l2_bytes(),
            info.shared_bytes(),
            (int) info.driver_version());
      }
    } finally {
      handle.release();
    }
  }

  /**
   * How much of the card's memory nobody uses now, all processes taken together.
   *
   * @return bytes
   * @throws LenoArgumentException if the device is the CPU
   * @throws LenoStateException if the device is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public long freeBytes() {
    long[] free = new long[1];
    long[] total = new long[1];
    long open = handle.acquireCuda();
    try {
      Check.status(Native.leno_device_memory(open, free, total));
      return free[0];
    } finally {
      handle.release();
    }
  }

  /**
   * Waits until all work that anybody in the process has given to the device is done, and reports
   * what went wrong in it. On the CPU there is never any left.
   *
   * @throws LenoStateException if the device is closed, or a stream of it is being captured
   * @throws LenoDeviceException if work on the device failed
   */
  public void synchronize() {
    handle.use(Native::leno_device_synchronize);
  }

  /**
   * How many threads share a forward, the caller's included.
   *
   * @return at least 1; 1 for a card
   */
  public int threads() {
    return threads;
  }

  /**
   * The highest instruction set whose kernels may run.
   *
   * @return never {@link Isa#AUTO} on the CPU, always on a card
   */
  public Isa isa() {
    return isa;
  }

  /**
   * A context for forwards on this device, without scratch memory yet: {@link Context#reserve}. On
   * a CUDA device it has a stream of its own.
   *
   * @return a new context, which the caller closes
   * @throws LenoStateException if the device is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public Context newContext() {
    return new Context(handle, null);
  }

  /**
   * A context whose forwards are put on a given stream, without scratch memory yet: {@link
   * Context#reserve}. Contexts may share a stream.
   *
   * @param stream of this device; kept by the context
   * @return a new context, which the caller closes
   * @throws LenoArgumentException if the stream is null or of another device
   * @throws LenoStateException if the device or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public Context newContext(Stream stream) {
    return new Context(handle, Check.notNull(stream, "stream"));
  }

  /**
   * Closes the device; its threads and memory go as soon as no operator or context of it is open.
   */
  @Override
  public void close() {
    handle.close();
  }

  @Override
  public String toString() {
    return "Device["
        + (handle.isCuda()
            ? "cuda:" + handle.ordinal()
            : "cpu, threads=" + threads + ", isa=" + isa)
        + (handle.closed() ? ", closed]" : "]");
  }
}
