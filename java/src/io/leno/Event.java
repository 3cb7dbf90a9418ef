package io.leno;

import io.leno.internal.Check;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.bindings.Native;

/**
 * A mark in a stream: it has happened when the work that was on the stream at the mark is done.
 * Orders streams without making a thread wait, and tells how long work on a device took. Threads
 * may share an event.
 */
public final class Event implements AutoCloseable {
  private final Handle handle;

  private Event(DeviceHandle device, boolean timing) {
    long[] out = new long[1];
    long open = device.acquireCuda();
    try {
      Check.status(Native.leno_event_create(open, timing ? 1 : 0, out));
      this.handle = new Handle("Event", out[0], Native::leno_event_destroy, device);
    } finally {
      device.release();
    }
    handle.watch(this);
  }

  /**
   * An event that orders work.
   *
   * @param device a CUDA device
   * @return an event that the caller closes
   * @throws LenoArgumentException if the device is the CPU
   * @throws LenoStateException if the device is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public static Event create(Device device) {
    return new Event(Check.notNull(device, "device").handle, false);
  }

  /**
   * An event that measures time as well, which makes it a little dearer.
   *
   * @param device a CUDA device
   * @return an event that the caller closes
   * @throws LenoArgumentException if the device is the CPU
   * @throws LenoStateException if the device is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public static Event timing(Device device) {
    return new Event(Check.notNull(device, "device").handle, true);
  }

  /**
   * Marks this place in a stream; an earlier mark is forgotten.
   *
   * @param stream of the event's device
   * @throws LenoArgumentException if the stream is null or of another device
   * @throws LenoStateException if the event or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void record(Stream stream) {
    Check.notNull(stream, "stream");
    handle.use(open -> on(stream, to -> Native.leno_event_record(open, to)));
  }

  /**
   * Makes a stream, which may be another device's, wait here for the mark as recorded last. The
   * calling thread does not wait.
   *
   * @param stream goes on after this event
   * @throws LenoArgumentException if the stream is null
   * @throws LenoStateException if the event or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void holdBack(Stream stream) {
    Check.notNull(stream, "stream");
    handle.use(open -> on(stream, to -> Native.leno_event_wait(open, to)));
  }

  private int on(Stream stream, Stream.Work work) {
    Stream.put(stream, work, handle);
    return Native.LENO_OK;
  }

  /**
   * Has the calling thread wait until the event has happened. One that was never recorded has.
   *
   * @throws LenoStateException if the event is closed
   * @throws LenoDeviceException if work before the mark failed
   */
  public void synchronize() {
    handle.use(Native::leno_event_synchronize);
  }

  /**
   * Whether the event has happened. Does not wait.
   *
   * @return true also where it was never recorded
   * @throws LenoStateException if the event is closed
   * @throws LenoDeviceException if work before the mark failed
   */
  public boolean hasHappened() {
    int[] done = new int[1];
    handle.use(open -> Native.leno_event_query(open, done));
    return done[0] != 0;
  }

  /**
   * The time between another event and this one, to about half a microsecond.
   *
   * @param start happened earlier
   * @return milliseconds
   * @throws LenoArgumentException if start is null, or one of the two does not measure time
   * @throws LenoStateException if one of the two is closed, was not recorded or has not happened
   * @throws LenoDeviceException if work before the marks failed
   */
  public double millisecondsSince(Event start) {
    Check.notNull(start, "start");
    double[] milliseconds = new double[1];
    long first = start.handle.acquire();
    try {
      handle.use(open -> Native.leno_event_elapsed_ms(first, open, milliseconds));
    } finally {
      start.handle.release();
    }
    return milliseconds[0];
  }

  /**
   * Closes the event. Streams that wait for it go on waiting. Harmless when closed already.
   *
   * @throws LenoStateException if another thread is waiting for it; it stays open
   */
  @Override
  public void close() {
    handle.close();
  }
}
