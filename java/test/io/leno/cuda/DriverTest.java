package io.leno.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.ChildJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Drivers that are not there, too old, without cards, or lose one: each in a JVM of its own. */
class DriverTest {
  @TempDir Path folder;

  @Test
  void nothingTouchesTheDriverBeforeACardIsAskedFor() throws Exception {
    List<String> told = run("untouched", Map.of());
    assertEquals(List.of("mapped: false", "usable: true", "mapped: true", "alive: true"), told);
  }

  @Test
  void aDriverThatIsNotThere() throws Exception {
    assertRefused("no NVIDIA driver: .*nowhere.*", Map.of("LENO_CUDA_DRIVER", "/nowhere.so"));
  }

  @Test
  void aLibraryThatIsNoDriver() throws Exception {
    assertRefused("libm.so.6 is no NVIDIA driver.*", Map.of("LENO_CUDA_DRIVER", "libm.so.6"));
  }

  @Test
  void aDriverThatIsTooOld() throws Exception {
    assertRefused(
        "the NVIDIA driver is of CUDA 12\\.8, expected 13\\.0 or later",
        Map.of("LENO_SIMT_VERSION", "12080"));
  }

  @Test
  void aDriverWithoutCards() throws Exception {
    assertRefused(
        "the NVIDIA driver shows no device to this process", Map.of("LENO_SIMT_DEVICES", "0"));
  }

  @Test
  void aDriverThatDoesNotStart() throws Exception {
    assertRefused(
        "the NVIDIA driver does not start: .*999.*", Map.of("LENO_SIMT_FAULT", "cuInit:1:999"));
  }

  @Test
  void cardsThatAreTooOld() throws Exception {
    List<String> told = run("cards", Map.of("LENO_SIMT_ARCH", "70", "LENO_SIMT_DEVICES", "1"));
    assertTrue(
        told.get(0)
            .matches("LenoUnsupportedException: .*device 0 .*7\\.0, expected 7\\.5 or later"),
        told::toString);
    assertEquals("alive: true", told.get(1));
  }

  @Test
  void cardsWithoutMemoryForUs() throws Exception {
    List<String> told = run("cards", Map.of("LENO_SIMT_FAULT", "cuDevicePrimaryCtxRetain:1:2"));
    assertTrue(told.get(0).startsWith("LenoOutOfMemoryException: "), told::toString);
    assertTrue(told.get(1).startsWith("card: sm_"), told::toString); // the other one goes on
    assertEquals("alive: true", told.get(2));
  }

  @Test
  void aCardThatIsLostStaysLost() throws Exception {
    // Error 700: a kernel wrote where no memory is.
    List<String> told = run("lost", Map.of("LENO_SIMT_FAULT", "kernel:9:700"));
    assertEquals(
        List.of(
            "lost: true",
            "allocate: lost",
            "upload: lost",
            "synchronize: lost",
            "reserve: lost",
            "again: lost",
            "alive: true"),
        told);
  }

  @Test
  void aCallThatFailsOnceLosesNothing() throws Exception {
    // Error 719 ends a card's work, 801 does not.
    List<String> told = run("lost", Map.of("LENO_SIMT_FAULT", "cuMemsetD8Async:2:801"));
    assertEquals(
        List.of(
            "lost: false",
            "allocate: works",
            "upload: works",
            "synchronize: works",
            "reserve: works",
            "again: works",
            "alive: true"),
        told);
  }

  private void assertRefused(String reason, Map<String, String> environment) throws Exception {
    List<String> told = run("refused", environment);
    assertEquals("count: 0", told.get(0));
    assertTrue(told.get(1).matches("refusal: " + reason), told::toString);
    assertTrue(
        told.get(2).startsWith("LenoUnsupportedException: ")
            && told.get(2).endsWith(told.get(1).substring("refusal: ".length())),
        told::toString);
    assertEquals("alive: true", told.get(3));
  }

  private List<String> run(String what, Map<String, String> environment)
      throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    Process child =
        ChildJvm.start(log, List.of("-Xcheck:jni"), Child.class, List.of(what), environment);
    assertTrue(child.waitFor(60, TimeUnit.SECONDS), what);
    List<String> lines = Files.readAllLines(log);
    assertEquals(0, child.exitValue(), lines::toString);
    Pattern fact = Pattern.compile("\\w+: .*");
    return lines.stream().filter(line -> fact.matcher(line).matches()).toList();
  }
}
