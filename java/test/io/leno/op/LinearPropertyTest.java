package io.leno.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.Context;
import io.leno.DType;
import io.leno.Device;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Truth;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;

/** What holds for any shape. */
class LinearPropertyTest {
  @Property(tries = 60)
  void aForwardIsTheProductWithWhatWasKept(
      @ForAll @IntRange(min = 1, max = 70) int m,
      @ForAll @IntRange(min = 1, max = 70) int k,
      @ForAll @IntRange(min = 1, max = 40) int tokens,
      @ForAll @IntRange(min = 2, max = 7) int logVector,
      @ForAll @DoubleRange(max = 0.99) double sparsity,
      @ForAll Layout layout,
      @ForAll long seed) {
    Matrix weights = Truth.randomMatrix(m, k, seed);
    float[] x = Truth.random(tokens * k, seed + 1);
    try (Pattern pattern = Truth.pattern(weights, 1 << logVector, sparsity);
        PackedWeights packed = PackedWeights.pack(pattern, weights, DType.F32);
        Device device = Device.cpu();
        SparseLinear op =
            SparseLinear.builder(device, packed).layout(layout).buckets(tokens).build();
        Context context = device.newContext()) {
      op.reserve(context, tokens);
      float[] y = new float[tokens * m];
      boolean tokenMajor = layout == Layout.TOKEN_MAJOR;
      op.forward(context, tokens, tokenMajor ? x : Truth.transpose(x, tokens, k), y);
      float[] result = tokenMajor ? y : Truth.transpose(y, m, tokens);
      assertEquals(0, Truth.distance(Truth.linear(x, packed.toDense(), null), result), 1e-5 * k);
    }
  }

  @Property(tries = 100)
  void whatIsPackedComesBack(
      @ForAll @IntRange(min = 1, max = 200) int m,
      @ForAll @IntRange(min = 1, max = 90) int k,
      @ForAll @IntRange(min = 2, max = 7) int logVector,
      @ForAll @DoubleRange(max = 0.99) double sparsity,
      @ForAll long seed) {
    Matrix weights = Truth.randomMatrix(m, k, seed);
    try (Pattern pattern = Truth.pattern(weights, 1 << logVector, sparsity);
        PackedWeights packed = PackedWeights.pack(pattern, weights, DType.F32);
        PackedWeights read = PackedWeights.fromBytes(packed.toBytes());
        Pattern again = read.pattern()) {
      byte[] mask = pattern.mask();
      assertArrayEquals(mask, again.mask());
      float[] kept = weights.toArray();
      for (int i = 0; i < kept.length; i++) {
        kept[i] *= mask[i];
      }
      float[] dense = read.toDense().toArray();
      for (int i = 0; i < kept.length; i++) {
        assertTrue(kept[i] == dense[i]); // 0 and -0 are equal
      }
      try (Pattern detected = Pattern.detect(read.toDense(), 0)) {
        byte[] held = detected.mask();
        for (int i = 0; i < kept.length; i++) {
          assertTrue(dense[i] == 0 || held[i] == 1);
        }
      }
    }
  }
}
