package io.leno.internal;

import io.leno.LenoStateException;
import io.leno.internal.bindings.Native;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * A context, which runs one forward at a time. Entering is one compare-and-set: it claims the
 * context and at once publishes which operator runs, so that neither can be closed meanwhile and
 * operators need no counter that all their threads would fight for.
 */
public final class ContextHandle extends Handle {
  private static final VarHandle RUNNING;

  static {
    try {
      RUNNING = MethodHandles.lookup().findVarHandle(ContextHandle.class, "running", Handle.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final DeviceHandle device;
  private final StreamHandle stream;
  private final boolean ownsStream;
  private volatile Handle running;

  /** On the CPU. */
  public ContextHandle(long address, DeviceHandle device) {
    super("Context", address, Native::leno_context_destroy, device);
    this.device = device;
    this.stream = null;
    this.ownsStream = false;
    device.add(this);
  }

  /** On a CUDA device; a stream of its own goes with it. */
  public ContextHandle(long address, DeviceHandle device, StreamHandle stream, boolean ownsStream) {
    super("Context", address, Native::leno_context_destroy, device, stream);
    this.device = device;
    this.stream = stream;
    this.ownsStream = ownsStream;
    device.add(this);
  }

  public DeviceHandle device() {
    return device;
  }

  /** Where forwards go; null on the CPU. */
  public StreamHandle stream() {
    return stream;
  }

  /** A graph holds addresses of the scratch memory, which may not be moved then. */
  public void requireNoGraph() {
    if (hasChildren()) {
      throw new LenoStateException(
          "context is part of a CudaGraph, expected one whose scratch memory no graph uses");
    }
  }

  /** Claims the context for a forward of the operator; ends with {@link #leave}. */
  public void enter(Handle operator) {
    if (!RUNNING.compareAndSet(this, (Handle) null, operator)) {
      throw new LenoStateException(
          "context is in use by a forward of another thread, expected one context per thread");
    }
    if (closed() || operator.closed()) {
      leave();
      requireOpen();
      operator.requireOpen();
      throw new LenoStateException("context or operator is being closed, expected it open");
    }
  }

  public void leave() {
    RUNNING.setRelease(this, (Handle) null);
  }

  Handle running() {
    return running;
  }

  @Override
  protected boolean busy() {
    return running != null;
  }

  @Override
  protected void onDestroy() {
    device.remove(this);
    if (ownsStream) {
      stream.abandon();
    }
  }
}
