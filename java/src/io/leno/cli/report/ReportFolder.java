package io.leno.cli.report;

import io.leno.LenoIOException;
import io.leno.internal.Check;
import io.leno.onnx.LayerReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A folder with a report: {@code index.html}, {@code report.json}, {@code speed-accuracy.png} and
 * {@code mask-KEY.png} for every setting that has a sparse layer.
 */
public final class ReportFolder {
  private ReportFolder() {}

  /**
   * Writes the folder, replacing files of these names.
   *
   * @param folder made where it is missing
   * @param report what to tell
   * @throws LenoIOException if a file cannot be written
   */
  public static void write(Path folder, Report report) {
    byte[] plot = null;
    Map<String, byte[]> masks = new LinkedHashMap<>();
    String note = Canvas.whyNot();
    if (note.isEmpty()) {
      plot = TradeOffPlot.draw(report.models());
      for (Setting setting : report.settings()) {
        byte[] mask = mask(setting);
        if (mask != null) {
          masks.put(setting.key(), mask);
        }
      }
    }
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("index.html"), HtmlPage.of(report, plot, masks, note));
      if (plot != null) {
        Files.write(folder.resolve("speed-accuracy.png"), plot);
      }
      for (Map.Entry<String, byte[]> mask : masks.entrySet()) {
        Files.write(folder.resolve("mask-" + mask.getKey() + ".png"), mask.getValue());
      }
    } catch (IOException e) {
      throw new LenoIOException("report " + folder + " cannot be written: " + Check.reason(e));
    }
    Json.write(folder.resolve("report.json"), ReportJson.of(report));
  }

  /** Of the layer whose sparsity is nearest to the setting's: neither bare nor full. */
  private static byte[] mask(Setting setting) {
    double sparsity = setting.report().sparsity();
    return setting.report().layers().stream()
        .filter(layer -> setting.masks().containsKey(layer.name()))
        .min(Comparator.comparingDouble(layer -> Math.abs(layer.sparsity() - sparsity)))
        .map(layer -> draw(layer, setting))
        .orElse(null);
  }

  private static byte[] draw(LayerReport layer, Setting setting) {
    return MaskPicture.draw(
        layer.name(), setting.masks().get(layer.name()), layer.choice().vector());
  }
}
