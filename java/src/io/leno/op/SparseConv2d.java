package io.leno.op;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.LenoArgumentException;
import io.leno.LenoBufferException;
import io.leno.LenoShapeException;
import io.leno.LenoStateException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.internal.Check;
import io.leno.internal.ContextHandle;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.Library;
import io.leno.internal.OperatorHandle;
import io.leno.internal.Secrets;
import io.leno.internal.bindings.Native;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A 2-D convolution with sparse (or dense) weights: Y = act(X * W + bias), with a residual added
 * before or after the activation. A 1-D convolution is one of images of one row.
 *
 * <p>Weights are a matrix of filters x (R S C): one row per filter, the channels of a pixel side by
 * side; {@link #filters} makes it from the layout of PyTorch and ONNX. Images lie without gaps in
 * the operator's {@link ImageLayout}. When it is built, the operator times every kernel that can
 * run it, dense ones included, for each size of images named, and keeps the fastest; so it is never
 * slower than dense.
 *
 * <p>On a card, X, Y and the residual are memory of that card: {@link DeviceTensor}s, or raw
 * addresses of anybody's in the process. A forward is put on the context's {@linkplain
 * Context#stream stream} and returns; what goes wrong later is told by a later call, as {@link
 * Context#synchronize}.
 *
 * <p>An operator is immutable and may be shared by any number of threads, each with a {@link
 * Context} of its own that has been {@link #reserve reserved}. A forward allocates nothing. It
 * throws, and writes nothing:
 *
 * <ul>
 *   <li>{@link LenoStateException} if the operator or the context is closed, or another forward is
 *       running in the context;
 *   <li>{@link LenoArgumentException} if a size is outside its range, the context is one of another
 *       device, an argument is null, Y overlaps X, or a residual is missing or unexpected;
 *   <li>{@link LenoShapeException} if Y would be empty;
 *   <li>{@link LenoBufferException} if a buffer or the context's scratch memory is too small, an
 *       address misaligned, a buffer read-only or on the heap.
 * </ul>
 */
public final class SparseConv2d implements AutoCloseable {
  final OperatorHandle handle;
  private final long channels;
  private final long filters;
  private final ImageLayout layout;
  private final DType ioType;
  private final Operands operands;

  SparseConv2d(
      OperatorHandle handle,
      long channels,
      long filters,
      ImageLayout layout,
      DType ioType,
      boolean residual) {
    this.handle = handle;
    this.channels = channels;
    this.filters = filters;
    this.layout = layout;
    this.ioType = ioType;
    this.operands = new Operands(handle.device(), ioType, residual);
    handle.watch(this);
  }

  /**
   * Begins an operator.
   *
   * @param device where it runs; kept open by the operator
   * @param weights filters x (R S C / groups); may be closed once the operator is built
   * @param channels C, of X
   * @return a builder with the defaults: filters of one pixel, strides of 1, no pads, NCHW, nothing
   *     fused, images in float32 on the CPU, in the weights' type on a card; the sizes of images
   *     are to be set
   * @throws LenoArgumentException if an argument is null
   */
  public static SparseConv2dBuilder builder(Device device, PackedWeights weights, long channels) {
    return new SparseConv2dBuilder(device, weights, channels);
  }

  /**
   * Filters as the matrix that is pruned and packed.
   *
   * @param oihw filters x channels x height x width numbers, in this order (PyTorch, ONNX)
   * @param filters F, at least 1
   * @param channels of a group, at least 1
   * @param height R, at least 1
   * @param width S, at least 1
   * @return filters x (R S C)
   * @throws LenoShapeException if the array has another length than the product
   */
  public static Matrix filters(float[] oihw, int filters, int channels, int height, int width) {
    Check.notNull(oihw, "oihw");
    long count = (long) filters * channels * height * width;
    if (filters < 1 || channels < 1 || height < 1 || width < 1 || oihw.length != count) {
      throw new LenoShapeException(
          String.format(
              "oihw has length %d, expected %d x %d x %d x %d, each at least 1",
              oihw.length, filters, channels, height, width));
    }
    float[] rows = new float[oihw.length];
    int taps = height * width;
    for (int f = 0; f < filters; f++) {
      for (int c = 0; c < channels; c++) {
        for (int t = 0; t < taps; t++) {
          rows[(f * taps + t) * channels + c] = oihw[(f * channels + c) * taps + t];
        }
      }
    }
    return Matrix.of(rows, filters, (long) taps * channels);
  }

  /**
   * The convolution's kernels for the CPU, those that this machine cannot run too. Filters of one
   * pixel may also be run by {@link SparseLinear#kernels()}.
   *
   * @return names and refusals
   */
  public static List<SparseLinear.Kernel> kernels() {
    Library.load();
    List<SparseLinear.Kernel> kernels = new ArrayList<>();
    for (long i = 0; i < Native.leno_conv2d_kernel_count(); i++) {
      kernels.add(
          new SparseLinear.Kernel(
              Check.text(Native.leno_conv2d_kernel_name(i)),
              Check.text(Native.leno_conv2d_kernel_refusal(i))));
    }
    return List.copyOf(kernels);
  }

  /**
   * The convolution's kernels for devices of this kind.
   *
   * @param device the CPU or a card
   * @return all of this build, those that this device cannot run too
   * @throws LenoArgumentException if device is null
   * @throws LenoStateException if the device is closed
   */
  public static List<SparseLinear.Kernel> kernels(Device device) {
    DeviceHandle on = Secrets.get().handle(Check.notNull(device, "device"));
    List<SparseLinear.Kernel> kernels = new ArrayList<>();
    long open = on.acquire();
    try {
      for (long i = 0; i < Native.leno_conv2d_device_kernel_count(open); i++) {
        kernels.add(
            new SparseLinear.Kernel(
                Check.text(Native.leno_conv2d_device_kernel_name(open, i)),
                Check.text(Native.leno_conv2d_device_kernel_refusal(open, i))));
      }
    } finally {
      on.release();
    }
    return List.copyOf(kernels);
  }

  /**
   * Runs the convolution on raw addresses: the fast path, as for {@code MemorySegment.address()} or
   * {@code Pointer.address()}. What lies at the addresses cannot be checked: it must be the
   * caller's, large enough, and stay alive during the call.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param size of X; a batch of 0 does nothing
   * @param x address of X
   * @param residual address of the residual, as Y, or 0 for an operator without one; may be y
   * @param y address of Y; not overlapping x
   */
  public void forward(Context context, ImageSize size, long x, long residual, long y) {
    Check.notNull(size, "size");
    ContextHandle entered = handle.enter(context);
    try {
      Check.status(
          Native.leno_conv2d_forward(
              handle.address(),
              entered.address(),
              size.batch(),
              size.height(),
              size.width(),
              x,
              residual,
              y));
    } finally {
      leave(entered, context);
    }
  }

  /**
   * Runs the convolution on direct buffers, from their positions on, which stay.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param size of X; a batch of 0 does nothing
   * @param x direct, in native byte order
   * @param residual as y, for an operator with one; null else; may be y itself
   * @param y direct, in native byte order, not read-only
   */
  public void forward(
      Context context, ImageSize size, FloatBuffer x, FloatBuffer residual, FloatBuffer y) {
    operands.requireResidual(residual != null);
    operands.requireFloats();
    Operands.requireBuffer(x, "x", channels, pixels(size));
    long out = pixels(outSize(size));
    Operands.requireBuffer(y, "y", filters, out);
    Operands.requireWritable(y, "y");
    if (residual != null) {
      Operands.requireBuffer(residual, "residual", filters, out);
    }
    ContextHandle entered = handle.enter(context);
    try {
      Check.status(
          Native.leno_conv2d_forward(
              handle.address(),
              entered.address(),
              size.batch(),
              size.height(),
              size.width(),
              x,
              residual,
              y));
    } finally {
      leave(entered, context);
    }
  }

  /**
   * Runs the convolution on tensors of its CUDA device: puts it on the context's stream and
   * returns.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param size of X; a batch of 0 does nothing
   * @param x at least X's elements, of the operator's type
   * @param residual as y, for an operator with one; null else; may be y itself
   * @param y at least Y's elements, of the operator's type; not overlapping x
   */
  public void forward(
      Context context, ImageSize size, DeviceTensor x, DeviceTensor residual, DeviceTensor y) {
    operands.requireResidual(residual != null);
    operands.requireTensor(x, "x", channels, pixels(size));
    long out = pixels(outSize(size));
    operands.requireTensor(y, "y", filters, out);
    if (residual != null) {
      operands.requireTensor(residual, "residual", filters, out);
    }
    Secrets secrets = Secrets.get();
    Handle first = secrets.handle(x);
    Handle second = residual == null ? first : secrets.handle(residual);
    Handle third = secrets.handle(y);
    Operands.acquire(first, second, third);
    try {
      ContextHandle entered = handle.enter(context);
      try {
        entered.stream().uses(first);
        entered.stream().uses(second);
        entered.stream().uses(third);
        Check.status(
            Native.leno_conv2d_forward(
                handle.address(),
                entered.address(),
                size.batch(),
                size.height(),
                size.width(),
                x.address(),
                residual == null ? 0 : residual.address(),
                y.address()));
      } finally {
        leave(entered, context);
      }
    } finally {
      Operands.release(first, second, third);
    }
  }

  /**
   * Runs the convolution on Java arrays, which are copied in and out: convenient, not fast.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param size of X; a batch of 0 does nothing
   * @param x X
   * @param residual as y, for an operator with one; null else; not y itself
   * @param y Y
   */
  public void forward(Context context, ImageSize size, float[] x, float[] residual, float[] y) {
    operands.requireResidual(residual != null);
    operands.requireFloats();
    Operands.requireArray(x, "x", channels, pixels(size));
    long out = pixels(outSize(size));
    Operands.requireArray(y, "y", filters, out);
    if (residual != null) {
      Operands.requireArray(residual, "residual", filters, out);
    }
    Check.argument(
        x != y && residual != y, "y is the array of x or of the residual, expected one of its own");
    ContextHandle entered = handle.enter(context);
    try {
      Check.status(
          Native.leno_conv2d_forward(
              handle.address(),
              entered.address(),
              size.batch(),
              size.height(),
              size.width(),
              x,
              residual,
              y));
    } finally {
      leave(entered, context);
    }
  }

  private void leave(ContextHandle entered, Context context) {
    entered.leave();
    Reference.reachabilityFence(context);
    Reference.reachabilityFence(this);
  }

  /** Sizes that outSize() has let pass do not overflow. */
  private long pixels(ImageSize size) {
    outSize(size);
    return size.batch() * size.height() * size.width();
  }

  /**
   * The size of Y: floor((height + pads - dilation (R - 1) - 1) / stride) + 1 rows, columns alike.
   *
   * @param size of X
   * @return of the same batch
   * @throws LenoArgumentException if a size is outside its range
   * @throws LenoShapeException if Y would be empty
   * @throws LenoStateException if the operator is closed
   */
  public ImageSize outSize(ImageSize size) {
    Check.notNull(size, "size");
    Check.argument(
        size.batch() >= 0 && size.batch() <= 1 << 24,
        "batch is " + size.batch() + ", expected 0 .. 16777216");
    long[] height = new long[1];
    long[] width = new long[1];
    handle.use(
        open -> Native.leno_conv2d_out_size(open, size.height(), size.width(), height, width));
    return new ImageSize(size.batch(), height[0], width[0]);
  }

  /**
   * Channels of X.
   *
   * @return at least 1
   */
  public long channels() {
    return channels;
  }

  /**
   * Filters: channels of Y.
   *
   * @return at least 1
   */
  public long filters() {
    return filters;
  }

  /**
   * Scratch bytes that a forward on images of exactly this size needs in its context.
   *
   * @param size of X
   * @return bytes
   * @throws LenoArgumentException if a size is outside its range
   * @throws LenoShapeException if Y would be empty
   * @throws LenoStateException if the operator is closed
   */
  public long workspaceBytes(ImageSize size) {
    Check.notNull(size, "size");
    long[] bytes = new long[1];
    handle.use(
        open ->
            Native.leno_conv2d_workspace_size(
                open, size.batch(), size.height(), size.width(), bytes));
    return bytes[0];
  }

  /**
   * Makes a context large enough for forwards of this operator; it may serve others as well.
   *
   * @param context to enlarge
   * @param sizes of X that forwards will have
   * @throws LenoArgumentException if an argument is outside its range
   * @throws LenoShapeException if Y would be empty
   * @throws LenoStateException if the operator or the context is closed, or the context in use
   */
  public void reserve(Context context, ImageSize... sizes) {
    Check.notNull(context, "context");
    for (ImageSize size : Check.notNull(sizes, "sizes")) {
      context.reserve(workspaceBytes(size));
    }
  }

  /**
   * The kernel that serves images of this size.
   *
   * @param size of X
   * @return its name
   * @throws LenoArgumentException if a size is outside its range
   * @throws LenoShapeException if Y would be empty
   * @throws LenoStateException if the operator is closed
   */
  public String kernel(ImageSize size) {
    outSize(size);
    long open = handle.acquire();
    try {
      return Check.text(Native.leno_conv2d_kernel(open, size.batch(), size.height(), size.width()));
    } finally {
      handle.release();
    }
  }

  /**
   * Why the operator runs what it runs, for a reader: per size the kernel, the reason, and every
   * candidate with its measured time or what it was refused for. Sizes are told by their output
   * pixels.
   *
   * @return lines of text
   * @throws LenoStateException if the operator is closed
   */
  public String explain() {
    return Explanation.of(explainJson());
  }

  /**
   * The same for a program.
   *
   * @return a JSON object
   * @throws LenoStateException if the operator is closed
   */
  public String explainJson() {
    return handle.text(Native::leno_conv2d_explain_size, Native::leno_conv2d_explain);
  }

  /**
   * Frees the native memory. Harmless when closed already.
   *
   * @throws LenoStateException if a forward of another thread is running; the operator stays open
   */
  @Override
  public void close() {
    handle.close();
  }

  @Override
  public String toString() {
    return "SparseConv2d[" + channels + " -> " + filters + ", " + layout + ", " + ioType + "]";
  }
}
