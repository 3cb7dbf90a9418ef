package io.leno.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.leno.ChildJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What pruning holds does not grow with the calibration inputs: they pass batch by batch. */
final class PeakMemoryTest {
  @Test
  void manySamplesTakeNoMoreThanFew(@TempDir Path folder) throws Exception {
    assumeTrue(Files.exists(Path.of("/proc/self/status")), "only Linux tells its peaks there");
    int many = 24_000;
    long few = peak(2_000, folder);
    long growth = peak(many, folder) - few;
    long activations = 4L * many * PeakMemory.WIDTH; // of one tensor; at a cut there are up to four
    assertTrue(growth < activations, "the peak is " + few + " and grows by " + growth + " bytes");
  }

  private static long peak(int samples, Path folder) throws Exception {
    Path log = folder.resolve("log");
    Process process =
        ChildJvm.start(
            log, List.of("-Xmx96m"), PeakMemory.class, List.of(Integer.toString(samples)));
    boolean ended = process.waitFor(120, TimeUnit.SECONDS);
    process.destroyForcibly().waitFor();
    List<String> lines = Files.readAllLines(log);
    assertTrue(ended, () -> "no end after two minutes: " + lines);
    assertEquals(0, process.exitValue(), lines.toString());
    return 1024 * Long.parseLong(lines.get(lines.size() - 1));
  }
}
