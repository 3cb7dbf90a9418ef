package io.leno.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.Device;
import io.leno.onnx.TinyModel;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class MainTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    CommandLine command = Main.commandLine();
    command.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    return command.execute(arguments);
  }

  @Test
  void doctorTellsWhatTheMachineCanRun() throws Exception {
    assertEquals(0, run("doctor", "--json"));
    JsonNode report = new ObjectMapper().readTree(out.toString());
    boolean portable = false;
    for (JsonNode set : report.get("instruction_sets")) {
      portable |= set.get("name").asText().equals("PORTABLE") && set.get("available").asBoolean();
    }
    assertTrue(portable);
    assertTrue(report.get("kernels").size() > 3);
    assertTrue(report.get("conv_kernels").size() > 3);
    assertEquals(Device.cudaCount(), report.get("cards").size());
    String cuda = report.get("cuda").asText();
    assertEquals(Device.cudaRefusal().isEmpty() ? "usable" : "no: " + Device.cudaRefusal(), cuda);
  }

  @Test
  void benchGivesTheExplanationAsJson(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("bench.json");
    assertEquals(
        0,
        run(
            "bench",
            "--rows",
            "32",
            "--columns",
            "48",
            "--tokens",
            "2",
            "--json",
            file.toString()));
    JsonNode report = new ObjectMapper().readTree(Files.readString(file));
    assertEquals(32, report.get("M").asInt());
    assertTrue(report.get("explanation").has("buckets"), report.toString());
  }

  @Test
  void inspectShowsWhatIsFused(@TempDir Path folder) throws Exception {
    TinyModel tiny = new TinyModel().inputShape(-1, 16);
    String sum =
        tiny.node("Add", tiny.node("MatMul", TinyModel.X, tiny.random(1, 16, 16)), TinyModel.X);
    String norm = tiny.node("LayerNormalization", sum, tiny.random(2, 16), tiny.random(3, 16));
    Path model = folder.resolve("m.onnx");
    tiny.output(tiny.node("MatMul", norm, tiny.node("Neg", tiny.random(4, 16, 8))))
        .build()
        .save(model);
    assertEquals(0, run("inspect", model.toString(), "--json"), err.toString());
    JsonNode report = new ObjectMapper().readTree(out.toString());
    assertEquals("residual+norm", report.get("layers").get(0).get("fused").asText());
    assertEquals(1, report.get("skipped").size());
    assertEquals("", err.toString());
  }

  @Test
  void failuresAreOneLineAndAnExitCode(@TempDir Path folder) throws Exception {
    Path model = Files.writeString(folder.resolve("no.onnx"), "not a model");
    assertEquals(1, run("inspect", model.toString()));
    assertTrue(err.toString().startsWith("error: " + model + ": no ONNX model"), err.toString());
    assertEquals(1, err.toString().lines().count());
  }

  @Test
  void aWrongCommandLineIsAnotherExitCode() {
    assertEquals(2, run("bench", "--dtype", "F64"));
    assertEquals(2, run());
  }
}
