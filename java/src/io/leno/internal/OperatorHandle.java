package io.leno.internal;

import io.leno.Context;
import io.leno.LenoArgumentException;
import java.util.function.LongConsumer;

/** An operator; the contexts of its device tell whether it is running. */
public final class OperatorHandle extends Handle {
  private final DeviceHandle device;

  public OperatorHandle(String kind, long address, LongConsumer destroy, DeviceHandle device) {
    super(kind, address, destroy, device);
    this.device = device;
  }

  public DeviceHandle device() {
    return device;
  }

  /** Claims a context for a forward, until {@link ContextHandle#leave}. */
  public ContextHandle enter(Context context) {
    ContextHandle entered = Secrets.get().handle(Check.notNull(context, "context"));
    if (entered.device() != device) {
      throw new LenoArgumentException(
          "context belongs to another device, expected one of the operator's device");
    }
    entered.enter(this);
    if (entered.stream() != null) {
      note(entered);
    }
    return entered;
  }

  /** A capture of the stream keeps what this forward needs. */
  private void note(ContextHandle entered) {
    try {
      entered.stream().uses(this);
      entered.stream().uses(entered);
    } catch (RuntimeException e) {
      entered.leave();
      throw e;
    }
  }

  @Override
  protected boolean busy() {
    return device.isRunning(this);
  }
}
