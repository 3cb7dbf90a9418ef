package io.leno.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.DType;
import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class NarrowFloatsTest {
  @Test
  void everyHalfIsItself() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = NarrowFloats.ofHalf((short) bits);
      assertEquals(meaning(bits), value);
      if (!Float.isNaN(value)) {
        assertEquals((short) bits, NarrowFloats.toHalf(value));
      }
    }
    assertTrue(Float.isNaN(NarrowFloats.ofHalf(NarrowFloats.toHalf(Float.NaN))));
  }

  @Test
  void halvesAreTheNearestAndTiesGoToEven() {
    for (int bits = 0; bits < 0x7bff; bits++) { // finite neighbours, upwards from 0
      double low = meaning(bits);
      double high = meaning(bits + 1);
      float middle = (float) ((low + high) / 2); // exact: one bit more
      short even = (short) (bits + (bits & 1));
      assertEquals(even, NarrowFloats.toHalf(middle));
      assertEquals((short) (even | 0x8000), NarrowFloats.toHalf(-middle));
      assertEquals((short) bits, NarrowFloats.toHalf(Math.nextDown(middle)));
      assertEquals((short) (bits + 1), NarrowFloats.toHalf(Math.nextUp(middle)));
    }
    assertEquals(0x7bff, NarrowFloats.toHalf(Math.nextDown(65520f)));
    assertEquals(0x7c00, NarrowFloats.toHalf(65520f));
    assertEquals(0x7c00, NarrowFloats.toHalf(Float.MAX_VALUE));
  }

  @Test
  void bfloat16sAreTheNearestAndTiesGoToEven() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 100_000; i++) {
      int bits = random.nextInt(0x7f7f) << 16;
      assertEquals((short) (bits >>> 16), toBfloat16(bits));
      assertEquals((short) (bits >>> 16), toBfloat16(bits | 0x7fff));
      assertEquals((short) ((bits >>> 16) + (bits >>> 16 & 1)), toBfloat16(bits | 0x8000));
      assertEquals((short) ((bits >>> 16) + 1), toBfloat16(bits | 0x8001));
    }
    assertEquals((short) 0x7f80, NarrowFloats.toBfloat16(Float.MAX_VALUE));
    assertEquals((short) 0xff80, NarrowFloats.toBfloat16(Float.NEGATIVE_INFINITY));
    assertTrue(Float.isNaN(Float.intBitsToFloat(NarrowFloats.toBfloat16(Float.NaN) << 16)));
  }

  @Test
  void partsOfArraysComeBack() {
    float[] values = {9, 1, -2.5f, 0, 9};
    for (DType dtype : new DType[] {DType.F32, DType.F16, DType.BF16}) {
      ByteBuffer narrow = ByteBuffer.allocate(12);
      NarrowFloats.narrow(values, 1, 3, dtype, narrow);
      float[] back = new float[5];
      NarrowFloats.widen(narrow, dtype, back, 1, 3);
      assertEquals("[0.0, 1.0, -2.5, 0.0, 0.0]", java.util.Arrays.toString(back));
    }
  }

  private static short toBfloat16(int bits) {
    return NarrowFloats.toBfloat16(Float.intBitsToFloat(bits));
  }

  /** From the formula of IEEE 754. */
  private static float meaning(int bits) {
    int exponent = bits >> 10 & 31;
    double fraction = (bits & 1023) / 1024.0;
    double sign = bits >> 15 == 0 ? 1 : -1;
    if (exponent == 31) {
      return fraction == 0 ? (float) (sign / 0.0) : Float.NaN;
    }
    double significand = exponent == 0 ? fraction : 1 + fraction;
    return (float) (sign * significand * Math.pow(2, Math.max(exponent, 1) - 15));
  }
}
