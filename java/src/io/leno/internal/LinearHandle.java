package io.leno.internal;

import io.leno.internal.bindings.Native;

/** A linear operator; the contexts of its device tell whether it is running. */
public final class LinearHandle extends Handle {
  private final DeviceHandle device;

  public LinearHandle(long address, DeviceHandle device) {
    super("SparseLinear", address, Native::leno_linear_destroy, device);
    this.device = device;
  }

  public DeviceHandle device() {
    return device;
  }

  @Override
  protected boolean busy() {
    return device.isRunning(this);
  }
}
