package io.leno.internal;

import io.leno.Context;
import io.leno.LenoArgumentException;
import java.nio.charset.StandardCharsets;
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

  /** A function of the C API that tells how long a text is. */
  public interface TextSize {
    int of(long operator, long[] bytes);
  }

  /** A function of the C API that writes a text, with its closing 0. */
  public interface Text {
    int to(long operator, byte[] text, long capacity);
  }

  /** What an operator tells about itself. */
  public String text(TextSize size, Text text) {
    long[] bytes = new long[1];
    use(open -> size.of(open, bytes));
    byte[] told = new byte[Math.toIntExact(bytes[0])];
    use(open -> text.to(open, told, told.length));
    return new String(told, 0, told.length - 1, StandardCharsets.UTF_8);
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
