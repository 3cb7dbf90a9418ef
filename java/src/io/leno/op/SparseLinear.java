package io.leno.op;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.LenoArgumentException;
import io.leno.LenoBufferException;
import io.leno.LenoStateException;
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
import org.bytedeco.javacpp.Pointer;

/**
 * A linear layer with sparse (or dense) weights: Y = norm(act(X W^T + bias) + beta residual).
 *
 * <p>X has N tokens of K features, Y and the residual N tokens of M features, in the operator's
 * {@link Layout} and element type. When it is built, the operator times every kernel that can run
 * it, dense ones included, for each number of tokens named, and keeps the fastest; so it is never
 * slower than dense.
 *
 * <p>On a card, X, Y and the residual are memory of that card: {@link DeviceTensor}s, or raw
 * addresses and JavaCPP pointers of anybody's in the process. A forward is put on the context's
 * {@linkplain Context#stream stream} and returns; what goes wrong later is told by a later call, as
 * {@link Context#synchronize}. Addresses and strides of whole 16 bytes are the fast case.
 *
 * <p>An operator is immutable and may be shared by any number of threads, each with a {@link
 * Context} of its own that has been {@link #reserve reserved}. A forward allocates nothing and
 * takes no lock. It throws, and writes nothing:
 *
 * <ul>
 *   <li>{@link LenoStateException} if the operator or the context is closed, or another forward is
 *       running in the context;
 *   <li>{@link LenoArgumentException} if tokens is negative, the context or the memory is one of
 *       another device, an argument is null, Y overlaps X, or a residual is missing or unexpected;
 *   <li>{@link io.leno.LenoShapeException} if a stride is smaller than what it spans;
 *   <li>{@link LenoBufferException} if a buffer or the context's scratch memory is too small, an
 *       address misaligned, a buffer read-only or on the heap;
 *   <li>{@link io.leno.LenoUnsupportedException} if there are more tokens than the operator serves,
 *       or if cuBLASLt was chosen and has no algorithm for these strides and alignments;
 *   <li>{@link io.leno.LenoDeviceException} if the driver of a card reports an error.
 * </ul>
 */
public final class SparseLinear implements AutoCloseable {
  final OperatorHandle handle;
  private final long rows;
  private final long columns;
  private final Layout layout;
  private final DType ioType;
  private final Operands operands;

  SparseLinear(
      OperatorHandle handle,
      long rows,
      long columns,
      Layout layout,
      DType ioType,
      boolean residual) {
    this.handle = handle;
    this.rows = rows;
    this.columns = columns;
    this.layout = layout;
    this.ioType = ioType;
    this.operands = new Operands(handle.device(), ioType, residual);
    handle.watch(this);
  }

  /**
   * Begins an operator.
   *
   * @param device where it runs; kept open by the operator
   * @param weights M x K; may be closed once the operator is built
   * @return a builder with the defaults: token-major, nothing fused, buckets {1, 16, 128}; X and Y
   *     in float32 on the CPU, in the weights' type on a card (float16 with float8 weights)
   * @throws LenoArgumentException if an argument is null
   */
  public static SparseLinearBuilder builder(Device device, PackedWeights weights) {
    return new SparseLinearBuilder(device, weights);
  }

  /**
   * A kernel of this build.
   *
   * @param name dtype, operator, pattern, tile and instruction set or architecture
   * @param refusal why this machine, or a device, cannot run it; empty where it can
   */
  public record Kernel(String name, String refusal) {}

  /**
   * The kernels for the CPU. {@link #kernels(Device)} has those for a card.
   *
   * @return all of this build, those that this machine cannot run too
   */
  public static List<Kernel> kernels() {
    Library.load();
    List<Kernel> kernels = new ArrayList<>();
    for (long i = 0; i < Native.leno_linear_kernel_count(); i++) {
      kernels.add(
          new Kernel(
              Check.text(Native.leno_linear_kernel_name(i)),
              Check.text(Native.leno_linear_kernel_refusal(i))));
    }
    return List.copyOf(kernels);
  }

  /**
   * The kernels for devices of this kind.
   *
   * @param device the CPU or a card
   * @return all of this build, those that this device cannot run too
   * @throws LenoArgumentException if device is null
   * @throws LenoStateException if the device is closed
   */
  public static List<Kernel> kernels(Device device) {
    DeviceHandle on = Secrets.get().handle(Check.notNull(device, "device"));
    List<Kernel> kernels = new ArrayList<>();
    long open = on.acquire();
    try {
      for (long i = 0; i < Native.leno_linear_device_kernel_count(open); i++) {
        kernels.add(
            new Kernel(
                Check.text(Native.leno_linear_device_kernel_name(open, i)),
                Check.text(Native.leno_linear_device_kernel_refusal(open, i))));
      }
    } finally {
      on.release();
    }
    return List.copyOf(kernels);
  }

  /**
   * Runs the layer on raw addresses, contiguous: the fast path, as for {@code
   * MemorySegment.address()} or {@code Pointer.address()}. What lies at the addresses cannot be
   * checked: it must be the caller's, large enough, and stay alive during the call.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x address of N * K elements
   * @param y address of N * M elements; not overlapping x
   */
  public void forward(Context context, long tokens, long x, long y) {
    forward(context, tokens, x, strideOf(columns, tokens), 0, 0, y, strideOf(rows, tokens));
  }

  /**
   * Runs the layer on raw addresses with a residual and leading strides. What lies at the addresses
   * cannot be checked: it must be the caller's, large enough, and stay alive during the call.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x address of X
   * @param ldx elements from a line to the next: at least K token-major, at least N feature-major
   * @param residual address of the residual, or 0 for an operator without one; may be y itself
   * @param ldresidual as ldy; ignored without a residual
   * @param y address of Y; not overlapping x
   * @param ldy elements from a line to the next: at least M token-major, at least N feature-major
   */
  public void forward(
      Context context,
      long tokens,
      long x,
      long ldx,
      long residual,
      long ldresidual,
      long y,
      long ldy) {
    ContextHandle entered = handle.enter(context);
    try {
      int status =
          Native.leno_linear_forward(
              handle.address(), entered.address(), tokens, x, ldx, residual, ldresidual, y, ldy);
      Check.status(status);
    } finally {
      entered.leave();
      Reference.reachabilityFence(context);
      Reference.reachabilityFence(this);
    }
  }

  /**
   * Runs the layer on direct buffers, contiguous, from their positions on, which stay.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x at least N * K remaining floats, direct, in native byte order
   * @param y at least N * M remaining floats, direct, in native byte order, not read-only
   */
  public void forward(Context context, long tokens, FloatBuffer x, FloatBuffer y) {
    operands.requireResidual(false);
    run(context, tokens, x, null, y);
  }

  /**
   * Runs the layer with a residual on direct buffers, contiguous, from their positions on, which
   * stay.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x at least N * K remaining floats, direct, in native byte order
   * @param residual at least N * M remaining floats, direct, in native byte order; may be y itself
   * @param y at least N * M remaining floats, direct, in native byte order, not read-only
   */
  public void forward(
      Context context, long tokens, FloatBuffer x, FloatBuffer residual, FloatBuffer y) {
    operands.requireResidual(true);
    Operands.requireBuffer(residual, "residual", rows, tokens);
    run(context, tokens, x, residual, y);
  }

  /**
   * Runs the layer on Java arrays, contiguous. The arrays are copied in and out: convenient, not
   * fast.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x at least N * K floats
   * @param y at least N * M floats
   */
  public void forward(Context context, long tokens, float[] x, float[] y) {
    operands.requireResidual(false);
    run(context, tokens, x, null, y);
  }

  /**
   * Runs the layer with a residual on Java arrays, contiguous. The arrays are copied in and out:
   * convenient, not fast.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x at least N * K floats
   * @param residual at least N * M floats; not y itself
   * @param y at least N * M floats
   */
  public void forward(Context context, long tokens, float[] x, float[] residual, float[] y) {
    operands.requireResidual(true);
    Operands.requireArray(residual, "residual", rows, tokens);
    run(context, tokens, x, residual, y);
  }

  /**
   * Runs the layer on JavaCPP pointers, contiguous, from their positions on, of any element type. A
   * pointer that knows its limit is checked against it.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x N * K elements of the operator's type
   * @param y N * M elements of the operator's type
   */
  public void forward(Context context, long tokens, Pointer x, Pointer y) {
    operands.requireResidual(false);
    run(context, tokens, x, null, y);
  }

  /**
   * Runs the layer with a residual on JavaCPP pointers, contiguous, from their positions on, of any
   * element type. A pointer that knows its limit is checked against it.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x N * K elements of the operator's type
   * @param residual N * M elements of the operator's type; may be y itself
   * @param y N * M elements of the operator's type
   */
  public void forward(Context context, long tokens, Pointer x, Pointer residual, Pointer y) {
    operands.requireResidual(true);
    operands.requirePointer(residual, "residual", rows, tokens);
    run(context, tokens, x, residual, y);
  }

  /**
   * Runs the layer on tensors of its CUDA device, contiguous: puts it on the context's stream and
   * returns.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x at least N * K elements of the operator's type
   * @param y at least N * M elements of the operator's type; not overlapping x
   */
  public void forward(Context context, long tokens, DeviceTensor x, DeviceTensor y) {
    operands.requireResidual(false);
    run(context, tokens, x, null, y);
  }

  /**
   * Runs the layer with a residual on tensors of its CUDA device, contiguous: puts it on the
   * context's stream and returns.
   *
   * @param context of the operator's device, reserved, and used by no other thread now
   * @param tokens N, at least 0; 0 does nothing
   * @param x at least N * K elements of the operator's type
   * @param residual at least N * M elements of the operator's type; may be y itself
   * @param y at least N * M elements of the operator's type; not overlapping x
   */
  public void forward(
      Context context, long tokens, DeviceTensor x, DeviceTensor residual, DeviceTensor y) {
    operands.requireResidual(true);
    operands.requireTensor(residual, "residual", rows, tokens);
    run(context, tokens, x, residual, y);
  }

  private void run(
      Context context, long tokens, DeviceTensor x, DeviceTensor residual, DeviceTensor y) {
    operands.requireTensor(x, "x", columns, tokens);
    operands.requireTensor(y, "y", rows, tokens);
    Secrets secrets = Secrets.get();
    Handle first = secrets.handle(x);
    Handle second = residual == null ? first : secrets.handle(residual);
    Handle third = secrets.handle(y);
    long ldx = strideOf(columns, tokens);
    long ldy = strideOf(rows, tokens);
    Operands.acquire(first, second, third);
    try {
      ContextHandle entered = handle.enter(context);
      try {
        entered.stream().uses(first);
        entered.stream().uses(second);
        entered.stream().uses(third);
        long added = residual == null ? 0 : residual.address();
        int status =
            Native.leno_linear_forward(
                handle.address(),
                entered.address(),
                tokens,
                x.address(),
                ldx,
                added,
                ldy,
                y.address(),
                ldy);
        Check.status(status);
      } finally {
        entered.leave();
        Reference.reachabilityFence(context);
        Reference.reachabilityFence(this);
      }
    } finally {
      Operands.release(first, second, third);
    }
  }

  /** Of contiguous activations. */
  private long strideOf(long features, long tokens) {
    return layout == Layout.TOKEN_MAJOR ? features : tokens;
  }

  private void run(
      Context context, long tokens, FloatBuffer x, FloatBuffer residual, FloatBuffer y) {
    operands.requireFloats();
    Operands.requireBuffer(x, "x", columns, tokens);
    Operands.requireBuffer(y, "y", rows, tokens);
    Operands.requireWritable(y, "y");
    long ldx = strideOf(columns, tokens);
    long ldy = strideOf(rows, tokens);
    ContextHandle entered = handle.enter(context);
    try {
      int status =
          Native.leno_linear_forward(
              handle.address(), entered.address(), tokens, x, ldx, residual, ldy, y, ldy);
      Check.status(status);
    } finally {
      entered.leave();
      Reference.reachabilityFence(context);
      Reference.reachabilityFence(this);
    }
  }

  private void run(Context context, long tokens, float[] x, float[] residual, float[] y) {
    operands.requireFloats();
    Operands.requireArray(x, "x", columns, tokens);
    Operands.requireArray(y, "y", rows, tokens);
    Check.argument(
        x != y && residual != y, "y is the array of x or of the residual, expected one of its own");
    long ldx = strideOf(columns, tokens);
    long ldy = strideOf(rows, tokens);
    ContextHandle entered = handle.enter(context);
    try {
      int status =
          Native.leno_linear_forward(
              handle.address(), entered.address(), tokens, x, ldx, residual, ldy, y, ldy);
      Check.status(status);
    } finally {
      entered.leave();
      Reference.reachabilityFence(context);
      Reference.reachabilityFence(this);
    }
  }

  private void run(Context context, long tokens, Pointer x, Pointer residual, Pointer y) {
    operands.requirePointer(x, "x", columns, tokens);
    operands.requirePointer(y, "y", rows, tokens);
    long ldx = strideOf(columns, tokens);
    long ldy = strideOf(rows, tokens);
    ContextHandle entered = handle.enter(context);
    try {
      int status =
          Native.leno_linear_forward(
              handle.address(), entered.address(), tokens, x, ldx, residual, ldy, y, ldy);
      Check.status(status);
    } finally {
      entered.leave();
      Reference.reachabilityFence(context);
      Reference.reachabilityFence(this);
    }
  }

  /**
   * M: features of the output.
   *
   * @return at least 1
   */
  public long rows() {
    return rows;
  }

  /**
   * K: features of the input.
   *
   * @return at least 1
   */
  public long columns() {
    return columns;
  }

  /**
   * Scratch bytes that a forward of up to this many tokens needs in its context.
   *
   * @param maxTokens at least 0
   * @return bytes
   * @throws LenoArgumentException if maxTokens is outside its range
   * @throws LenoStateException if the operator is closed
   */
  public long workspaceBytes(long maxTokens) {
    long[] bytes = new long[1];
    handle.use(open -> Native.leno_linear_workspace_size(open, maxTokens, bytes));
    return bytes[0];
  }

  /**
   * Makes a context large enough for forwards of this operator; it may serve others as well.
   *
   * @param context to enlarge
   * @param maxTokens the most tokens that a forward will have
   * @throws LenoArgumentException if an argument is outside its range
   * @throws LenoStateException if the operator or the context is closed, or the context in use
   */
  public void reserve(Context context, long maxTokens) {
    Check.notNull(context, "context").reserve(workspaceBytes(maxTokens));
  }

  /**
   * The kernel that serves this number of tokens.
   *
   * @param tokens at least 1
   * @return its name
   * @throws LenoArgumentException if tokens is below 1
   * @throws LenoStateException if the operator is closed
   */
  public String kernel(long tokens) {
    Check.argument(tokens >= 1, "tokens is " + tokens + ", expected 1 or more");
    long open = handle.acquire();
    try {
      return Check.text(Native.leno_linear_kernel(open, tokens));
    } finally {
      handle.release();
    }
  }

  /**
   * Why the operator runs what it runs, for a reader: per bucket the kernel, the reason, and every
   * candidate with its measured time or what it was refused for.
   *
   * @return lines of text
   * @throws LenoStateException if the operator is closed
   */
  public String explain() {
    return Explanation.of(explainJson());
  }

  /**
   * Why the operator runs what it runs, for a program: the candidates of every bucket, their
   * measured times, refusals, and the reason of the choice.
   *
   * @return a JSON object
   * @throws LenoStateException if the operator is closed
   */
  public String explainJson() {
    return handle.text(Native::leno_linear_explain_size, Native::leno_linear_explain);
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
    return "SparseLinear[" + rows + " x " + columns + ", " + layout + ", " + ioType + "]";
  }
}
