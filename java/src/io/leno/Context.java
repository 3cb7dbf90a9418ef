package io.leno;

import io.leno.internal.Check;
import io.leno.internal.ContextHandle;
import io.leno.internal.DeviceHandle;
import io.leno.internal.StreamHandle;
import io.leno.internal.bindings.Native;

/**
 * The scratch memory of forwards. A context serves one thread at a time: a server keeps one per
 * worker thread. A forward on a context in which another one is running throws {@link
 * LenoStateException}.
 *
 * <p>On a CUDA device a context has a {@link Stream} as well: forwards are put on it and return at
 * once, so that the next may follow on the same context; {@link #synchronize} waits for them.
 * Scratch memory is the device's.
 */
public final class Context implements AutoCloseable {
  final ContextHandle handle;
  private final Stream stream;

  Context(DeviceHandle device, Stream given) {
    long address = device.acquire();
    try {
      boolean own = given == null && device.isCuda();
      this.stream = own ? Stream.ofContext(device) : given;
      try {
        this.handle = create(address, device, own);
      } catch (RuntimeException e) {
        if (own) {
          stream.close();
        }
        throw e;
      }
    } finally {
      device.release();
    }
    handle.watch(this);
  }

  private ContextHandle create(long address, DeviceHandle device, boolean own) {
    long[] out = new long[1];
    if (stream == null) {
      Check.status(Native.leno_context_create(address, out));
      return new ContextHandle(out[0], device);
    }
    StreamHandle handle = stream.handle;
    if (!handle.device().sharesMemoryWith(device)) {
      throw new LenoArgumentException(
          "stream belongs to " + handle.device().title() + ", expected one of " + device.title());
    }
    long open = handle.acquire();
    try {
      Check.status(Native.leno_context_create(address, out));
      int status = Native.leno_context_set_stream(out[0], open);
      if (status != Native.LENO_OK) {
        Native.leno_context_destroy(out[0]);
      }
      Check.status(status);
      return new ContextHandle(out[0], device, handle, own);
    } finally {
      handle.release();
    }
  }

  /**
   * Makes the scratch memory at least this large; never shrinks it.
   *
   * @param bytes 0 .. 2^40
   * @throws LenoArgumentException if bytes is outside its range
   * @throws LenoOutOfMemoryException if the memory cannot be had; the context keeps what it had
   * @throws LenoStateException if the context is closed, in use by a forward of another thread, or
   *     would have to move memory that a {@link CudaGraph} uses
   * @throws LenoDeviceException if the driver reports an error
   */
  public void reserve(long bytes) {
    handle.use(
        address -> {
          if (bytes > Native.leno_context_capacity(address)) {
            handle.requireNoGraph();
          }
          return Native.leno_context_reserve(address, bytes);
        });
  }

  /**
   * How much scratch memory there is.
   *
   * @return bytes
   * @throws LenoStateException if the context is closed
   */
  public long capacity() {
    long address = handle.acquire();
    try {
      return Native.leno_context_capacity(address);
    } finally {
      handle.release();
    }
  }

  /**
   * The stream that forwards are put on: the one that the context was made with, or else one of its
   * own, which is closed with the context.
   *
   * @return always the same
   * @throws LenoArgumentException if the context is one of the CPU
   */
  public Stream stream() {
    if (stream == null) {
      throw new LenoArgumentException("context is one of the CPU, expected one of a CUDA device");
    }
    return stream;
  }

  /**
   * Waits until all forwards on this context are done, and reports what went wrong in them. On the
   * CPU they are done when they return.
   *
   * @throws LenoStateException if the context is closed, or its stream is being captured
   * @throws LenoDeviceException if work on the stream failed
   */
  public void synchronize() {
    handle.use(Native::leno_context_synchronize);
  }

  /**
   * Frees the scratch memory, on a CUDA device once the work that uses it is done. Harmless when
   * closed already.
   *
   * @throws LenoStateException if a forward is running in this context; it stays open
   */
  @Override
  public void close() {
    handle.close();
  }
}
