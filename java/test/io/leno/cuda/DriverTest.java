package io.leno.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.leno.ChildJvm;
import io.leno.cli.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Drivers that are not there, too old, without cards, or lose one: each in a JVM of its own, on the
 * emulator's driver, which plays them all.
 */
class DriverTest {
  @TempDir Path folder;

  @BeforeAll
  static void onTheEmulator() {
    String driver = System.getenv("LENO_CUDA_DRIVER");
    assumeTrue(driver != null && driver.contains("simt"), "the driver is a real one: " + driver);
  }

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

  @ParameterizedTest
  @CsvSource({"75, false, false", "89, true, true", "90, true, true"})
  void layersOnCardsOfEveryKind(int arch, boolean bf16, boolean fp8) throws Exception {
    List<String> told = run("layers", Map.of("LENO_SIMT_ARCH", Integer.toString(arch)));
    assertEquals(
        List.of(
            "F16_TOKEN_MAJOR: right",
            "F16_FEATURE_MAJOR: right",
            "BF16_TOKEN_MAJOR: " + rightIf(bf16),
            "BF16_FEATURE_MAJOR: " + rightIf(bf16),
            "E4M3_TOKEN_MAJOR: " + rightIf(fp8),
            "E4M3_FEATURE_MAJOR: " + rightIf(fp8),
            "alive: true"),
        told);
  }

  private static String rightIf(boolean kernels) {
    return kernels ? "right" : "refused";
  }

  @Test
  void doctorListsCardsAndTheirKernels() throws Exception {
    List<String> lines = lines(Main.class, "doctor", Map.of());
    assertTrue(lines.contains("cuda         usable"), lines::toString);
    assertTrue(
        lines.stream().anyMatch(line -> line.matches("  yes cuda:1 .*, sm_\\d+, .* free, .*")),
        lines::toString);
    int kernels = lines.indexOf("kernels on cuda:0");
    assertTrue(
        lines.stream().skip(kernels).anyMatch(line -> line.startsWith("  yes f16_linear_")),
        lines::toString);
    int convolutions = lines.indexOf("kernels of convolutions on cuda:0");
    assertTrue(convolutions > kernels, lines::toString);
    assertTrue(
        lines.stream().skip(convolutions).anyMatch(line -> line.startsWith("  yes f16_conv2d_")),
        lines::toString);
  }

  @Test
  void doctorTellsWhyThereAreNoCards() throws Exception {
    List<String> lines = lines(Main.class, "doctor", Map.of("LENO_CUDA_DRIVER", "/nowhere.so"));
    assertTrue(
        lines.stream().anyMatch(line -> line.startsWith("cuda         no: no NVIDIA driver: ")),
        lines::toString);
    lines = lines(Main.class, "doctor", Map.of("LENO_SIMT_ARCH", "70"));
    assertTrue(
        lines.stream().anyMatch(line -> line.matches("  no  cuda:0 .*expected 7\\.5 or later")),
        lines::toString);
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
    Pattern fact = Pattern.compile("\\w+: .*");
    return lines(Child.class, what, environment).stream()
        .filter(line -> fact.matcher(line).matches())
        .toList();
  }

  private List<String> lines(Class<?> main, String what, Map<String, String> environment)
      throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    Process child = ChildJvm.start(log, List.of("-Xcheck:jni"), main, List.of(what), environment);
    assertTrue(child.waitFor(120, TimeUnit.SECONDS), what);
    List<String> lines = Files.readAllLines(log);
    assertEquals(0, child.exitValue(), lines::toString);
    assertTrue(
        lines.stream().noneMatch(line -> line.contains("in native method")), lines::toString);
    return lines;
  }
}
