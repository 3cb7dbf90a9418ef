package io.leno;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackedWeightsTest {
  private static final int M = 37;
  private static final int K = 24;
  private final Matrix weights = Truth.randomMatrix(M, K, 1);

  @TempDir Path folder;

  private PackedWeights pack(DType dtype) {
    try (Pattern pattern = Truth.pattern(weights, 8, 0.5)) {
      return PackedWeights.pack(pattern, weights, dtype);
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void keptWeightsComeBack(DType dtype) {
    try (PackedWeights packed = pack(dtype);
        Pattern pattern = packed.pattern()) {
      assertEquals(M, packed.rows());
      assertEquals(K, packed.columns());
      assertEquals(8, packed.vector());
      assertEquals(dtype, packed.dtype());
      assertFalse(packed.isDense());
      assertEquals(pattern.keptVectors(), packed.keptVectors());
      assertTrue(packed.bytes() >= packed.keptWeights() * dtype.bytes());
      float[] dense = packed.toDense().toArray();
      float[] original = weights.toArray();
      byte[] mask = pattern.mask();
      double tolerance = rounding(dtype);
      for (int i = 0; i < mask.length; i++) {
        assertEquals(mask[i] == 1 ? original[i] : 0, dense[i], tolerance);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void convertingIsRoundingAgain(DType dtype) {
    try (PackedWeights packed = pack(DType.F32);
        PackedWeights same = pack(dtype);
        PackedWeights converted = packed.convert(dtype)) {
      assertEquals(dtype, converted.dtype());
      assertEquals(packed.keptWeights(), converted.keptWeights());
      assertArrayEquals(same.toDense().toArray(), converted.toDense().toArray());
      assertArrayEquals(same.toBytes(), converted.toBytes());
      assertThrows(LenoArgumentException.class, () -> packed.convert(null));
    }
  }

  /** Half of what lies between neighbouring numbers, for weights between -1 and 1. */
  private static double rounding(DType dtype) {
    switch (dtype) {
      case F32:
        return 0;
      case F16:
        return 1.0 / 2048;
      case BF16:
        return 1.0 / 256;
      case I8:
        return 1.0 / 254;
      default:
        return 1.0 / 16;
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void blobsAndFilesRoundTrip(DType dtype) throws IOException {
    Path file = folder.resolve("gewölbe.safetensors");
    try (PackedWeights packed = pack(dtype)) {
      byte[] blob = packed.toBytes();
      packed.save(file);
      assertArrayEquals(blob, Files.readAllBytes(file));
      try (PackedWeights read = PackedWeights.fromBytes(blob);
          PackedWeights loaded = PackedWeights.load(file)) {
        assertArrayEquals(packed.toDense().toArray(), read.toDense().toArray());
        assertArrayEquals(blob, loaded.toBytes());
      }
      try (FileChannel channel = FileChannel.open(file)) {
        ByteBuffer mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size());
        try (PackedWeights read = PackedWeights.fromBytes(mapped)) {
          assertArrayEquals(blob, read.toBytes());
        }
      }
    }
  }

  @Test
  void denseWeightsHaveNoPattern() {
    try (PackedWeights packed = PackedWeights.dense(weights, DType.F32)) {
      assertTrue(packed.isDense());
      assertEquals(0, packed.vector());
      assertArrayEquals(weights.toArray(), packed.toDense().toArray());
      assertThrows(LenoStateException.class, packed::pattern);
      try (PackedWeights read = PackedWeights.fromBytes(packed.toBytes())) {
        assertTrue(read.isDense());
      }
    }
  }

  @Test
  void everyTruncationIsRefused() {
    try (PackedWeights packed = pack(DType.F32)) {
      byte[] blob = packed.toBytes();
      for (int length = 0; length < blob.length; length += length < 400 ? 1 : 97) {
        byte[] cut = java.util.Arrays.copyOf(blob, length);
        assertThrows(LenoFormatException.class, () -> PackedWeights.fromBytes(cut));
      }
    }
  }

  @Test
  void badFilesAreRefused() throws IOException {
    Path missing = folder.resolve("missing");
    LenoException e = assertThrows(LenoIOException.class, () -> PackedWeights.load(missing));
    assertTrue(e.getMessage().contains("missing"), e::getMessage);
    assertThrows(LenoException.class, () -> PackedWeights.load(folder));

    Path noise = folder.resolve("noise");
    Files.write(noise, new byte[] {1, 2, 3});
    assertThrows(LenoFormatException.class, () -> PackedWeights.load(noise));

    Path cut = folder.resolve("cut");
    try (PackedWeights packed = pack(DType.BF16)) {
      packed.save(cut);
      assertThrows(LenoIOException.class, () -> packed.save(folder.resolve("no/such/folder")));
    }
    try (RandomAccessFile file = new RandomAccessFile(cut.toFile(), "rw")) {
      file.setLength(file.length() - 1);
    }
    assertThrows(LenoFormatException.class, () -> PackedWeights.load(cut));
  }

  @Test
  void closedWeightsAreRefused() {
    PackedWeights packed = pack(DType.F32);
    packed.close();
    packed.close();
    assertThrows(LenoStateException.class, packed::toBytes);
    assertThrows(LenoStateException.class, packed::toDense);
    assertThrows(LenoStateException.class, packed::pattern);
    assertThrows(LenoStateException.class, () -> packed.save(folder.resolve("x")));
    assertFalse(Files.exists(folder.resolve("x")));
    assertEquals(M, packed.rows());
  }
}
