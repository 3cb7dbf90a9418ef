package io.leno.internal;

import io.leno.LenoStateException;
import io.leno.internal.bindings.Native;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A stream. While it is captured it collects what the captured work uses, and keeps that alive for
 * the graph.
 */
public final class StreamHandle extends Handle {
  private final DeviceHandle device;
  private final Object capturing = new Object(); // locked before any handle, never after one
  private volatile Set<Handle> captured;

  public StreamHandle(long address, DeviceHandle device) {
    super("Stream", address, Native::leno_stream_destroy, device);
    this.device = device;
  }

  public DeviceHandle device() {
    return device;
  }

  /**
   * Work that is about to be put on this stream uses the object, which is open. Costs next to
   * nothing unless the stream is captured.
   */
  public void uses(Handle object) {
    if (captured != null) {
      note(object);
    }
  }

  public void beginCapture() {
    synchronized (capturing) {
      if (captured != null) {
        throw new LenoStateException("stream is captured already, expected one that is not");
      }
      use(Native::leno_stream_begin_capture);
      captured = new LinkedHashSet<>();
    }
  }

  /** The graph of what was captured, which keeps alive what it uses. */
  public Handle endCapture() {
    synchronized (capturing) {
      List<Handle> kept = new ArrayList<>(captured);
      captured = null;
      try {
        long[] out = new long[1];
        use(open -> Native.leno_stream_end_capture(open, out));
        device.adopt();
        kept.add(device);
        return new Handle("CudaGraph", out[0], Native::leno_graph_destroy, List.copyOf(kept));
      } catch (RuntimeException e) {
        kept.forEach(Handle::orphan);
        throw e;
      }
    }
  }

  @Override
  protected boolean busy() {
    return captured != null;
  }

  private void note(Handle object) {
    synchronized (capturing) {
      if (captured != null && captured.add(object)) {
        object.adopt();
      }
    }
  }
}
