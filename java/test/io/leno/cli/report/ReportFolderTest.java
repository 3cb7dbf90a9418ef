package io.leno.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.LenoIOException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("pictures")
class ReportFolderTest {
  @TempDir private Path folder;

  private static BufferedImage read(Path png) throws IOException {
    BufferedImage image = ImageIO.read(png.toFile());
    assertTrue(image != null, png + " is no picture");
    return image;
  }

  @Test
  void thePageNamesEveryLayerAndEveryModelBesideItsAccuracy() throws Exception {
    Report report = SampleReport.of(32, 48, 8);
    ReportFolder.write(folder, report);
    String html = Files.readString(folder.resolve("index.html"));
    assertTrue(html.contains(HtmlPage.escape(SampleReport.SPARSE)), html);
    assertTrue(html.contains(SampleReport.DENSE), html);
    assertTrue(html.contains("/pooler/MatMul: its weights are no constant"), html);
    for (ModelRow model : report.models()) {
      String cells =
          String.format(
              java.util.Locale.ROOT,
              "%.2f .. %.2f</td><td class=\"number\">%.4f",
              model.low(),
              model.high(),
              model.cosine());
      assertTrue(html.contains(cells), cells);
    }
    assertFalse(html.contains("<script"), "the page has a script");
    assertFalse(html.matches("(?s).*(src|href)=\"(?!data:).*"), "the page needs other files");
    assertFalse(html.contains("<query>"), "a name is not escaped");
  }

  @Test
  void theJsonHasTheSameFigures() throws Exception {
    ReportFolder.write(folder, SampleReport.of(32, 48, 8));
    JsonNode json = new ObjectMapper().readTree(folder.resolve("report.json").toFile());
    assertEquals(6, json.get("models").size());
    assertEquals(0.992, json.get("models").get(1).get("accuracy").get("cosine").asDouble());
    JsonNode layers = json.get("settings").get(0).get("layers");
    assertEquals(SampleReport.SPARSE, layers.get(0).get("name").asText());
    assertEquals(8, layers.get(0).get("V").asInt());
    assertTrue(layers.get(0).get("sensitivity").isNull());
    assertTrue(layers.get(1).get("V").isNull());
  }

  @Test
  void thePicturesDecodeAndShowSomething() throws Exception {
    assumeTrue(Canvas.whyNot().isEmpty(), Canvas.whyNot());
    ReportFolder.write(folder, SampleReport.of(32, 48, 8));
    for (String name : new String[] {"speed-accuracy.png", "mask-s75.png"}) {
      BufferedImage image = read(folder.resolve(name));
      Set<Integer> colours = new HashSet<>();
      for (int y = 0; y < image.getHeight(); y++) {
        for (int x = 0; x < image.getWidth(); x++) {
          colours.add(image.getRGB(x, y));
        }
      }
      assertTrue(colours.size() > 8, name + " has " + colours.size() + " colours");
    }
  }

  @Test
  void theShuffleGathersRowsIntoGroups() {
    int vector = 8;
    MaskPicture picture = MaskPicture.of(SampleReport.mask(40, 64, vector, 0.5), vector);
    int[] rows = picture.packedRows();
    boolean moved = false;
    for (int i = 0; i < rows.length; i++) {
      moved |= rows[i] != i;
      int first = rows[i / vector * vector];
      for (int column = 0; column < 64; column++) {
        assertEquals(picture.mask().isKept(first, column), picture.mask().isKept(rows[i], column));
      }
    }
    assertTrue(moved, "the sample's pattern has no shuffle");
  }

  @Test
  void labelsOfThePlotKeepApart() {
    Report report = SampleReport.of(32, 48, 8);
    assumeTrue(Canvas.whyNot().isEmpty(), Canvas.whyNot());
    assertEquals(report.models().size(), TradeOffPlot.of(report.models()).labels());
    // Ten models in one place: every one finds room for its label.
    ModelRow row = report.models().get(1);
    assertEquals(10, TradeOffPlot.of(java.util.Collections.nCopies(10, row)).labels());
  }

  @Test
  void aFolderThatCannotBeMadeIsReported() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "");
    Report report = SampleReport.of(8, 8, 4);
    assertThrows(LenoIOException.class, () -> ReportFolder.write(file.resolve("sub"), report));
  }

  @Test
  void numbersStandToTheRight() {
    String table =
        TextTable.of(
            java.util.List.of(
                java.util.List.of("name", "time"),
                java.util.List.of("a", "1.5 ms"),
                java.util.List.of("long name", "110.0 ms")));
    assertEquals("name       time\na            1.5 ms\nlong name  110.0 ms\n", table);
    assertNotEquals(true, TextTable.isNumber("10 x 20"));
  }
}
