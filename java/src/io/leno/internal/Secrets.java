package io.leno.internal;

import io.leno.Context;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.PackedWeights;

/** How other packages of leno reach the handles of {@code io.leno} without their being public. */
public abstract class Secrets {
  private static volatile Secrets instance;

  /**
   * Called by {@link Device} when it is initialised: before anyone can hold a device or a context.
   */
  public static void set(Secrets secrets) {
    instance = secrets;
  }

  public static Secrets get() {
    return Holder.SECRETS;
  }

  public abstract DeviceHandle handle(Device device);

  public abstract ContextHandle handle(Context context);

  public abstract Handle handle(PackedWeights packed);

  public abstract DeviceHandle device(DeviceTensor tensor);

  public abstract Handle handle(DeviceTensor tensor);

  private static final class Holder {
    static final Secrets SECRETS = instance;
  }
}
