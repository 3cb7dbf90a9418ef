package io.leno.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.LenoException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Truth;
import io.leno.op.Layout;
import io.leno.op.SparseLinear;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;

/**
 * Forwards on raw addresses with any arguments, all inside one arena: each is refused and writes
 * nothing, or writes exactly its output.
 */
class ForwardFuzz {
  private static final int M = 13;
  private static final int K = 9;
  private static final int MOST_TOKENS = 40;
  private static final int MOST_STRIDE = 64;
  private static final int AREA =
      MOST_STRIDE * (MOST_TOKENS + 1); // elements that an accepted matrix spans at most
  private static final float POISON = 12345;
  private static final long[] BAD = {
    -1, Long.MIN_VALUE, Long.MAX_VALUE, (1L << 30) + 1, 1L << 32, -(1L << 33), (1L << 62) + 1
  };

  private static final Device DEVICE = Device.cpu();
  private static final Context CONTEXT = DEVICE.newContext();
  private static final List<Operator> OPERATORS = operators();
  private static final FloatPointer ARENA = new FloatPointer(4L * AREA);

  private record Operator(SparseLinear op, Layout layout, boolean residual) {}

  @FuzzTest(maxDuration = "5s")
  void isRefusedOrWritesItsOutput(FuzzedDataProvider data) {
    Operator operator = data.pickValue(OPERATORS);
    float[] before = new float[4 * AREA];
    java.util.Arrays.fill(before, POISON);
    ARENA.put(before);
    long tokens = size(data, MOST_TOKENS);
    long ldx = size(data, MOST_STRIDE);
    long ldr = size(data, MOST_STRIDE);
    long ldy = size(data, MOST_STRIDE);
    long x = address(data);
    long residual = data.consumeBoolean() == operator.residual ? address(data) : 0;
    long y = address(data);
    boolean accepted = true;
    try {
      operator.op.forward(CONTEXT, tokens, x, ldx, residual, ldr, y, ldy);
    } catch (LenoException e) {
      accepted = false;
    }
    float[] after = new float[before.length];
    ARENA.get(after);
    long start = (y - ARENA.address()) / 4;
    for (int i = 0; i < after.length; i++) {
      boolean output = accepted && isOutput(operator.layout, i - start, tokens, ldy);
      if (!output && after[i] != POISON) {
        throw new AssertionError("element " + i + " was written, accepted " + accepted);
      }
    }
  }

  private static boolean isOutput(Layout layout, long element, long tokens, long ldy) {
    long width = layout == Layout.TOKEN_MAJOR ? M : tokens;
    long lines = layout == Layout.TOKEN_MAJOR ? tokens : M;
    return element >= 0 && tokens > 0 && element / ldy < lines && element % ldy < width;
  }

  private static long size(FuzzedDataProvider data, int most) {
    int draw = data.consumeInt(0, 15);
    return draw == 0 ? BAD[data.consumeInt(0, BAD.length - 1)] : data.consumeInt(0, most);
  }

  /**
   * Mostly within the arena, so far from its end that the largest matrix fits; else null or odd.
   */
  private static long address(FuzzedDataProvider data) {
    int draw = data.consumeInt(0, 15);
    if (draw == 0) {
      return 0;
    }
    long element = data.consumeInt(0, 2) * (long) AREA + data.consumeInt(0, 20);
    return ARENA.address() + 4 * element + (draw == 1 ? data.consumeInt(1, 3) : 0);
  }

  private static List<Operator> operators() {
    List<Operator> operators = new ArrayList<>();
    Matrix weights = Truth.randomMatrix(M, K, 1);
    for (Layout layout : Layout.values()) {
      for (boolean residual : new boolean[] {false, true}) {
        try (Pattern pattern = Truth.pattern(weights, 4, 0.5);
            PackedWeights packed = PackedWeights.pack(pattern, weights, DType.F32)) {
          SparseLinear op =
              SparseLinear.builder(DEVICE, packed).layout(layout).residual(residual).build();
          op.reserve(CONTEXT, MOST_TOKENS);
          operators.add(new Operator(op, layout, residual));
        }
      }
    }
    return operators;
  }
}
