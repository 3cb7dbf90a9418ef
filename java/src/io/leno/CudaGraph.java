package io.leno;

import io.leno.internal.Check;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.bindings.Native;

/**
 * Work on a CUDA device that was {@linkplain Stream#capture captured} and can be launched again and
 * again with one call, on the same memory each time: new inputs are written where the old ones
 * were. Saves the cost of launching kernels one by one, which is what small layers spend most of
 * their time on.
 */
public final class CudaGraph implements AutoCloseable {
  private final Handle handle;
  private final DeviceHandle device;

  CudaGraph(Handle handle, DeviceHandle device) {
    this.handle = handle;
    this.device = device;
    handle.watch(this);
  }

  /**
   * Puts the work on a stream and returns. Where it still runs from an earlier launch, on any
   * stream, that is waited for by the device, not by the caller.
   *
   * @param stream of the graph's device
   * @throws LenoArgumentException if the stream is null or of another device
   * @throws LenoStateException if the graph or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void launch(Stream stream) {
    DeviceHandle other = Check.notNull(stream, "stream").handle.device();
    if (!other.sharesMemoryWith(device)) {
      throw new LenoArgumentException(
          "stream belongs to " + other.title() + ", expected one of " + device.title());
    }
    long open = handle.acquire();
    try {
      Stream.put(stream, to -> Native.leno_graph_launch(open, to), handle);
    } finally {
      handle.release();
    }
  }

  /**
   * Closes the graph and lets go of what it kept alive. Harmless when closed already.
   *
   * @throws LenoStateException if another thread is launching it; it stays open
   */
  @Override
  public void close() {
    handle.close();
  }
}
