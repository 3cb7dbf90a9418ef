package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.LenoException;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoUnsupportedException;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Models whose weights lie in files beside them, good ones and hostile ones. */
final class ExternalDataTest {
  private static final int K = 24;
  private static final int M = 16;
  private static final int GAP = 64; // before the weights
  private static final int BYTES = 4 * K * M;
  private static final float[] WEIGHTS = Truth.random(K * M, 1);

  @TempDir Path folder;
  private Path model;
  private Path data;

  @BeforeEach
  void writeData() throws Exception {
    Path beside = Files.createDirectories(folder.resolve("model"));
    model = beside.resolve("model.onnx");
    data = beside.resolve("weights.bin");
    ByteBuffer bytes = ByteBuffer.allocate(GAP + BYTES + 3).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(GAP);
    for (float weight : WEIGHTS) {
      bytes.putFloat(weight);
    }
    Files.write(data, bytes.array());
  }

  private static TensorProto.Builder external(String... entries) {
    TensorProto.Builder tensor =
        TensorProto.newBuilder()
            .setDataType(TensorProto.DataType.FLOAT_VALUE)
            .addDims(K)
            .addDims(M)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL);
    for (int i = 0; i < entries.length; i += 2) {
      tensor.addExternalData(
          StringStringEntryProto.newBuilder().setKey(entries[i]).setValue(entries[i + 1]));
    }
    return tensor;
  }

  /** relu(x W), with W as these entries say. */
  private OnnxModel load(String... entries) throws Exception {
    TinyModel m = new TinyModel().inputShape(-1, K);
    String weights = m.tensor(external(entries));
    Files.write(model, m.output(m.node("Relu", m.node("MatMul", X, weights))).build().toBytes());
    return OnnxModel.load(model);
  }

  private void refused(Class<? extends LenoException> type, String words, String... entries) {
    LenoException e = assertThrows(type, () -> load(entries));
    assertTrue(e.getMessage().contains(words), () -> e.getMessage() + " does not say " + words);
    assertTrue(e.getMessage().contains("tensor c0"), e.getMessage());
  }

  private void refused(String words, String... entries) {
    refused(LenoFormatException.class, words, entries);
  }

  @Test
  void weightsBecomePartOfTheModel() throws Exception {
    String[][] spellings = {
      {"location", "weights.bin", "offset", "" + GAP, "length", "" + BYTES},
      {"location", "weights.bin", "offset", "" + GAP}, // the length follows from the shape
      {"location", "./weights.bin", "offset", "" + GAP, "checksum", "unread"},
      {"location", "../model/weights.bin", "offset", "" + GAP}
    };
    for (String[] spelling : spellings) {
      List<LinearLayer> layers = load(spelling).layers(ShapeEvidence.none());
      assertEquals(List.of("relu"), layers.stream().map(LinearLayer::fused).toList());
      assertArrayEquals(Tensors.transpose(WEIGHTS, K, M), layers.get(0).weights());
    }
  }

  @Test
  void whatIsWrittenNeedsNoOtherFile() throws Exception {
    OnnxModel loaded = load("location", "weights.bin", "offset", "" + GAP);
    Map<String, Array> input = Map.of(X, Array.random(2, 5, K));
    float[] expected;
    try (var session =
        Runtime.ENVIRONMENT.createSession(model.toString(), Runtime.options(OptLevel.BASIC_OPT))) {
      expected = Runtime.run(session, input).values().iterator().next().values();
    }
    LinearLayer layer = loaded.layers(ShapeEvidence.none()).get(0);
    byte[] blob = TinyModel.blob(layer.weights(), M, K);
    Path written = folder.resolve("packed.onnx");
    loaded.withPackedLayers(Map.of(layer, blob)).save(written);
    Files.delete(data);
    try (var session = Runtime.session(OnnxModel.load(written), OptLevel.BASIC_OPT)) {
      assertArrayEquals(
          expected, Runtime.run(session, input).values().iterator().next().values(), 1e-4f);
    }
    Path dense = folder.resolve("dense.onnx");
    loaded.save(dense);
    assertArrayEquals(
        layer.weights(), OnnxModel.load(dense).layers(ShapeEvidence.none()).get(0).weights());
  }

  @Test
  void tensorsInNodesAndBodies() throws Exception {
    TinyModel m = new TinyModel();
    AttributeProto value =
        AttributeProto.newBuilder()
            .setName("value")
            .setType(AttributeProto.AttributeType.TENSOR)
            .setT(external("location", "weights.bin", "offset", "" + GAP))
            .build();
    Files.write(model, m.output(m.node("MatMul", X, m.node("Constant", value))).build().toBytes());
    OnnxModel loaded = OnnxModel.load(model);
    assertArrayEquals(
        Tensors.transpose(WEIGHTS, K, M), loaded.layers(ShapeEvidence.none()).get(0).weights());
    assertFalse(loaded.proto().toString().contains("EXTERNAL"));

    TinyModel outer = new TinyModel();
    AttributeProto body =
        AttributeProto.newBuilder()
            .setName("then_branch")
            .setType(AttributeProto.AttributeType.GRAPH)
            .setG(ModelProto.parseFrom(Files.readAllBytes(model)).getGraph())
            .build();
    Files.write(model, outer.output(outer.node("", "If", List.of(body), X)).build().toBytes());
    assertFalse(OnnxModel.load(model).proto().toString().contains("EXTERNAL"));
  }

  @Test
  void pathsThatLeaveTheFolder() throws Exception {
    Path secret = Files.write(folder.resolve("secret"), new byte[GAP + BYTES]);
    refused("stays in the model's folder", "location", "../secret");
    refused("stays in the model's folder", "location", secret.toString());
    refused("stays in the model's folder", "location", "../none");
    Files.createSymbolicLink(model.resolveSibling("link"), secret);
    refused("stays in the model's folder", "location", "link");
    Files.createSymbolicLink(model.resolveSibling("up"), folder);
    refused("stays in the model's folder", "location", "up/secret");
  }

  @Test
  void aModelThatIsALinkFindsWhatLiesBesideItsTarget() throws Exception {
    load("location", "weights.bin", "offset", "" + GAP);
    Path cache = Files.createDirectories(folder.resolve("cache"));
    Path linked = Files.createSymbolicLink(cache.resolve("linked.onnx"), model);
    Files.createSymbolicLink(cache.resolve("weights.bin"), data);
    assertEquals(1, OnnxModel.load(linked).layers(ShapeEvidence.none()).size());
  }

  @Test
  void placesOutsideTheFile() {
    long size = GAP + BYTES + 3;
    refused("within the " + size + " bytes", "location", "weights.bin", "offset", "" + (GAP + 4));
    refused("within the", "location", "weights.bin", "offset", "999999999999999999");
    refused("within the", "location", "weights.bin", "length", "999999999999999999");
    refused(BYTES + " for [24, 16]", "location", "weights.bin", "length", "" + (BYTES - 4));
    refused(BYTES + " for [24, 16]", "location", "weights.bin", "length", "0");
    for (String bad : new String[] {"-1", "", "1e3", "0x10", " 4", "9".repeat(30)}) {
      refused("has the offset \"" + bad + "\"", "location", "weights.bin", "offset", bad);
      refused("has the length \"" + bad + "\"", "location", "weights.bin", "length", bad);
    }
  }

  @Test
  void entriesThatAreWrong() {
    refused("says no location");
    refused("says no location", "location", "");
    refused("expected a path", "location", "a\0b");
    refused("says its offset twice", "location", "weights.bin", "offset", "0", "offset", "64");
    refused(LenoIOException.class, "which is no file", "location", "missing.bin");
    refused(LenoIOException.class, "which is no file", "location", ".");
  }

  @Test
  void aFileThatWasCut() throws Exception {
    Files.write(data, new byte[GAP + BYTES - 1]);
    refused("within the", "location", "weights.bin", "offset", "" + GAP);
  }

  @Test
  void moreThanAModelHolds() throws Exception {
    int axis = 46_000;
    try (var sparse = new RandomAccessFile(data.toFile(), "rw")) {
      sparse.setLength(4L * axis * axis); // takes no room on the disk
    }
    TinyModel m = new TinyModel();
    String weights =
        m.tensor(external("location", "weights.bin").setDims(0, axis).setDims(1, axis));
    Files.write(model, m.output(m.node("MatMul", X, weights)).build().toBytes());
    LenoException e = assertThrows(LenoUnsupportedException.class, () -> OnnxModel.load(model));
    assertTrue(e.getMessage().contains("more than 2147483647 bytes"), e.getMessage());
  }

  @Test
  void bytesAloneHaveNoFolder() throws Exception {
    load("location", "weights.bin", "offset", "" + GAP);
    byte[] bytes = Files.readAllBytes(model);
    LenoException e = assertThrows(LenoFormatException.class, () -> OnnxModel.parse(bytes));
    assertTrue(e.getMessage().contains("read from its path"), e.getMessage());
  }
}
