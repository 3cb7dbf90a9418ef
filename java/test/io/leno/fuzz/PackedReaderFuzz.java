package io.leno.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.leno.DType;
import io.leno.LenoFormatException;
import io.leno.Matrix;
import io.leno.PackedWeights;
import io.leno.Pattern;
import io.leno.Truth;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Damaged blobs of packed weights: each is refused as a format error, or is whole in every respect
 * that a user can see.
 */
class PackedReaderFuzz {
  private static final List<byte[]> BLOBS = blobs();

  @FuzzTest(maxDuration = "5s")
  void isRefusedOrWhole(FuzzedDataProvider data) {
    byte[] blob = Damage.of(BLOBS, data);
    try (PackedWeights packed = PackedWeights.fromBytes(blob)) {
      if (packed.rows() * packed.columns() > 1 << 20) {
        return;
      }
      float[] dense = packed.toDense().toArray();
      if (!packed.isDense()) {
        try (Pattern pattern = packed.pattern()) {
          byte[] mask = pattern.mask();
          for (int i = 0; i < mask.length; i++) {
            if (mask[i] == 0 && dense[i] != 0) {
              throw new AssertionError("a dropped weight is " + dense[i]);
            }
          }
        }
      }
      try (PackedWeights again = PackedWeights.fromBytes(packed.toBytes())) {
        if (!Arrays.equals(dense, again.toDense().toArray())) {
          throw new AssertionError("what was accepted does not come back");
        }
      }
    } catch (LenoFormatException expected) {
      // As it should be.
    }
  }

  private static List<byte[]> blobs() {
    List<byte[]> blobs = new ArrayList<>();
    Matrix weights = Truth.randomMatrix(13, 9, 1);
    try (Pattern pattern = Truth.pattern(weights, 4, 0.5)) {
      for (DType dtype : DType.values()) {
        try (PackedWeights sparse = PackedWeights.pack(pattern, weights, dtype);
            PackedWeights dense = PackedWeights.dense(weights, dtype)) {
          blobs.add(sparse.toBytes());
          blobs.add(dense.toBytes());
        }
      }
    }
    return blobs;
  }
}
