package io.leno;

import io.leno.internal.Check;
import io.leno.internal.ContextHandle;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.Library;
import io.leno.internal.Secrets;
import io.leno.internal.bindings.Native;

/**
 * Where operators run. A device may be shared by any number of threads: two forwards at once both
 * run, the second on its caller's thread alone while the pool is busy.
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
        });
  }

  private final DeviceHandle handle;
  private final int threads;
  private final Isa isa;

  private Device(int threads, Isa isa) {
    Library.load();
    long[] out = new long[1];
    Check.status(Native.leno_device_create_cpu(threads, Check.notNull(isa, "isa").code(), out));
    this.handle = new DeviceHandle(out[0]);
    this.threads = Native.leno_device_threads(out[0]);
    this.isa = Isa.of(Native.leno_device_isa(out[0]));
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
    return new Device(threads, Isa.AUTO);
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
    return new Device(threads, isa);
  }

  /**
   * How many threads share a forward, the caller's included.
   *
   * @return at least 1
   */
  public int threads() {
    return threads;
  }

  /**
   * The highest instruction set whose kernels may run.
   *
   * @return never {@link Isa#AUTO}
   */
  public Isa isa() {
    return isa;
  }

  /**
   * A context for forwards on this device, without scratch memory yet: {@link Context#reserve}.
   *
   * @return a new context, which the caller closes
   * @throws LenoStateException if the device is closed
   */
  public Context newContext() {
    return new Context(handle);
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
    return "Device[cpu, threads="
        + threads
        + ", isa="
        + isa
        + (handle.closed() ? ", closed]" : "]");
  }
}
