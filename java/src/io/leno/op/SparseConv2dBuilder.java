package io.leno.op;

import io.leno.DType;
import io.leno.Device;
import io.leno.LenoArgumentException;
import io.leno.PackedWeights;
import io.leno.internal.Check;
import io.leno.internal.DeviceHandle;
import io.leno.internal.Handle;
import io.leno.internal.OperatorHandle;
import io.leno.internal.Secrets;
import io.leno.internal.bindings.Native;
import io.leno.internal.bindings.NativeConv2dOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Collects what a {@link SparseConv2d} is made of. Arrays are copied when they are given. Not for
 * several threads at once.
 */
public final class SparseConv2dBuilder {
  private final Device device;
  private final PackedWeights weights;
  private final long channels;
  private long kernelHeight = 1;
  private long kernelWidth = 1;
  private long strideHeight = 1;
  private long strideWidth = 1;
  private long dilationHeight = 1;
  private long dilationWidth = 1;
  private long[] pads = {0, 0, 0, 0};
  private long groups = 1;
  private ImageLayout layout = ImageLayout.NCHW;
  private DType ioType; // null: what fits device and weights
  private Activation activation = Activation.NONE;
  private double negativeSlope = 0.01;
  private Residual residual = Residual.NONE;
  private float[] bias;
  private ImageSize[] sizes = {};
  private String kernel;
  private Path planFile;

  SparseConv2dBuilder(Device device, PackedWeights weights, long channels) {
    this.device = Check.notNull(device, "device");
    this.weights = Check.notNull(weights, "weights");
    this.channels = channels;
  }

  /**
   * Rows and columns of a filter.
   *
   * @param height R, 1 unless set
   * @param width S, 1 unless set
   * @return this
   */
  public SparseConv2dBuilder kernelSize(long height, long width) {
    this.kernelHeight = height;
    this.kernelWidth = width;
    return this;
  }

  /**
   * Input pixels from an output pixel to the next.
   *
   * @param height at least 1, which it is unless set
   * @param width at least 1, which it is unless set
   * @return this
   */
  public SparseConv2dBuilder stride(long height, long width) {
    this.strideHeight = height;
    this.strideWidth = width;
    return this;
  }

  /**
   * Input pixels from a weight of a filter to the next.
   *
   * @param height at least 1, which it is unless set
   * @param width at least 1, which it is unless set
   * @return this
   */
  public SparseConv2dBuilder dilation(long height, long width) {
    this.dilationHeight = height;
    this.dilationWidth = width;
    return this;
  }

  /**
   * Zeros around the images: each less than the filter's extent, dilation and all.
   *
   * @param top rows above, 0 unless set
   * @param left columns before, 0 unless set
   * @param bottom rows below, 0 unless set
   * @param right columns behind, 0 unless set
   * @return this
   */
  public SparseConv2dBuilder pads(long top, long left, long bottom, long right) {
    this.pads = new long[] {top, left, bottom, right};
    return this;
  }

  /**
   * Groups of the convolution: filter f of F sees the channels of group f / (F / groups) alone.
   *
   * @param groups a divisor of channels and filters; 1 unless set
   * @return this
   */
  public SparseConv2dBuilder groups(long groups) {
    this.groups = groups;
    return this;
  }

  /**
   * The layout of X, Y and the residual.
   *
   * @param layout NCHW unless set
   * @return this
   * @throws LenoArgumentException if layout is null
   */
  public SparseConv2dBuilder layout(ImageLayout layout) {
    this.layout = Check.notNull(layout, "layout");
    return this;
  }

  /**
   * The element type of X, Y and the residual: on the CPU {@link DType#F32}, which it is unless
   * set, or {@link DType#BF16}; on a card the weights' type, which it is unless set, or {@link
   * DType#F32}, rounded to that of the weights when it is read.
   *
   * @param ioType one of these
   * @return this
   * @throws LenoArgumentException if ioType is null
   */
  public SparseConv2dBuilder ioType(DType ioType) {
    this.ioType = Check.notNull(ioType, "ioType");
    return this;
  }

  /**
   * The function applied after the bias.
   *
   * @param activation none unless set
   * @return this
   * @throws LenoArgumentException if activation is null
   */
  public SparseConv2dBuilder activation(Activation activation) {
    this.activation = Check.notNull(activation, "activation");
    return this;
  }

  /**
   * A leaky ReLU as the activation.
   *
   * @param negativeSlope what negative numbers are multiplied with; finite
   * @return this
   */
  public SparseConv2dBuilder leakyRelu(double negativeSlope) {
    this.activation = Activation.LEAKY_RELU;
    this.negativeSlope = negativeSlope;
    return this;
  }

  /**
   * Whether forwards take a residual, and where it is added.
   *
   * @param residual none unless set
   * @return this
   * @throws LenoArgumentException if residual is null
   */
  public SparseConv2dBuilder residual(Residual residual) {
    this.residual = Check.notNull(residual, "residual");
    return this;
  }

  /**
   * Added to each filter's sums.
   *
   * @param bias a value per filter, finite
   * @return this
   * @throws LenoArgumentException if bias is null
   */
  public SparseConv2dBuilder bias(float... bias) {
    this.bias = Check.notNull(bias, "bias").clone();
    return this;
  }

  /**
   * The sizes of X to choose kernels for. Others take the kernel of the next larger one, by the
   * number of output pixels, or of the largest.
   *
   * @param sizes 1 to 16
   * @return this
   * @throws LenoArgumentException if sizes or one of them is null
   */
  public SparseConv2dBuilder sizes(ImageSize... sizes) {
    for (ImageSize size : Check.notNull(sizes, "sizes")) {
      Check.notNull(size, "sizes");
    }
    this.sizes = sizes.clone();
    return this;
  }

  /**
   * Uses this kernel alone, unmeasured.
   *
   * @param kernel a name of {@link SparseConv2d#kernels()}, or of {@link SparseLinear#kernels()}
   *     where filters are one pixel
   * @return this
   * @throws LenoArgumentException if kernel is null
   */
  public SparseConv2dBuilder kernel(String kernel) {
    this.kernel = Check.notNull(kernel, "kernel");
    return this;
  }

  /**
   * Keeps choices in this file and reuses them, so that the next start measures nothing.
   *
   * @param planFile made where it does not exist
   * @return this
   * @throws LenoArgumentException if planFile is null
   */
  public SparseConv2dBuilder planFile(Path planFile) {
    this.planFile = Check.notNull(planFile, "planFile");
    return this;
  }

  /**
   * Prepares the weights, measures the candidates where no plan has them, and keeps the fastest per
   * size. This takes its time: milliseconds per candidate and size.
   *
   * @return a new operator, which the caller closes
   * @throws LenoArgumentException if an option is outside what it may be, no size was given, or no
   *     kernel has the name given
   * @throws io.leno.LenoShapeException if weights, channels, groups and filter size do not fit each
   *     other, or Y would be empty
   * @throws io.leno.LenoUnsupportedException if the kernel named cannot run here, or not these
   *     weights, or there are no kernels for the types of weights and images
   * @throws io.leno.LenoNotFiniteException if a number of the bias or the slope is not finite
   * @throws io.leno.LenoOutOfMemoryException if memory does not hold the weights
   * @throws io.leno.LenoIOException if the plan file cannot be read or written
   * @throws io.leno.LenoStateException if the device or the weights are closed
   */
  @SuppressWarnings("try") // the scope frees what the options point to
  public SparseConv2d build() {
    DeviceHandle deviceHandle = Secrets.get().handle(device);
    Handle packed = Secrets.get().handle(weights);
    long[] out = new long[1];
    long openDevice = deviceHandle.acquire();
    try (PointerScope scope = new PointerScope()) {
      DType io = ioType == null ? IoType.usual(deviceHandle, weights.dtype()) : ioType;
      NativeConv2dOptions options = options(io);
      packed.use(open -> Native.leno_conv2d_create(openDevice, open, options, out));
      OperatorHandle handle =
          new OperatorHandle("SparseConv2d", out[0], Native::leno_conv2d_destroy, deviceHandle);
      return new SparseConv2d(
          handle, channels, weights.rows(), layout, io, residual != Residual.NONE);
    } finally {
      deviceHandle.release();
    }
  }

  /** The options for the C API; what they point to lives as long as the surrounding scope. */
  private NativeConv2dOptions options(DType io) {
    NativeConv2dOptions options = new NativeConv2dOptions();
    Check.status(Native.leno_conv2d_options_init(options));
    options
        .channels(channels)
        .groups(groups)
        .kernel_height(kernelHeight)
        .kernel_width(kernelWidth)
        .stride_height(strideHeight)
        .stride_width(strideWidth)
        .dilation_height(dilationHeight)
        .dilation_width(dilationWidth)
        .pad_top(pads[0])
        .pad_left(pads[1])
        .pad_bottom(pads[2])
        .pad_right(pads[3])
        .layout(layout.code())
        .io_dtype(io.code())
        .activation(activation.code())
        .negative_slope(negativeSlope)
        .residual(residual.code());
    if (bias != null) {
      options.bias(new FloatPointer(Math.max(1, bias.length)).put(bias)).bias_count(bias.length);
    }
    LongPointer triples = new LongPointer(Math.max(1, 3 * sizes.length));
    for (int i = 0; i < sizes.length; i++) {
      triples.put(3L * i, sizes[i].batch());
      triples.put(3L * i + 1, sizes[i].height());
      triples.put(3L * i + 2, sizes[i].width());
    }
    options.sizes(triples).sizes_count(sizes.length);
    if (kernel != null) {
      options.kernel(new BytePointer(kernel, StandardCharsets.UTF_8));
    }
    if (planFile != null) {
      options.plan_file(new BytePointer(planFile.toString(), StandardCharsets.UTF_8));
    }
    return options;
  }
}
