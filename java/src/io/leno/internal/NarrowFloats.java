package io.leno.internal;

import io.leno.DType;
import java.nio.ByteBuffer;
import java.nio.ShortBuffer;

/** Numbers of 16 bits, which Java has no type for: rounded to the nearest, ties to even. */
public final class NarrowFloats {
  private NarrowFloats() {}

  /**
   * Rounds numbers to a type. What is too large becomes infinite; NaN stays NaN.
   *
   * @param dtype F32, F16 or BF16
   * @param to receives the numbers from its start on
   */
  public static void narrow(float[] values, int from, int count, DType dtype, ByteBuffer to) {
    if (dtype == DType.F32) {
      to.asFloatBuffer().put(values, from, count);
      return;
    }
    ShortBuffer narrow = to.asShortBuffer();
    for (int i = 0; i < count; i++) {
      float value = values[from + i];
      narrow.put(i, dtype == DType.F16 ? toHalf(value) : toBfloat16(value));
    }
  }

  /**
   * The exact values of numbers of a type.
   *
   * @param from has the numbers from its start on
   * @param dtype F32, F16 or BF16
   */
  public static void widen(ByteBuffer from, DType dtype, float[] values, int to, int count) {
    if (dtype == DType.F32) {
      from.asFloatBuffer().get(values, to, count);
      return;
    }
    ShortBuffer narrow = from.asShortBuffer();
    for (int i = 0; i < count; i++) {
      short value = narrow.get(i);
      values[to + i] = dtype == DType.F16 ? ofHalf(value) : Float.intBitsToFloat(value << 16);
    }
  }

  static short toBfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  static short toHalf(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 16 & 0x8000;
    if (Float.isNaN(value)) {
      return (short) (sign | 0x7e00);
    }
    float magnitude = Math.abs(value);
    if (magnitude >= 65520) { // the middle between the largest number and what would come next
      return (short) (sign | 0x7c00);
    }
    if (magnitude < 0x1p-14f) { // subnormal: the product is exact, and rint rounds as asked
      return (short) (sign | (int) Math.rint(magnitude * 0x1p24));
    }
    int rounded = (bits & 0x7fffffff) + 0xfff + (bits >>> 13 & 1);
    return (short) (sign | (rounded - (112 << 23) >>> 13));
  }

  static float ofHalf(short half) {
    int exponent = half >>> 10 & 0x1f;
    int fraction = half & 0x3ff;
    float magnitude;
    if (exponent == 0) {
      magnitude = fraction * 0x1p-24f;
    } else if (exponent == 31) {
      magnitude = fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
    } else {
      magnitude = Float.intBitsToFloat(exponent + 112 << 23 | fraction << 13);
    }
    return half < 0 ? -magnitude : magnitude;
  }
}
