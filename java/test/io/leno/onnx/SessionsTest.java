package io.leno.onnx;

import static io.leno.onnx.LinearNodes.K;
import static io.leno.onnx.TinyModel.X;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.leno.Truth;
import io.leno.onnx.Runtime.Array;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions as servers use them: by many threads at once, and one after the other. */
final class SessionsTest {
  private static final int CALLERS = 4;

  private static float[] run(OrtSession session, Array x) throws OrtException {
    return Runtime.run(session, Map.of(X, x)).values().iterator().next().values();
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "2"})
  void callersDoNotDisturbEachOther(String threads) throws Exception {
    List<Array> inputs = new ArrayList<>();
    List<float[]> expected = new ArrayList<>();
    // Every other input is larger than all before, so that scratch memory grows while others run.
    for (int i = 0; i < 24; i++) {
      inputs.add(Array.random(i, i % 2 == 0 ? 3 : 10L * (i + 1), K));
    }
    ExecutorService callers = Executors.newFixedThreadPool(CALLERS);
    try (OrtSession alone = Runtime.session(LinearNodes.full(), OptLevel.ALL_OPT);
        OrtSession shared =
            Runtime.session(LinearNodes.full(), OptLevel.ALL_OPT, "leno.threads", threads)) {
      for (Array input : inputs) {
        expected.add(run(alone, input));
      }
      List<Future<Void>> results = new ArrayList<>();
      for (int caller = 0; caller < CALLERS; caller++) {
        int first = caller;
        Callable<Void> task =
            () -> {
              for (int i = 0; i < 5 * inputs.size(); i++) {
                int index = (first * 7 + i) % inputs.size();
                assertArrayEquals(expected.get(index), run(shared, inputs.get(index)), 1e-5f);
              }
              return null;
            };
        results.add(callers.submit(task));
      }
      for (Future<Void> result : results) {
        result.get();
      }
    } finally {
      callers.shutdownNow();
    }
  }

  @Test
  void closedSessionsLeaveNothing(@TempDir Path folder) throws Exception {
    int features = 512; // 1 MB of weights
    Path file =
        folder.resolve("model.onnx"); // read by ONNX Runtime: the JVM's heap stays out of it
    LinearNodes.plain(TinyModel.blob(Truth.random(features * features, 1), features, features))
        .save(file);
    Array x = Array.random(1, 4, features);
    for (int i = 0; i < 20; i++) {
      makeAndClose(file, x);
    }
    long before = residentBytes();
    for (int i = 0; i < 100; i++) {
      makeAndClose(file, x);
    }
    long grown = residentBytes() - before;
    assertTrue(
        grown < 50L << 20, "100 sessions left " + grown + " bytes, their weights are 100 MB");
  }

  private static void makeAndClose(Path file, Array x) throws OrtException {
    try (SessionOptions options = Runtime.lenoOptions(OptLevel.BASIC_OPT, "leno.isa", "portable");
        OrtSession session = Runtime.ENVIRONMENT.createSession(file.toString(), options)) {
      run(session, x);
    }
  }

  private static long residentBytes() throws IOException {
    System.gc();
    String status = Files.readString(Path.of("/proc/self/status"));
    String line = status.substring(status.indexOf("VmRSS:") + 6);
    return Long.parseLong(line.substring(0, line.indexOf("kB")).strip()) << 10;
  }
}
