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
import io.leno.internal.bindings.NativeLinearOptions;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * Collects what a {@link SparseLinear} is made of. Arrays are copied when they are given. Not for
 * several threads at once.
 */
public final class SparseLinearBuilder {
  private final Device device;
  private final PackedWeights weights;
  private Layout layout = Layout.TOKEN_MAJOR;
  private DType ioType; // null: what fits device and weights
  private Activation activation = Activation.NONE;
  private double negativeSlope = 0.01;
  private boolean residual;
  private double beta = 1;
  private float[] bias;
  private float[] normGain;
  private float[] normShift;
  private double normEpsilon = 1e-5;
  private long[] buckets;
  private String kernel;
  private Path planFile;

  SparseLinearBuilder(Device device, PackedWeights weights) {
    this.device = Check.notNull(device, "device");
    this.weights = Check.notNull(weights, "weights");
  }

  /**
   * The layout of X, Y and the residual.
   *
   * @param layout token-major unless set
   * @return this
   * @throws LenoArgumentException if layout is null
   */
  public SparseLinearBuilder layout(Layout layout) {
    this.layout = Check.notNull(layout, "layout");
    return this;
  }

  /**
   * The element type of X, Y and the residual. On the CPU {@link DType#F32}, which it is unless
   * set, or {@link DType#BF16}, whatever the weights are stored as. On a card the type of the
   * weights, {@link DType#F16} or {@link DType#BF16}; either with weights of {@link DType#E4M3},
   * where it is F16 unless set; or F32, where X is rounded to the type of the weights on its way
   * into the product, while sums, residual and Y stay F32.
   *
   * @param ioType one of these
   * @return this
   * @throws LenoArgumentException if ioType is null
   */
  public SparseLinearBuilder ioType(DType ioType) {
    this.ioType = Check.notNull(ioType, "ioType");
    return this;
  }

  /**
   * The function applied after the bias.
   *
   * @param activation none unless set; on a card neither RELU6, LEAKY_RELU nor HARD_SWISH
   * @return this
   * @throws LenoArgumentException if activation is null
   */
  public SparseLinearBuilder activation(Activation activation) {
    this.activation = Check.notNull(activation, "activation");
    return this;
  }

  /**
   * A leaky ReLU as the activation; on the CPU.
   *
   * @param negativeSlope what negative numbers are multiplied with; finite
   * @return this
   */
  public SparseLinearBuilder leakyRelu(double negativeSlope) {
    this.activation = Activation.LEAKY_RELU;
    this.negativeSlope = negativeSlope;
    return this;
  }

  /**
   * Added to X W^T.
   *
   * @param bias M values, finite
   * @return this
   * @throws LenoArgumentException if bias is null
   */
  public SparseLinearBuilder bias(float... bias) {
    this.bias = Check.notNull(bias, "bias").clone();
    return this;
  }

  /**
   * Whether forwards take a residual, which is added after the activation.
   *
   * @param residual false unless set
   * @return this
   */
  public SparseLinearBuilder residual(boolean residual) {
    this.residual = residual;
    return this;
  }

  /**
   * The factor of the residual, on a card; on the CPU it is 1.
   *
   * @param beta finite; 1 unless set
   * @return this
   */
  public SparseLinearBuilder beta(double beta) {
    this.beta = beta;
    return this;
  }

  /**
   * Layer normalisation over the M features of a token, last of all; token-major only.
   *
   * @param gain M values, finite
   * @param shift M values, finite
   * @param epsilon added to the variance; above 0
   * @return this
   * @throws LenoArgumentException if gain or shift is null
   */
  public SparseLinearBuilder layerNorm(float[] gain, float[] shift, double epsilon) {
    this.normGain = Check.notNull(gain, "gain").clone();
    this.normShift = Check.notNull(shift, "shift").clone();
    this.normEpsilon = epsilon;
    return this;
  }

  /**
   * The numbers of tokens to choose kernels for. A bucket serves the numbers above the one below
   * it; the last serves all larger ones too.
   *
   * @param buckets 1 to 16 numbers, ascending, each at least 1; {1, 16, 128} unless set
   * @return this
   * @throws LenoArgumentException if buckets is null or empty
   */
  public SparseLinearBuilder buckets(long... buckets) {
    Check.argument(
        Check.notNull(buckets, "buckets").length > 0, "buckets is empty, expected 1 to 16 numbers");
    this.buckets = buckets.clone();
    return this;
  }

  /**
   * Uses this kernel alone, unmeasured.
   *
   * @param kernel a name of {@link SparseLinear#kernels()}
   * @return this
   * @throws LenoArgumentException if kernel is null
   */
  public SparseLinearBuilder kernel(String kernel) {
    this.kernel = Check.notNull(kernel, "kernel");
    return this;
  }

  /**
   * Keeps choices in this file and reuses them, so that the next start measures nothing. The file
   * is keyed by processor, or card and driver, and library version.
   *
   * @param planFile made where it does not exist
   * @return this
   * @throws LenoArgumentException if planFile is null
   */
  public SparseLinearBuilder planFile(Path planFile) {
    this.planFile = Check.notNull(planFile, "planFile");
    return this;
  }

  /**
   * Prepares the weights, measures the candidates where no plan has them, and keeps the fastest per
   * bucket. This takes its time: milliseconds per candidate and bucket.
   *
   * @return a new operator, which the caller closes
   * @throws LenoArgumentException if an option is outside what it may be, or no kernel has the name
   *     given
   * @throws io.leno.LenoShapeException if the length of bias, gain or shift is not M
   * @throws io.leno.LenoUnsupportedException if the kernel named cannot run here, or not these
   *     weights, or the device has no kernels for the types of weights and activations, or for beta
   * @throws io.leno.LenoNotFiniteException if a number of bias, gain or shift, or beta, is not
   *     finite
   * @throws io.leno.LenoOutOfMemoryException if the memory of host or card does not hold the
   *     weights
   * @throws io.leno.LenoDeviceException if the driver reports an error
   * @throws io.leno.LenoIOException if the plan file cannot be read or written
   * @throws io.leno.LenoStateException if the device or the weights are closed
   */
  @SuppressWarnings("try") // the scope frees what the options point to
  public SparseLinear build() {
    Check.argument(
        normGain == null || normGain.length == normShift.length,
        "gain and shift have lengths "
            + (normGain == null ? 0 : normGain.length)
            + " and "
            + (normShift == null ? 0 : normShift.length)
            + ", expected the same");
    DeviceHandle deviceHandle = Secrets.get().handle(device);
    Handle packed = Secrets.get().handle(weights);
    DType io = ioType == null ? IoType.usual(deviceHandle, weights.dtype()) : ioType;
    long[] out = new long[1];
    long openDevice = deviceHandle.acquire();
    try (PointerScope scope = new PointerScope()) {
      NativeLinearOptions options = options(io);
      packed.use(open -> Native.leno_linear_create(openDevice, open, options, out));
      OperatorHandle handle =
          new OperatorHandle("SparseLinear", out[0], Native::leno_linear_destroy, deviceHandle);
      return new SparseLinear(handle, weights.rows(), weights.columns(), layout, io, residual);
    } finally {
      deviceHandle.release();
    }
  }

  /** The options for the C API; what they point to lives as long as the surrounding scope. */
  private NativeLinearOptions options(DType io) {
    NativeLinearOptions options = new NativeLinearOptions();
    Check.status(Native.leno_linear_options_init(options));
    options
        .layout(layout.code())
        .io_dtype(io.code())
        .activation(activation.code())
        .residual(residual ? 1 : 0)
        .beta(beta)
        .negative_slope(negativeSlope)
        .norm_epsilon(normEpsilon);
    if (bias != null) {
      options.bias(copy(bias)).bias_count(bias.length);
    }
    if (normGain != null) {
      options.norm_gain(copy(normGain)).norm_shift(copy(normShift)).norm_count(normGain.length);
    }
    if (buckets != null) {
      options.buckets(new LongPointer(buckets)).buckets_count(buckets.length);
    }
    if (kernel != null) {
      options.kernel(new BytePointer(kernel, StandardCharsets.UTF_8));
    }
    if (planFile != null) {
      options.plan_file(new BytePointer(planFile.toString(), StandardCharsets.UTF_8));
    }
    return options;
  }

  /** An empty array has an address too, so that the C API sees a count of 0 beside it. */
  private static FloatPointer copy(float[] values) {
    return new FloatPointer(Math.max(1, values.length)).put(values);
  }
}
