package io.leno.internal;

import io.leno.internal.bindings.Native;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A device, with the contexts on it: they tell which operators are running. */
public final class DeviceHandle extends Handle {
  private final Set<ContextHandle> contexts = ConcurrentHashMap.newKeySet();

  public DeviceHandle(long address) {
    super("Device", address, Native::leno_device_destroy);
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
