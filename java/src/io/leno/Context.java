package io.leno;

import io.leno.internal.Check;
import io.leno.internal.ContextHandle;
import io.leno.internal.DeviceHandle;
import io.leno.internal.bindings.Native;

/**
 * The scratch memory of forwards. A context serves one thread at a time: a server keeps one per
 * worker thread. A forward on a context in which another one is running throws {@link
 * LenoStateException}.
 */
public final class Context implements AutoCloseable {
  final ContextHandle handle;

  Context(DeviceHandle device) {
    long[] out = new long[1];
    long address = device.acquire();
    try {
      Check.status(Native.leno_context_create(address, out));
      this.handle = new ContextHandle(out[0], device);
    } finally {
      device.release();
    }
    handle.watch(this);
  }

  /**
   * Makes the scratch memory at least this large; never shrinks it.
   *
   * @param bytes 0 .. 2^40
   * @throws LenoArgumentException if bytes is outside its range
   * @throws LenoOutOfMemoryException if the memory cannot be had; the context keeps what it had
   * @throws LenoStateException if the context is closed, or in use by a forward of another thread
   */
  public void reserve(long bytes) {
    handle.use(address -> Native.leno_context_reserve(address, bytes));
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
   * Frees the scratch memory. Harmless when closed already.
   *
   * @throws LenoStateException if a forward is running in this context; it stays open
   */
  @Override
  public void close() {
    handle.close();
  }
}
