package io.leno.onnx;

import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import com.google.protobuf.ByteString;
import io.leno.LenoIOException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Sessions that map a model's large constants from a temporary file, since what a session is given
 * as bytes it holds three times over while it is opened.
 */
final class MappedModel {
  private static final int LARGE = 1 << 12; // bytes
  private static final int PAGE = 1 << 12;
  private static final String CONSTANTS = "constants";

  private MappedModel() {}

  static OrtSession open(OnnxModel model, OrtSession.SessionOptions options) throws OrtException {
    try {
      Path folder = Files.createTempDirectory("leno");
      Path constants = folder.resolve(CONSTANTS);
      Path file = folder.resolve("model.onnx");
      try {
        ModelProto.Builder mapped = model.proto().toBuilder();
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(constants))) {
          mapped.setGraph(moveConstants(model.proto().getGraph(), out));
        }
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
          mapped.build().writeTo(out);
        }
        return Ort.environment().createSession(file.toString(), options);
      } finally {
        // What is mapped stays until the session is closed.
        Files.deleteIfExists(file);
        Files.deleteIfExists(constants);
        Files.deleteIfExists(folder);
      }
    } catch (IOException e) {
      throw new LenoIOException(
          "a temporary file in " + System.getProperty("java.io.tmpdir") + " cannot be used: " + e);
    }
  }

  private static GraphProto moveConstants(GraphProto graph, OutputStream out) throws IOException {
    GraphProto.Builder moved = graph.toBuilder().clearInitializer();
    long end = 0;
    for (TensorProto tensor : graph.getInitializerList()) {
      ByteString raw = tensor.getRawData();
      if (raw.size() < LARGE) {
        moved.addInitializer(tensor);
        continue;
      }
      raw.writeTo(out);
      int padding = Math.floorMod(-raw.size(), PAGE);
      out.write(new byte[padding]);
      moved.addInitializer(
          tensor.toBuilder()
              .clearRawData()
              .setDataLocation(TensorProto.DataLocation.EXTERNAL)
              .addExternalData(entry("location", CONSTANTS))
              .addExternalData(entry("offset", Long.toString(end)))
              .addExternalData(entry("length", Long.toString(raw.size()))));
      end += raw.size() + padding;
    }
    return moved.build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }
}
