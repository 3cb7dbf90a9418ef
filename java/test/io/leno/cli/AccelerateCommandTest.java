package io.leno.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.onnx.LinearLayer;
import io.leno.onnx.Mask;
import io.leno.onnx.MaskFile;
import io.leno.onnx.OnnxModel;
import io.leno.onnx.ShapeEvidence;
import io.leno.onnx.TinyModel;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AccelerateCommandTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  @TempDir private Path folder;
  private String model;
  private String accelerated;

  @BeforeEach
  void makeModel() {
    model = folder.resolve("tiny.onnx").toString();
    perceptron().save(Path.of(model));
    accelerated = folder.resolve("fast.onnx").toString();
  }

  /** x [any, 32], a product, a bias, relu, a product. */
  static OnnxModel perceptron() {
    TinyModel tiny = new TinyModel().inputShape(-1, 32);
    String hidden = tiny.node("MatMul", TinyModel.X, tiny.random(1, 32, 64));
    hidden = tiny.node("Relu", tiny.node("Add", hidden, tiny.random(2, 64)));
    return tiny.output(tiny.node("MatMul", hidden, tiny.random(3, 64, 24))).build();
  }

  private int run(String... arguments) {
    return Main.commandLine()
        .setOut(new PrintWriter(out))
        .setErr(new PrintWriter(err))
        .execute(arguments);
  }

  private int accelerate(String... options) {
    String[] arguments = new String[options.length + 4];
    arguments[0] = "accelerate";
    arguments[1] = model;
    arguments[2] = "-o";
    arguments[3] = accelerated;
    System.arraycopy(options, 0, arguments, 4, options.length);
    return run(arguments);
  }

  @Test
  void sparsityMakesAModelAndMasks() throws Exception {
    Path json = folder.resolve("result.json");
    Path masks = folder.resolve("masks.safetensors");
    int code =
        accelerate(
            "--sparsity",
            "0.5",
            "--uniform",
            "--vector",
            "8",
            "--dtype",
            "F32",
            "--rounds",
            "3",
            "--json",
            json.toString(),
            "--masks",
            masks.toString());
    assertEquals(0, code, err.toString());
    JsonNode setting = new ObjectMapper().readTree(json.toFile()).get("settings").get(0);
    assertEquals(2, setting.get("layers").size());
    for (JsonNode layer : setting.get("layers")) {
      assertEquals(0.5, layer.get("sparsity").asDouble(), 0.1, layer.toString());
      assertTrue(out.toString().contains(layer.get("name").asText()), out.toString());
    }
    assertTrue(setting.get("generated_inputs").asBoolean());
    assertTrue(err.toString().contains("inputs are made up"), err.toString());
    assertTrue(out.toString().contains("speed-up"), out.toString());
    assertTrue(out.toString().contains("cosine"), out.toString());
    assertTrue(Files.size(masks) > 0);
    // What was written runs.
    assertEquals(0, run("compare", model, accelerated, "--rounds", "2"), err.toString());
  }

  @Test
  void familiesAreChosenAndReported() throws Exception {
    for (String family : new String[] {"warp-skip", "auto"}) {
      Path json = folder.resolve(family + ".json");
      int code =
          accelerate(
              "--sparsity",
              "0.5",
              "--uniform",
              "--vector",
              "8",
              "--dtype",
              "F32",
              "--rounds",
              "2",
              "--family",
              family,
              "--json",
              json.toString());
      assertEquals(0, code, err.toString());
      JsonNode layers =
          new ObjectMapper().readTree(json.toFile()).get("settings").get(0).get("layers");
      for (JsonNode layer : layers) {
        String chosen = layer.get("family").asText();
        assertTrue(layer.get("kept_importance").asDouble() > 0, layer.toString());
        assertEquals(chosen.equals("warp-skip"), layer.get("pattern").asText().equals("warp-skip"));
        if (family.equals("warp-skip")) {
          assertEquals("warp-skip", chosen);
          assertEquals(0, layer.get("alternatives").size());
        } else {
          assertEquals(2, layer.get("alternatives").size());
          assertEquals("shfl-bw", layer.get("alternatives").get(0).get("family").asText());
          assertEquals("warp-skip", layer.get("alternatives").get(1).get("family").asText());
        }
      }
    }
  }

  @Test
  @Tag("pictures")
  void aReportIsWritten() {
    Path report = folder.resolve("a/report");
    int code =
        accelerate(
            "--sparsity", "0.5", "--vector", "4", "--rounds", "2", "--report", report.toString());
    assertEquals(0, code, err.toString());
    assertTrue(Files.exists(report.resolve("index.html")));
    assertTrue(Files.exists(report.resolve("report.json")));
    assertTrue(out.toString().contains("report: " + report.resolve("index.html")));
  }

  @Test
  void aBudgetIsKept() throws Exception {
    Path json = folder.resolve("result.json");
    int code = accelerate("--budget", "0.9", "--rounds", "3", "--json", json.toString());
    assertEquals(0, code, err.toString());
    JsonNode setting = new ObjectMapper().readTree(json.toFile()).get("settings").get(0);
    assertTrue(setting.get("similarity").asDouble() >= 0.9, setting.toString());
  }

  /** Out with the masks, retrained elsewhere, and back. */
  @Test
  void whatWasRetrainedUnderTheMasksComesBack() throws Exception {
    Path masks = folder.resolve("masks.safetensors");
    String options = "--sparsity 0.5 --uniform --vector 8 --dtype F32 --rounds 2 --masks " + masks;
    assertEquals(0, accelerate(options.split(" ")), err.toString());

    OnnxModel dense = OnnxModel.load(Path.of(model));
    Map<String, Mask> kept = MaskFile.load(masks);
    Map<LinearLayer, float[]> trained = new HashMap<>();
    Random random = new Random(3);
    for (LinearLayer layer : dense.layers(ShapeEvidence.none())) {
      float[] weights = layer.weights();
      byte[] mask = kept.get(layer.name()).kept();
      for (int i = 0; i < weights.length; i++) {
        weights[i] = (weights[i] + 0.1f * (float) random.nextGaussian()) * mask[i];
      }
      trained.put(layer, weights);
    }
    Path retrained = folder.resolve("retrained.onnx");
    dense.withWeights(trained).save(retrained);

    Path json = folder.resolve("packed.json");
    Path packed = folder.resolve("packed.onnx");
    String pack = "pack " + retrained + " -o " + packed + " --json " + json;
    assertEquals(0, run(pack.split(" ")), err.toString());
    JsonNode report = new ObjectMapper().readTree(json.toFile());
    assertEquals(2, report.get("layers").size());
    for (JsonNode layer : report.get("layers")) {
      assertEquals(8, layer.get("vector").asInt(), layer.toString());
      assertEquals(0.5, layer.get("sparsity").asDouble(), 0.02, layer.toString());
    }
    Path comparison = folder.resolve("comparison.json");
    String compare = "compare " + retrained + " " + packed + " --rounds 2 --json " + comparison;
    assertEquals(0, run(compare.split(" ")), err.toString());
    JsonNode models = new ObjectMapper().readTree(comparison.toFile()).get("models");
    assertEquals(1, models.get(1).get("cosine").asDouble(), 1e-6);
    assertEquals(1, models.get(1).get("agreement").asDouble());
  }
}
