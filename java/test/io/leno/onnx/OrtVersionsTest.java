package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static io.leno.onnx.TinyModel.attribute;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One model in the oldest ONNX Runtime that we promise and in the newest that we know. */
final class OrtVersionsTest {
  private static final Path OLDEST = Path.of("target", "ort-oldest");

  @Test
  void linearIsTheSameInBoth(@TempDir Path folder) throws Exception {
    theSameInBoth(LinearNodes.full(), Array.random(3, 1, 7, LinearNodes.K), folder);
  }

  @Test
  void convIsTheSameInBoth(@TempDir Path folder) throws Exception {
    TinyModel m = new TinyModel().imports("io.leno", 1);
    byte[] blob = TinyModel.blob(Truth.random(6 * 54, 1), 6, 54);
    List<AttributeProto> attributes =
        List.of(
            attribute("kernel_shape", new long[] {3, 3}),
            attribute("pads", new long[] {1, 1, 1, 1}),
            attribute("activation", "leaky_relu"),
            attribute("negative_slope", 0.25f),
            attribute("residual", "before"),
            attribute("sizes", new long[] {1, 7, 9}));
    m.output(m.node("io.leno", "Conv", attributes, X, m.bytes(blob), m.random(2, 6), X));
    theSameInBoth(m.build(), Array.random(3, 2, 6, 7, 9), folder);
  }

  private static void theSameInBoth(OnnxModel model, Array x, Path folder) throws Exception {
    assumeTrue(Files.isDirectory(OLDEST), OLDEST + " is missing: Maven puts the old version there");
    Path jar;
    try (Stream<Path> files = Files.list(OLDEST)) {
      jar = files.max(Comparator.naturalOrder()).orElseThrow();
    }
    assertNotEquals("1.18.0", Runtime.ENVIRONMENT.getVersion());

    float[] expected;
    try (OrtSession session = Runtime.session(model, OptLevel.ALL_OPT)) {
      expected = Runtime.run(session, Map.of("x", x)).values().iterator().next().values();
    }
    model.save(folder.resolve("model.onnx"));
    ByteBuffer bytes = ByteBuffer.allocate(4 * x.values().length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(x.values());
    Files.write(folder.resolve("x"), bytes.array());

    String version = run(jar, folder, x.shape());
    assertTrue(version.contains("ONNX Runtime 1.18.0"), version);
    float[] actual = OldestRuntime.floats(Files.readAllBytes(folder.resolve("y")));
    assertArrayEquals(expected, actual, 1e-5f);
  }

  private static String run(Path jar, Path folder, long[] shape)
      throws IOException, InterruptedException {
    String classes =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> Files.exists(Path.of(entry, "io/leno/onnx/OldestRuntime.class")))
            .findFirst()
            .orElseThrow();
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-cp",
                    classes + File.pathSeparator + jar,
                    OldestRuntime.class.getName(),
                    folder.resolve("model.onnx").toString(),
                    LenoOnnx.libraryPath(),
                    LongStream.of(shape).mapToObj(Long::toString).collect(Collectors.joining(",")),
                    folder.resolve("x").toString(),
                    folder.resolve("y").toString()))
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    process.destroyForcibly().waitFor();
    String text = Files.readString(log);
    assertTrue(ended, () -> "no end after a minute: " + text);
    assertEquals(0, process.exitValue(), text);
    return text;
  }
}
