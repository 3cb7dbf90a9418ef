package io.leno.fuzz;

import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import io.leno.LenoException;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.ShapeEvidence;
import io.leno.onnx.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Damaged ONNX files whose weights lie in a file beside them: refused by name, or read. */
class ExternalDataFuzz {
  private static final Path MODEL = folder().resolve("model.onnx");
  private static final List<byte[]> MODELS = List.of(model().toBytes());

  @FuzzTest(maxDuration = "5s")
  void isRefusedOrRead(FuzzedDataProvider data) throws IOException {
    Files.write(MODEL, Damage.of(MODELS, data));
    try {
      OnnxModel.parse(OnnxModel.load(MODEL).toBytes()).layers(ShapeEvidence.none());
    } catch (LenoException expected) {
      // As it should be.
    }
  }

  private static Path folder() {
    try {
      Path folder = Files.createTempDirectory("leno-external-data");
      Path weights = Files.write(folder.resolve("w.bin"), new byte[200]);
      weights.toFile().deleteOnExit();
      folder.resolve("model.onnx").toFile().deleteOnExit();
      return folder;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static OnnxModel model() {
    TinyModel m = new TinyModel();
    String first = m.tensor(external("8", "96"));
    String second = m.node("Identity", m.tensor(external("104", "96")));
    String hidden = m.node("MatMul", TinyModel.X, first);
    return m.output(m.node("MatMul", hidden, m.node("Transpose", second))).build();
  }

  private static TensorProto.Builder external(String offset, String length) {
    return TensorProto.newBuilder()
        .setDataType(TensorProto.DataType.FLOAT_VALUE)
        .addDims(4)
        .addDims(6)
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", "w.bin"))
        .addExternalData(entry("offset", offset))
        .addExternalData(entry("length", length));
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
