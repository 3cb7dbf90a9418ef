package io.leno.op;

import static io.leno.op.Layer.K;
import static io.leno.op.Layer.M;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import io.leno.Calibration;
import io.leno.Context;
import io.leno.DType;
import io.leno.Importance;
import io.leno.LenoArgumentException;
import io.leno.LenoBufferException;
import io.leno.LenoException;
import io.leno.LenoFormatException;
import io.leno.LenoNotFiniteException;
import io.leno.LenoShapeException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Pruning;
import io.leno.SearchOptions;
import io.leno.Truth;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What a caller can get wrong: each is told by type, argument, value and expectation, and nothing
 * is written.
 */
class BadInputTest {
  private static Layer layer;
  private static Layer withResidual;
  private static Matrix weights;

  @BeforeAll
  static void open() {
    layer = new Layer();
    withResidual = new Layer(DType.F32, b -> b.residual(true));
    weights = layer.weights;
  }

  @AfterAll
  static void close() {
    layer.close();
    withResidual.close();
  }

  /** A forward of buffers that are right, but for what the row spoils. */
  private static final class Call {
    Context context = layer.context;
    long tokens = 2;
    FloatBuffer x = Layer.direct(Truth.random(2 * K, 1));
    final FloatBuffer written = Layer.poisoned(2 * M + 8);
    FloatBuffer y = written.duplicate();

    void run() {
      layer.op.forward(context, tokens, x, y);
    }
  }

  static Stream<Arguments> forwards() {
    return Stream.of(
        forward("context is null", LenoArgumentException.class, c -> c.context = null),
        forward("x is null", LenoArgumentException.class, c -> c.x = null),
        forward("y is null", LenoArgumentException.class, c -> c.y = null),
        forward("tokens is -1", LenoArgumentException.class, c -> c.tokens = -1),
        forward(
            "tokens is " + Long.MIN_VALUE,
            LenoArgumentException.class,
            c -> c.tokens = Long.MIN_VALUE),
        forward(
            "x has 48 elements, expected tokens x features = 3 x 24",
            LenoBufferException.class,
            c -> c.tokens = 3),
        forward("x has 48 elements", LenoBufferException.class, c -> c.tokens = Long.MAX_VALUE),
        forward("x has 47 elements", LenoBufferException.class, c -> c.x.position(1)),
        forward("y has 73 elements", LenoBufferException.class, c -> c.y.limit(2 * M - 1)),
        forward(
            "x is a heap buffer",
            LenoBufferException.class,
            c -> c.x = FloatBuffer.allocate(2 * K)),
        forward(
            "y is a heap buffer",
            LenoBufferException.class,
            c -> c.y = FloatBuffer.allocate(2 * M)),
        forward("y is read-only", LenoBufferException.class, c -> c.y = c.y.asReadOnlyBuffer()),
        forward("x is BIG_ENDIAN", LenoBufferException.class, c -> c.x = foreign(2 * K)),
        forward("y is BIG_ENDIAN", LenoBufferException.class, c -> c.y = foreign(2 * M)),
        forward("x is at 0x", LenoBufferException.class, c -> c.x = misaligned(2 * K)),
        forward(
            "overlaps x",
            LenoArgumentException.class,
            c -> c.x = c.written.duplicate().position(8)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("forwards")
  void forwardIsRefused(String message, Class<? extends LenoException> type, Consumer<Call> spoil) {
    Call call = new Call();
    spoil.accept(call);
    assertRefused(message, type, call::run);
    for (int i = 0; i < call.written.limit(); i++) {
      assertTrue(Float.isNaN(call.written.get(i)));
    }
  }

  static Stream<Arguments> others() {
    float[] x = new float[K];
    float[] y = new float[M];
    Pointer none = new FloatPointer();
    return Stream.of(
        // Forwards that are no buffers.
        other(
            "x is NULL",
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, 1, 0L, 64L)),
        other(
            "y is NULL",
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, 1, 64L, 0L)),
        other(
            "ldx is 23, expected 24",
            LenoShapeException.class,
            () -> layer.op.forward(layer.context, 1, 4096, 23, 0, 0, 8192, M)),
        other(
            "ldy is 36, expected 37",
            LenoShapeException.class,
            () -> layer.op.forward(layer.context, 1, 4096, K, 0, 0, 8192, 36)),
        other(
            "tokens is -5",
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, -5, 4096L, 8192L)),
        other(
            "tokens is " + Long.MAX_VALUE,
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, Long.MAX_VALUE, 4096L, 8192L)),
        other(
            "expected NULL",
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, 1, 4096, K, 4096, M, 8192, M)),
        other(
            "residual is missing",
            LenoArgumentException.class,
            () -> withResidual.op.forward(withResidual.context, 1, x, y)),
        other(
            "residual is NULL",
            LenoArgumentException.class,
            () -> withResidual.op.forward(withResidual.context, 1, 4096L, 8192L)),
        other(
            "residual is given",
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, 1, x, y, y)),
        other(
            "residual is null",
            LenoArgumentException.class,
            () -> withResidual.op.forward(withResidual.context, 1, x, null, y)),
        other(
            "residual has 1 elements",
            LenoBufferException.class,
            () -> withResidual.op.forward(withResidual.context, 1, x, new float[1], y)),
        other(
            "x has 24 elements",
            LenoBufferException.class,
            () -> layer.op.forward(layer.context, 2, x, new float[2 * M])),
        other(
            "y has 37 elements",
            LenoBufferException.class,
            () -> layer.op.forward(layer.context, 2, new float[2 * K], y)),
        other(
            "y is the array of x",
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, 1, y, y)),
        other(
            "x is a null pointer",
            LenoArgumentException.class,
            () -> layer.op.forward(layer.context, 1, none, none)),
        other(
            "x has 24 elements",
            LenoBufferException.class,
            () -> layer.op.forward(layer.context, 2, new FloatPointer(x), new FloatPointer(2 * M))),
        other("max_tokens is -1", LenoArgumentException.class, () -> layer.op.workspaceBytes(-1)),
        other("tokens is 0", LenoArgumentException.class, () -> layer.op.kernel(0)),
        // Operators.
        other(
            "device is null",
            LenoArgumentException.class,
            () -> SparseLinear.builder(null, layer.packed)),
        other(
            "weights is null",
            LenoArgumentException.class,
            () -> SparseLinear.builder(layer.device, null)),
        other("layout is null", LenoArgumentException.class, () -> builder().layout(null)),
        other("bias is null", LenoArgumentException.class, () -> builder().bias((float[]) null)),
        other("bias", LenoArgumentException.class, () -> builder().bias(new float[M + 1]).build()),
        other("bias", LenoArgumentException.class, () -> builder().bias(new float[0]).build()),
        other("bias", LenoNotFiniteException.class, () -> builder().bias(nan(M)).build()),
        other(
            "gain and shift have lengths 37 and 36",
            LenoArgumentException.class,
            () -> builder().layerNorm(new float[M], new float[M - 1], 1e-5).build()),
        other(
            "norm",
            LenoArgumentException.class,
            () -> builder().layerNorm(new float[1], new float[1], 1e-5).build()),
        other(
            "epsilon",
            LenoArgumentException.class,
            () -> builder().layerNorm(new float[M], new float[M], 0).build()),
        other(
            "epsilon",
            LenoException.class,
            () -> builder().layerNorm(new float[M], new float[M], Double.NaN).build()),
        other(
            "norm",
            LenoException.class,
            () ->
                builder()
                    .layout(Layout.FEATURE_MAJOR)
                    .layerNorm(new float[M], new float[M], 1)
                    .build()),
        other("io_dtype", LenoException.class, () -> builder().ioType(DType.I8).build()),
        other("buckets is empty", LenoArgumentException.class, () -> builder().buckets()),
        other("buckets", LenoArgumentException.class, () -> builder().buckets(0).build()),
        other("buckets", LenoArgumentException.class, () -> builder().buckets(16, 1).build()),
        other(
            "buckets", LenoArgumentException.class, () -> builder().buckets(new long[17]).build()),
        other("kernel is null", LenoArgumentException.class, () -> builder().kernel(null)),
        // Patterns.
        other("sparsity is 1", LenoArgumentException.class, () -> search(1.0, 8)),
        other("sparsity is -0.1", LenoArgumentException.class, () -> search(-0.1, 8)),
        other("sparsity is nan", LenoArgumentException.class, () -> search(Double.NaN, 8)),
        other("vector is 3", LenoArgumentException.class, () -> search(0.5, 3)),
        other("vector is 256", LenoArgumentException.class, () -> search(0.5, 256)),
        other("vector is -8", LenoArgumentException.class, () -> search(0.5, -8)),
        other(
            "scores is null",
            LenoArgumentException.class,
            () -> Pattern.search(null, SearchOptions.of(0.5, 8))),
        other("options is null", LenoArgumentException.class, () -> Pattern.search(weights, null)),
        other(
            "vector is 4, expected at least 8",
            LenoArgumentException.class,
            () -> Pattern.search(Importance.magnitude(weights), SearchOptions.warpSkip(0.5, 4))),
        other(
            "search is 3, expected LENO_SEARCH_IDENTITY",
            LenoArgumentException.class,
            () ->
                Pattern.search(
                    Importance.magnitude(weights),
                    SearchOptions.builder()
                        .warpSkip(8)
                        .search(SearchOptions.Search.ALTERNATING)
                        .build())),
        other(
            "memory_dtype is 4, expected 0",
            LenoArgumentException.class,
            () ->
                Pattern.search(
                    Importance.magnitude(weights),
                    SearchOptions.builder()
                        .search(SearchOptions.Search.IDENTITY)
                        .memoryUnit(DType.F16)
                        .build())),
        other(
            "scores",
            LenoArgumentException.class,
            () -> Pattern.search(Matrix.of(nan(4), 2, 2), SearchOptions.of(0.5, 4))),
        other(
            "threads is 0",
            LenoArgumentException.class,
            () ->
                Pattern.search(
                    Importance.magnitude(weights), SearchOptions.builder().threads(0).build())),
        other(
            "starts is 65",
            LenoArgumentException.class,
            () ->
                Pattern.search(
                    Importance.magnitude(weights), SearchOptions.builder().starts(65).build())),
        other(
            "relaxation is 0.5",
            LenoArgumentException.class,
            () ->
                Pattern.search(
                    Importance.magnitude(weights),
                    SearchOptions.builder().relaxation(0.5).build())),
        other(
            "search is null",
            LenoArgumentException.class,
            () -> SearchOptions.builder().search(null)),
        other(
            "vector is 5",
            LenoArgumentException.class,
            () -> Pattern.of(4, 4, 5, new int[4], new long[2], new int[0])),
        other(
            "permutation has length 3, expected rows = 4",
            LenoShapeException.class,
            () -> Pattern.of(4, 4, 4, new int[3], new long[2], new int[0])),
        other(
            "offsets has length 1, expected groups + 1 = 2",
            LenoShapeException.class,
            () -> Pattern.of(4, 4, 4, new int[4], new long[1], new int[0])),
        other(
            "permutation",
            LenoArgumentException.class,
            () -> Pattern.of(4, 4, 4, new int[4], new long[] {0, 1}, new int[1])),
        other("offsets", LenoArgumentException.class, () -> parts(new long[] {0, 2}, 1)),
        other(
            "offsets", LenoArgumentException.class, () -> parts(new long[] {0, Long.MAX_VALUE}, 1)),
        other("indices", LenoArgumentException.class, () -> parts(new long[] {0, 1}, 4)),
        other("indices", LenoArgumentException.class, () -> parts(new long[] {0, 2}, 1, 1)),
        other(
            "rows",
            LenoArgumentException.class,
            () -> Pattern.of(0, 4, 4, new int[0], new long[1], new int[0])),
        // Importance and pruning.
        other("weights is null", LenoArgumentException.class, () -> Importance.magnitude(null)),
        other(
            "w", LenoNotFiniteException.class, () -> Importance.magnitude(Matrix.of(nan(4), 2, 2))),
        other(
            "gram is null",
            LenoArgumentException.class,
            () -> Importance.activation(weights, null)),
        other(
            "gram is 2 x 2 with stride 2, expected 24 x 24",
            LenoShapeException.class,
            () -> Importance.activation(weights, Matrix.zeros(2, 2))),
        other(
            "damping is 0",
            LenoArgumentException.class,
            () -> Importance.secondOrder(weights, Truth.gram(K, 30, 1), 0)),
        other(
            "damping",
            LenoArgumentException.class,
            () -> Pruning.secondOrder(weights, Truth.gram(K, 30, 1)).damping(-1).run()),
        other(
            "targetGram is 1 x 1",
            LenoShapeException.class,
            () ->
                Pruning.secondOrder(weights, Truth.gram(K, 30, 1))
                    .targetGram(Matrix.zeros(1, 1))
                    .run()),
        other(
            "gram is 3 x 3",
            LenoShapeException.class,
            () -> Calibration.accumulate(Matrix.zeros(3, 3), weights, 1)),
        other(
            "b is 1 x 1",
            LenoShapeException.class,
            () -> Calibration.accumulate(Matrix.zeros(K, K), weights, Matrix.zeros(1, 1), 1)),
        other(
            "threads is 0",
            LenoArgumentException.class,
            () -> Calibration.accumulate(Matrix.zeros(K, K), weights, 0)),
        // Packed weights.
        other(
            "pattern is null",
            LenoArgumentException.class,
            () -> PackedWeights.pack(null, weights, DType.F32)),
        other(
            "dtype is null", LenoArgumentException.class, () -> PackedWeights.dense(weights, null)),
        other(
            "w",
            LenoNotFiniteException.class,
            () -> PackedWeights.dense(Matrix.of(nan(4), 2, 2), DType.F32)),
        other(
            "weights is 2 x 2, expected 37 x 24",
            LenoShapeException.class,
            () -> mispacked(Matrix.zeros(2, 2))),
        other(
            "blob is null",
            LenoArgumentException.class,
            () -> PackedWeights.fromBytes((byte[]) null)),
        other(
            "blob is a heap buffer",
            LenoBufferException.class,
            () -> PackedWeights.fromBytes(ByteBuffer.allocate(9))),
        other("bytes", LenoFormatException.class, () -> PackedWeights.fromBytes(new byte[0])),
        other("path is null", LenoArgumentException.class, () -> PackedWeights.load(null)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("others")
  void callIsRefused(String message, Class<? extends LenoException> type, Executable call) {
    assertRefused(message, type, call);
  }

  private static Arguments forward(
      String message, Class<? extends LenoException> type, Consumer<Call> spoil) {
    return arguments(message, type, spoil);
  }

  private static Arguments other(
      String message, Class<? extends LenoException> type, Executable call) {
    return arguments(message, type, call);
  }

  private static void assertRefused(
      String message, Class<? extends LenoException> type, Executable call) {
    LenoException e = assertThrows(LenoException.class, call);
    assertInstanceOf(type, e, e.toString());
    assertTrue(e.getMessage().contains(message), e::toString);
    assertEquals(
        true,
        e.getMessage().contains("expected")
            || e instanceof LenoUnsupportedException
            || e instanceof LenoFormatException,
        e::toString);
  }

  private static SparseLinearBuilder builder() {
    return SparseLinear.builder(layer.device, layer.packed);
  }

  private static void search(double sparsity, int vector) {
    Pattern.search(Importance.magnitude(weights), SearchOptions.of(sparsity, vector)).close();
  }

  private static void parts(long[] offsets, int... indices) {
    Pattern.of(4, 4, 4, new int[] {0, 1, 2, 3}, offsets, indices).close();
  }

  private static void mispacked(Matrix matrix) {
    try (Pattern pattern = layer.packed.pattern()) {
      PackedWeights.pack(pattern, matrix, DType.F32).close();
    }
  }

  private static float[] nan(int count) {
    float[] values = new float[count];
    values[count - 1] = Float.NaN;
    return values;
  }

  private static FloatBuffer foreign(int count) {
    return ByteBuffer.allocateDirect(4 * count).order(ByteOrder.BIG_ENDIAN).asFloatBuffer();
  }

  private static FloatBuffer misaligned(int count) {
    return ByteBuffer.allocateDirect(4 * count + 4)
        .position(1)
        .slice()
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }
}
