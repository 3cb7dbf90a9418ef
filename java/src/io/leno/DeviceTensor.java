package io.leno;

import io.leno.internal.Check;
import io.leno.internal.DeviceAddress;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.HostMemory;
import io.leno.internal.bindings.Native;
import java.lang.ref.Reference;
import java.nio.Buffer;
import org.bytedeco.javacpp.Pointer;

/**
 * Memory of a CUDA device: elements of one type in a row, whose shape is what the operator that
 * uses them says. Not initialised.
 *
 * <p>Transfers without a stream are done when they return, in no order with what is on any stream:
 * synchronise those before. Transfers with a stream are put on it and return: at once from and to a
 * {@link PinnedBuffer}, which must stay as it is until the stream has come there; with other host
 * memory the call may wait for the transfer, and the memory may be reused when it returns.
 *
 * <p>Threads may share a tensor; who writes when is theirs to order.
 */
public final class DeviceTensor implements AutoCloseable {
  final Handle handle;
  final DeviceHandle device;
  private final DType dtype;
  private final long first; // byte of the handle's memory
  private final long elements;
  private final long address;
  private final DeviceTensor whole; // what this is a slice of; null where it is none

  private DeviceTensor(
      Handle handle,
      DeviceHandle device,
      DType dtype,
      long first,
      long elements,
      DeviceTensor whole) {
    this.handle = handle;
    this.device = device;
    this.dtype = dtype;
    this.first = first;
    this.elements = elements;
    this.address = Native.leno_tensor_address(handle.address()) + first;
    this.whole = whole;
  }

  /**
   * Memory for elements of a type.
   *
   * @param device a CUDA device; kept open by the tensor
   * @param dtype of the elements
   * @param elements 1 or more, up to 2^40 bytes
   * @return a tensor that the caller closes
   * @throws LenoArgumentException if the device is the CPU, or an argument is null or outside its
   *     range
   * @throws LenoOutOfMemoryException if the memory cannot be had; it tells the bytes asked for and
   *     the bytes free
   * @throws LenoStateException if the device is closed, or a stream of it is being captured
   * @throws LenoDeviceException if the driver reports an error
   */
  public static DeviceTensor allocate(Device device, DType dtype, long elements) {
    DeviceHandle on = Check.notNull(device, "device").handle;
    Check.notNull(dtype, "dtype");
    Check.argument(
        elements >= 1 && elements <= (1L << 40) / dtype.bytes(),
        "elements is " + elements + ", expected 1 .. 2^40 / " + dtype.bytes());
    long[] out = new long[1];
    long open = on.acquireCuda();
    try {
      Check.status(Native.leno_tensor_create(open, elements * dtype.bytes(), out));
      Handle handle = new Handle("DeviceTensor", out[0], Native::leno_tensor_destroy, on);
      DeviceTensor tensor = new DeviceTensor(handle, on, dtype, 0, elements, null);
      handle.watch(tensor);
      return tensor;
    } finally {
      on.release();
    }
  }

  /**
   * A part of this tensor: the same memory. Closing it does nothing; it is closed with the tensor
   * that it is a part of, and to be kept no longer than that.
   *
   * @param from first element, at least 0
   * @param count how many, at least 1
   * @return a tensor of the same type
   * @throws LenoArgumentException if the part does not lie within this tensor
   */
  public DeviceTensor slice(long from, long count) {
    Check.argument(
        from >= 0 && count >= 1 && count <= elements - from,
        "from, count are " + from + ", " + count + ", expected a part of " + elements);
    return new DeviceTensor(handle, device, dtype, first + from * dtype.bytes(), count, this);
  }

  /**
   * The type of the elements.
   *
   * @return never null
   */
  public DType dtype() {
    return dtype;
  }

  /**
   * How many elements.
   *
   * @return at least 1
   */
  public long elements() {
    return elements;
  }

  /**
   * How much memory.
   *
   * @return bytes
   */
  public long bytes() {
    return elements * dtype.bytes();
  }

  /**
   * Where the first element lies in the device's memory: a {@code CUdeviceptr}, for raw-address
   * forwards and other users of CUDA in the process.
   *
   * @return never 0
   * @throws LenoStateException if the tensor is closed
   */
  public long address() {
    handle.requireOpen();
    return address;
  }

  /**
   * Where the first element lies in the device's memory, for JavaCPP's presets. It must not be read
   * or written on the host.
   *
   * @return a pointer that owns nothing; its limit is the size in bytes
   * @throws LenoStateException if the tensor is closed
   */
  public Pointer pointer() {
    return new DeviceAddress(address(), bytes());
  }

  /**
   * Copies numbers to the first elements, as they are. Done when it returns.
   *
   * @param values at most as many as there are elements, of a tensor of {@link DType#F32}
   * @throws LenoArgumentException if values is null or the tensor of another type; {@link
   *     #uploadRounded} converts
   * @throws LenoBufferException if values is longer than the tensor
   * @throws LenoStateException if the tensor is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void upload(float... values) {
    TensorFloats.upload(this, values, false);
  }

  /**
   * Copies the first elements to an array. Done when it returns.
   *
   * @param values at most as many as there are elements, of a tensor of {@link DType#F32}
   * @throws LenoArgumentException if values is null or the tensor of another type; {@link
   *     #downloadWidened} converts
   * @throws LenoBufferException if values is longer than the tensor
   * @throws LenoStateException if the tensor is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void download(float[] values) {
    TensorFloats.download(this, values, false);
  }

  /**
   * Rounds numbers to the tensor's type, to the nearest, ties to even, and copies them to the first
   * elements. What is too large for F16 becomes infinite. Done when it returns; the rounding runs
   * in this thread.
   *
   * @param values at most as many as there are elements, of a tensor of F16, BF16 or F32
   * @throws LenoArgumentException if values is null, or the tensor of another type
   * @throws LenoBufferException if values is longer than the tensor
   * @throws LenoStateException if the tensor is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void uploadRounded(float... values) {
    TensorFloats.upload(this, values, true);
  }

  /**
   * Copies the first elements to an array of the numbers that they stand for, exactly. Done when it
   * returns; the conversion runs in this thread.
   *
   * @param values at most as many as there are elements, of a tensor of F16, BF16 or F32
   * @throws LenoArgumentException if values is null, or the tensor of another type
   * @throws LenoBufferException if values is longer than the tensor
   * @throws LenoStateException if the tensor is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void downloadWidened(float[] values) {
    TensorFloats.download(this, values, true);
  }

  /**
   * Copies a direct buffer from its position to its limit to the first elements, byte for byte.
   * Done when it returns; the position stays.
   *
   * @param host direct, in native byte order, at most as large as the tensor
   * @throws LenoArgumentException if host is null
   * @throws LenoBufferException if host is on the heap, of foreign byte order or too large
   * @throws LenoStateException if the tensor is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void upload(Buffer host) {
    upload(host, null);
  }

  /**
   * Copies a direct buffer from its position to its limit to the first elements, byte for byte, on
   * a stream. The position stays.
   *
   * @param host direct, in native byte order, at most as large as the tensor
   * @param stream of the tensor's device; null as {@link #upload(Buffer)}
   * @throws LenoArgumentException if host is null, or the stream of another device
   * @throws LenoBufferException if host is on the heap, of foreign byte order or too large
   * @throws LenoStateException if the tensor or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void upload(Buffer host, Stream stream) {
    HostMemory memory = HostMemory.of(host, "host");
    requireRoom(memory);
    write(memory.address(), memory.bytes(), stream, null);
    Reference.reachabilityFence(host);
  }

  /**
   * Copies the first elements to a direct buffer, from its position to its limit, byte for byte.
   * Done when it returns; the position stays.
   *
   * @param host direct, in native byte order, not read-only, at most as large as the tensor
   * @throws LenoArgumentException if host is null
   * @throws LenoBufferException if host is on the heap, read-only, of foreign byte order or too
   *     large
   * @throws LenoStateException if the tensor is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void download(Buffer host) {
    download(host, null);
  }

  /**
   * Copies the first elements to a direct buffer, from its position to its limit, byte for byte, on
   * a stream. The position stays.
   *
   * @param host direct, in native byte order, not read-only, at most as large as the tensor
   * @param stream of the tensor's device; null as {@link #download(Buffer)}
   * @throws LenoArgumentException if host is null, or the stream of another device
   * @throws LenoBufferException if host is on the heap, read-only, of foreign byte order or too
   *     large
   * @throws LenoStateException if the tensor or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void download(Buffer host, Stream stream) {
    HostMemory memory = HostMemory.of(host, "host");
    if (host.isReadOnly()) {
      throw new LenoBufferException("host is read-only, expected a buffer that can be written");
    }
    requireRoom(memory);
    read(memory.address(), memory.bytes(), stream, null);
    Reference.reachabilityFence(host);
  }

  /**
   * Copies the first bytes of pinned memory to the first elements on a stream, and returns at once.
   *
   * @param host changed by nobody until the stream has come there
   * @param bytes at least 0, at most those of each of the two
   * @param stream of the tensor's device; null to be done when it returns
   * @throws LenoArgumentException if host is null, bytes negative, or the stream of another device
   * @throws LenoBufferException if bytes are more than one of the two has
   * @throws LenoStateException if one of the three is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void upload(PinnedBuffer host, long bytes, Stream stream) {
    Check.notNull(host, "host");
    requireBytes(bytes, host.size(), "pinned buffer");
    requireBytes(bytes, bytes(), "tensor");
    host.handle.use(
        open -> {
          write(Native.leno_pinned_address(open), bytes, stream, host.handle);
          return Native.LENO_OK;
        });
  }

  /**
   * Copies the first elements to the first bytes of pinned memory on a stream, and returns at once.
   *
   * @param host to be read when the stream has come there
   * @param bytes at least 0, at most those of each of the two
   * @param stream of the tensor's device; null to be done when it returns
   * @throws LenoArgumentException if host is null, bytes negative, or the stream of another device
   * @throws LenoBufferException if bytes are more than one of the two has
   * @throws LenoStateException if one of the three is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void download(PinnedBuffer host, long bytes, Stream stream) {
    Check.notNull(host, "host");
    requireBytes(bytes, host.size(), "pinned buffer");
    requireBytes(bytes, bytes(), "tensor");
    host.handle.use(
        open -> {
          read(Native.leno_pinned_address(open), bytes, stream, host.handle);
          return Native.LENO_OK;
        });
  }

  /**
   * Copies what a JavaCPP pointer to host memory holds, from its position to its limit, to the
   * first elements, byte for byte.
   *
   * @param host with a limit, at most as large as the tensor; stays allocated until the copy is
   *     done
   * @param stream of the tensor's device; null to be done when it returns
   * @throws LenoArgumentException if host is null or a null pointer, or the stream of another
   *     device
   * @throws LenoBufferException if host has no limit or is too large
   * @throws LenoStateException if the tensor or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void upload(Pointer host, Stream stream) {
    HostMemory memory = HostMemory.of(host, "host");
    requireRoom(memory);
    write(memory.address(), memory.bytes(), stream, null);
    Reference.reachabilityFence(host);
  }

  /**
   * Copies the first elements to where a JavaCPP pointer to host memory points, from its position
   * to its limit, byte for byte.
   *
   * @param host with a limit, at most as large as the tensor; stays allocated until the copy is
   *     done
   * @param stream of the tensor's device; null to be done when it returns
   * @throws LenoArgumentException if host is null or a null pointer, or the stream of another
   *     device
   * @throws LenoBufferException if host has no limit or is too large
   * @throws LenoStateException if the tensor or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void download(Pointer host, Stream stream) {
    HostMemory memory = HostMemory.of(host, "host");
    requireRoom(memory);
    read(memory.address(), memory.bytes(), stream, null);
    Reference.reachabilityFence(host);
  }

  /**
   * Copies host memory, as that of a {@code MemorySegment}, to the first elements, byte for byte.
   * What lies at the address cannot be checked: it must be the caller's, large enough, and stay
   * alive until the copy is done.
   *
   * @param host an address
   * @param bytes at least 0, at most those of the tensor
   * @param stream of the tensor's device; null to be done when it returns
   * @throws LenoArgumentException if host is 0, bytes negative, or the stream of another device
   * @throws LenoBufferException if bytes are more than the tensor has
   * @throws LenoStateException if the tensor or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void upload(long host, long bytes, Stream stream) {
    requireBytes(bytes, bytes(), "tensor");
    write(host, bytes, stream, null);
  }

  /**
   * Copies the first elements to host memory, as that of a {@code MemorySegment}, byte for byte.
   * What lies at the address cannot be checked: it must be the caller's, large enough, and stay
   * alive until the copy is done.
   *
   * @param host an address
   * @param bytes at least 0, at most those of the tensor
   * @param stream of the tensor's device; null to be done when it returns
   * @throws LenoArgumentException if host is 0, bytes negative, or the stream of another device
   * @throws LenoBufferException if bytes are more than the tensor has
   * @throws LenoStateException if the tensor or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void download(long host, long bytes, Stream stream) {
    requireBytes(bytes, bytes(), "tensor");
    read(host, bytes, stream, null);
  }

  /**
   * Copies the first bytes of another tensor, which may be another device's, to the first elements.
   *
   * @param from not overlapping this one
   * @param bytes at least 0, at most those of each of the two
   * @param stream of one of the two devices; null to be done when it returns
   * @throws LenoArgumentException if from is null, bytes negative, the two overlap, or the stream
   *     is of a third device
   * @throws LenoBufferException if bytes are more than one of the two has
   * @throws LenoStateException if one of the three is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void copyFrom(DeviceTensor from, long bytes, Stream stream) {
    Check.notNull(from, "from");
    requireBytes(bytes, from.bytes(), "source");
    requireBytes(bytes, bytes(), "tensor");
    from.handle.use(
        source -> {
          put(
              stream,
              from.handle,
              open -> to -> Native.leno_tensor_copy(open, first, source, from.first, bytes, to));
          return Native.LENO_OK;
        });
  }

  /**
   * Sets every byte.
   *
   * @param value 0 .. 255; 0 makes zeros of elements of any type
   * @param stream of the tensor's device; null to be done when it returns
   * @throws LenoArgumentException if value is outside its range, or the stream of another device
   * @throws LenoStateException if the tensor or the stream is closed
   * @throws LenoDeviceException if the driver reports an error
   */
  public void fill(int value, Stream stream) {
    put(stream, null, open -> to -> Native.leno_tensor_fill(open, first, value, bytes(), to));
  }

  private void write(long host, long bytes, Stream stream, Handle pinned) {
    put(stream, pinned, open -> to -> Native.leno_tensor_write(open, first, host, bytes, to));
  }

  private void read(long host, long bytes, Stream stream, Handle pinned) {
    put(stream, pinned, open -> to -> Native.leno_tensor_read(open, first, host, bytes, to));
  }

  /** A call of the C API that takes this tensor, then a stream. */
  private interface Transfer {
    Stream.Work of(long tensor);
  }

  private void put(Stream stream, Handle other, Transfer transfer) {
    long open = handle.acquire();
    try {
      Stream.put(stream, transfer.of(open), handle, other);
    } finally {
      handle.release();
    }
  }

  private void requireRoom(HostMemory host) {
    if (host.bytes() > bytes()) {
      throw new LenoBufferException(
          "host has " + host.bytes() + " bytes, expected at most the tensor's " + bytes());
    }
  }

  private void requireBytes(long bytes, long there, String owner) {
    Check.argument(bytes >= 0, "bytes is " + bytes + ", expected 0 or more");
    if (bytes > there) {
      throw new LenoBufferException(
          "bytes is " + bytes + ", expected at most the " + owner + "'s " + there);
    }
  }

  /**
   * Frees the memory once all work on the device is done, for which it waits. Graphs that use it
   * keep it until they are closed. Harmless when closed already.
   *
   * @throws LenoStateException if a call of another thread is using it; it stays open
   */
  @Override
  public void close() {
    if (whole == null) {
      handle.close();
    }
  }

  @Override
  public String toString() {
    return "DeviceTensor["
        + elements
        + " "
        + dtype
        + " on "
        + device.title()
        + (handle.closed() ? ", closed]" : "]");
  }
}
