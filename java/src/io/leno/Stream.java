package io.leno;

import io.leno.internal.Check;
import io.leno.internal.DeviceAddress;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.StreamHandle;
import io.leno.internal.bindings.Native;
import org.bytedeco.javacpp.Pointer;

/**
 * A queue of work on a CUDA device: what is put on it runs in order, and the calls that put it
 * there return at once. Work on two streams has no order, unless an {@link Event} or a
 * synchronisation makes one. Threads may share a stream.
 */
public final class Stream implements AutoCloseable {
  final StreamHandle handle;
  private final long address;

  private Stream(StreamHandle handle) {
    this.handle = handle;
    this.address = Native.leno_stream_handle(handle.address());
  }

  /**
   * A new stream, which does not wait for the legacy default stream, nor that for it.
   *
   * @param device a CUDA device
   * @return a stream that the caller closes
   * @throws LenoArgumentException if the device is the CPU
   * @throws LenoStateException if the device is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public static Stream create(Device device) {
    return watched(new Stream(created(Check.notNull(device, "device").handle)));
  }

  /**
   * A stream of somebody else, as {@code CUstream_st} of the JavaCPP presets for CUDA. It must
   * exist for as long as this object is used; closing this object does not destroy it.
   *
   * @param device the CUDA device that it belongs to
   * @param stream a {@code CUstream} or {@code cudaStream_t}; null or a null pointer for the legacy
   *     default stream
   * @return a stream that the caller closes
   * @throws LenoArgumentException if the device is the CPU, or the stream belongs to another one
   * @throws LenoStateException if the device is closed
   */
  public static Stream wrap(Device device, Pointer stream) {
    return wrap(device, stream == null ? 0 : DeviceAddress.of(stream));
  }

  /**
   * A stream of somebody else. It must exist for as long as this object is used; closing this
   * object does not destroy it.
   *
   * @param device the CUDA device that it belongs to
   * @param stream value of a {@code CUstream} or {@code cudaStream_t}, which cannot be checked to
   *     be one; 0 for the legacy default stream
   * @return a stream that the caller closes
   * @throws LenoArgumentException if the device is the CPU, or the stream belongs to another one
   * @throws LenoStateException if the device is closed
   */
  public static Stream wrap(Device device, long stream) {
    DeviceHandle on = Check.notNull(device, "device").handle;
    long[] out = new long[1];
    long open = on.acquireCuda();
    try {
      Check.status(Native.leno_stream_wrap(open, stream, out));
      return watched(new Stream(new StreamHandle(out[0], on)));
    } finally {
      on.release();
    }
  }

  /** A context's own, closed with it: nobody is to be blamed for leaving it open. */
  static Stream ofContext(DeviceHandle device) {
    return new Stream(created(device));
  }

  private static StreamHandle created(DeviceHandle device) {
    long[] out = new long[1];
    long open = device.acquireCuda();
    try {
      Check.status(Native.leno_stream_create(open, out));
      return new StreamHandle(out[0], device);
    } finally {
      device.release();
    }
  }

  private static Stream watched(Stream stream) {
    stream.handle.watch(stream);
    return stream;
  }

  /**
   * The value of the {@code CUstream}, for other users of CUDA in the process.
   *
   * @return 0 for the legacy default stream
   */
  public long address() {
    return address;
  }

  /**
   * The {@code CUstream}, from which the JavaCPP presets for CUDA make theirs: {@code new
   * CUstream_st(stream.pointer())}.
   *
   * @return a pointer that owns nothing; null for the legacy default stream
   */
  public Pointer pointer() {
    return address == 0 ? null : new DeviceAddress(address, 0);
  }

  /**
   * Waits for all work that is on the stream, and reports what went wrong in it.
   *
   * @throws LenoStateException if the stream is closed or being captured
   * @throws LenoDeviceException if work on the stream failed
   */
  public void synchronize() {
    handle.use(Native::leno_stream_synchronize);
  }

  /**
   * Whether all work that was put on the stream is done. Does not wait.
   *
   * @return true where nothing is left
   * @throws LenoStateException if the stream is closed or being captured
   * @throws LenoDeviceException if work on the stream failed
   */
  public boolean isIdle() {
    int[] done = new int[1];
    handle.use(open -> Native.leno_stream_query(open, done));
    return done[0] != 0;
  }

  /**
   * Writes down, as a graph, what a piece of code puts on this stream: forwards, copies, events.
   * Nothing of it runs yet. The code runs in this thread, once, and must use no other thread. What
   * waits for the stream or takes memory (reserving contexts, creating tensors, building operators)
   * throws {@link LenoStateException} there: it has to be done before. So do transfers from and to
   * host memory that is not a {@link PinnedBuffer}.
   *
   * <p>The graph keeps alive what it uses, as far as leno made it: operators, contexts, tensors and
   * pinned buffers may be closed before the graph. What was given as a plain address is the
   * caller's to keep.
   *
   * @param work puts work on this stream
   * @return a graph that the caller closes
   * @throws LenoArgumentException if work is null
   * @throws LenoStateException if the stream is closed, being captured or the legacy default
   *     stream, or if work has done what cannot be captured
   * @throws LenoDeviceException if the driver reports an error
   */
  public CudaGraph capture(Runnable work) {
    Check.notNull(work, "work");
    handle.beginCapture();
    try {
      work.run();
    } catch (Throwable e) {
      try {
        handle.endCapture().close();
      } catch (LenoException spoilt) {
        e.addSuppressed(spoilt);
      }
      throw e;
    }
    return new CudaGraph(handle.endCapture(), handle.device());
  }

  /** Puts work on a stream, which may be null; what it uses is known to the stream's capture. */
  static void put(Stream stream, Work work, Handle... used) {
    if (stream == null) {
      Check.status(work.on(0));
      return;
    }
    long open = stream.handle.acquire();
    try {
      for (Handle each : used) {
        if (each != null) {
          stream.handle.uses(each);
        }
      }
      Check.status(work.on(open));
    } finally {
      stream.handle.release();
    }
  }

  /** A call of the C API that takes a stream. */
  interface Work {
    int on(long stream);
  }

  /**
   * Closes the stream; does not wait: work that is on it still runs. A context that was made with
   * the stream keeps it. Harmless when closed already.
   *
   * @throws LenoStateException if another thread is waiting for the stream, or it is being
   *     captured; it stays open
   */
  @Override
  public void close() {
    handle.close();
  }

  @Override
  public String toString() {
    return "Stream["
        + handle.device().title()
        + ", 0x"
        + Long.toHexString(address)
        + (handle.closed() ? ", closed]" : "]");
  }
}
