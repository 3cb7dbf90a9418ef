package io.leno.internal;

import io.leno.LenoArgumentException;
import io.leno.internal.bindings.Native;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A device, with the contexts on it: they tell which operators are running. */
public final class DeviceHandle extends Handle {
  /** The ordinal of the CPU. */
  private static final int CPU = -1;

  private final Set<ContextHandle> contexts = ConcurrentHashMap.newKeySet();
  private final int ordinal;

  private DeviceHandle(long address, int ordinal) {
    super("Device", address, Native::leno_device_destroy);
    this.ordinal = ordinal;
  }

  public static DeviceHandle cpu(long address) {
    return new DeviceHandle(address, CPU);
  }

  public static DeviceHandle cuda(long address, int ordinal) {
    return new DeviceHandle(address, ordinal);
  }

  public boolean isCuda() {
    return ordinal != CPU;
  }

  public int ordinal() {
    return ordinal;
  }

  /** Whether memory and streams of one are good for the other. */
  public boolean sharesMemoryWith(DeviceHandle other) {
    return ordinal == other.ordinal;
  }

  /** A CUDA device, whose address the caller releases. */
  public long acquireCuda() {
    if (!isCuda()) {
      throw new LenoArgumentException("device is the CPU, expected a CUDA device");
    }
    return acquire();
  }

  /** As it is called in messages. */
  public String title() {
    return isCuda() ? "CUDA device " + ordinal : "the CPU";
  }

  /** Whether a forward of the operator is running on any context of this device. */
  public boolean isRunning(Handle operator) {
    for (ContextHandle context : contexts) {
      if (context.running() == operator) {
        return true;
      }
    }
    return false;
  }

  void add(ContextHandle context) {
    contexts.add(context);
  }

  void remove(ContextHandle context) {
    contexts.remove(context);
  }
}
