package io.leno.fuzz;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import java.util.Arrays;
import java.util.List;

/** Valid files with some bytes changed, inserted or cut; now and then bytes out of the blue. */
final class Damage {
  private Damage() {}

  static byte[] of(List<byte[]> valid, FuzzedDataProvider data) {
    if (data.consumeInt(0, 15) == 0) {
      return data.consumeRemainingAsBytes();
    }
    byte[] blob = data.pickValue(valid).clone();
    int changes = data.consumeInt(1, 4);
    for (int i = 0; i < changes && blob.length > 0; i++) {
      int at = data.consumeInt(0, blob.length - 1);
      switch (data.consumeInt(0, 3)) {
        case 0:
          blob[at] = data.consumeByte();
          break;
        case 1:
          blob[at] ^= (byte) (1 << data.consumeInt(0, 7));
          break;
        case 2:
          blob = Arrays.copyOf(blob, at);
          break;
        default:
          byte[] longer = Arrays.copyOf(blob, blob.length + 1);
          System.arraycopy(blob, at, longer, at + 1, blob.length - at);
          longer[at] = data.consumeByte();
          blob = longer;
      }
    }
    return blob;
  }
}
