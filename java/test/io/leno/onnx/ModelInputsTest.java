package io.leno.onnx;

import static io.leno.onnx.NpzFiles.floats;
import static io.leno.onnx.NpzFiles.header;
import static io.leno.onnx.NpzFiles.longs;
import static io.leno.onnx.NpzFiles.npy;
import static io.leno.onnx.NpzFiles.zip;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.TensorProto;
import io.leno.LenoArgumentException;
import io.leno.LenoException;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoShapeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Inputs from NPZ files, good and hostile, from arrays, and made up. */
final class ModelInputsTest {
  @TempDir Path folder;

  private ModelInputs load(byte[] file) throws IOException {
    return ModelInputs.load(Files.write(folder.resolve("inputs.npz"), file));
  }

  private ModelInputs load(String header, byte[] data) throws IOException {
    return load(zip(Map.of("a.npy", npy(header, data))));
  }

  @Test
  void arraysAreRead() throws IOException {
    ModelInputs inputs =
        load(
            zip(
                Map.of(
                    "ids.npy", npy(header("<i8", "(2, 3)"), longs(1, 2, 3, 4, 5, 6)),
                    "x.npy", npy(header("<f4", "(2,)"), floats(1.5f, 0)))));
    assertEquals(2, inputs.samples());
    assertArrayEquals(new long[] {2, 3}, inputs.arrays().get("ids").shape());
    assertEquals("int64", inputs.arrays().get("ids").dtype());
    assertEquals("float32", inputs.arrays().get("x").dtype());
    assertTrue(inputs.arrays().get("x").isSet(0) && !inputs.arrays().get("x").isSet(1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      textBlock =
          """
          {'descr': '<f8', 'fortran_order': False, 'shape': (2,), }               | dtype <f8
          {'descr': '>i8', 'fortran_order': False, 'shape': (2,), }               | dtype >i8
          {'descr': '<U4', 'fortran_order': False, 'shape': (2,), }               | dtype <U4
          {'descr': '<i8', 'fortran_order': True, 'shape': (2,), }                | Fortran
          {'descr': '<i8', 'fortran_order': False, 'shape': (), }                 | 1 to 32 axes
          {'descr': '<i8', 'fortran_order': False, 'shape': (3,), }               | expected 24
          {'descr': '<i8', 'fortran_order': False, 'shape': (1,), }               | more than 8
          {'descr': '<i8', 'fortran_order': False, 'shape': (0, 2), }             | 1 or more
          {'descr': '<i8', 'fortran_order': False, 'shape': (-2,), }              | shape
          {'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999999999,), } | numbers
          {'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 4294967296), } | fewer
          {'descr': '<i8', 'fortran_order': False, 'shape': (200000000,), }       | expected
          {'descr': '<i8', 'shape': (2,), }                                       | fortran_order
          {}                                                                      | descr
          """)
  void badHeadersAreNamed(String header, String word) {
    LenoFormatException e =
        assertThrows(LenoFormatException.class, () -> load(header, longs(1, 2)));
    assertTrue(e.getMessage().contains(word.strip()), e.getMessage());
    assertTrue(e.getMessage().contains("a.npy"), e.getMessage());
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    assertThrows(LenoIOException.class, () -> ModelInputs.load(folder.resolve("absent.npz")));
    assertThrows(LenoIOException.class, () -> ModelInputs.load(folder));
    assertThrows(LenoFormatException.class, () -> load(new byte[0]));
    assertThrows(LenoFormatException.class, () -> load("no archive".getBytes()));
    assertThrows(LenoFormatException.class, () -> load(zip(Map.of())));
    assertThrows(LenoFormatException.class, () -> load(zip(Map.of("a.txt", new byte[8]))));
    assertThrows(LenoFormatException.class, () -> load(zip(Map.of("a.npy", new byte[3]))));
    byte[] good = npy(header("<i8", "(2,)"), longs(1, 2));
    good[6] = 9;
    assertThrows(LenoFormatException.class, () -> load(zip(Map.of("a.npy", good))));
  }

  @Test
  void samplesMustAgree() {
    byte[] file =
        zip(
            Map.of(
                "a.npy", npy(header("<i8", "(2,)"), longs(1, 2)),
                "b.npy", npy(header("<i8", "(1,)"), longs(1))));
    assertThrows(LenoShapeException.class, () -> load(file));
  }

  @Test
  void damagedFilesAreRefusedOrRead() throws IOException {
    byte[] good = zip(Map.of("a.npy", npy(header("<i8", "(4, 3)"), longs(new long[12]))));
    Random random = new Random(1);
    for (int i = 0; i < 500; i++) {
      byte[] bad = good.clone();
      for (int change = 0; change < 1 + i % 4; change++) {
        bad[random.nextInt(bad.length)] = (byte) random.nextInt();
      }
      byte[] file = i % 5 == 0 ? Arrays.copyOf(bad, random.nextInt(bad.length)) : bad;
      try {
        load(file);
      } catch (LenoException e) {
        assertTrue(e.getMessage().contains("inputs.npz") || e instanceof LenoShapeException);
      }
    }
  }

  @Test
  void batchesAreOrderedAndCutByTheMask() {
    ModelInputs inputs =
        ModelInputs.of(
            Map.of(
                "ids", InputArray.of(new long[] {1, 2, 3, 4, 5, 6, 7, 8, 9}, 3, 3),
                "attention_mask", InputArray.of(new long[] {1, 1, 1, 1, 0, 0, 1, 1, 0}, 3, 3),
                "whole", InputArray.of(new float[] {1, 2, 3, 4, 5, 6}, 3, 2)));
    String mask = inputs.mask(null).orElseThrow();
    List<ModelInputs> batches = inputs.batches(2, 512, mask);
    assertEquals(2, batches.size());
    assertArrayEquals(new long[] {2, 2}, batches.get(0).arrays().get("ids").shape());
    assertArrayEquals(new long[] {2, 2}, batches.get(0).arrays().get("whole").shape());
    assertArrayEquals(new long[] {1, 3}, batches.get(1).arrays().get("ids").shape());
    // Sample 1 has one token, sample 2 two: both come before sample 0.
    assertTrue(batches.get(0).arrays().get("attention_mask").isSet(0));
    assertTrue(!batches.get(0).arrays().get("attention_mask").isSet(1));
    assertTrue(batches.get(0).arrays().get("attention_mask").isSet(3));
    // Two samples of two tokens are too many for three; the one of three comes alone.
    assertEquals(3, inputs.batches(2, 3, mask).size());
    assertEquals(3, inputs.batches(8, 1, mask).size());
    assertEquals(1, inputs.batches(8, 9, mask).size());
    assertThrows(LenoArgumentException.class, () -> inputs.mask("nothing"));
    assertThrows(LenoArgumentException.class, () -> inputs.slice(2, 2));
  }

  @Test
  void inputsAreMadeUp() {
    TinyModel m = new TinyModel().inputShape(-1, 5);
    m.input("ids", TensorProto.DataType.INT64_VALUE);
    OnnxModel model = m.output(m.node("Relu", TinyModel.X)).build();
    // The ids have no axes, so nothing can be made up for them.
    assertThrows(LenoArgumentException.class, () -> ModelInputs.generate(model, Map.of(), 4, 1));
    TinyModel n = new TinyModel().inputShape(-1, -1);
    ModelInputs inputs =
        ModelInputs.generate(n.output(n.node("Relu", TinyModel.X)).build(), Map.of("d1", 7L), 4, 1);
    assertTrue(inputs.isGenerated());
    assertArrayEquals(new long[] {4, 7}, inputs.arrays().get(TinyModel.X).shape());
  }
}
