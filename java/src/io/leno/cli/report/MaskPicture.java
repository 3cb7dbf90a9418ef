package io.leno.cli.report;

import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.onnx.Mask;
import java.awt.Color;
import java.util.Locale;

/**
 * A layer's kept weights twice: rows as the model has them, and as they are packed, so that groups
 * show. A group has one colour in both.
 */
final class MaskPicture {
  private static final int MOST_ROWS = 192;
  private static final int MOST_COLUMNS = 256;
  private static final int PANEL = 512; // pixels that a panel is wide, or somewhat less
  private static final Color DROPPED = new Color(0xf3f4f6);
  // Dark enough to stand out from DROPPED, apart for the colour-blind (Okabe and Ito).
  private static final Color[] GROUPS = {
    new Color(0x0072b2), new Color(0xd55e00), new Color(0x009e73), new Color(0x8a4f7d),
    new Color(0xb07d00), new Color(0x2b6f8f), new Color(0x333d48), new Color(0xa3325a),
  };

  private final Mask mask;
  private final int vector;
  private final int[] packedRows;
  private final int[] groupOfRow;

  private MaskPicture(Mask mask, int vector) {
    this.mask = mask;
    this.vector = vector;
    float[] kept = new float[mask.rows() * mask.columns()];
    byte[] bytes = mask.kept();
    for (int i = 0; i < kept.length; i++) {
      kept[i] = bytes[i];
    }
    try (Pattern pattern = Pattern.detect(Matrix.of(kept, mask.rows(), mask.columns()), vector)) {
      packedRows = pattern.permutation();
    }
    groupOfRow = new int[packedRows.length];
    for (int i = 0; i < packedRows.length; i++) {
      groupOfRow[packedRows[i]] = i / vector;
    }
  }

  /**
   * Draws a mask.
   *
   * @param layer name of the layer
   * @param mask its mask
   * @param vector V
   * @return content of a PNG file
   */
  static byte[] draw(String layer, Mask mask, int vector) {
    return of(mask, vector).draw(layer);
  }

  static MaskPicture of(Mask mask, int vector) {
    return new MaskPicture(mask, vector);
  }

  Mask mask() {
    return mask;
  }

  /** The original row of each packed row. */
  int[] packedRows() {
    return packedRows;
  }

  private byte[] draw(String layer) {
    int rows = Math.min(MOST_ROWS, mask.rows());
    int columns = Math.min(MOST_COLUMNS, mask.columns());
    int scale = Math.max(1, Math.min(12, PANEL / Math.max(rows, columns)));
    int width = Math.max(460, columns * scale);
    int margin = 48;
    int top = 118;
    Canvas canvas = new Canvas(2 * width + 3 * margin, top + rows * scale + 92);
    canvas.font(true, 26);
    canvas.text(
        "Kept weights of " + shorten(canvas, layer, 2 * width - 260),
        margin,
        40,
        Canvas.Anchor.LEFT,
        Canvas.INK);
    canvas.font(false, 20);
    panel(canvas, margin, top, rows, columns, scale, false);
    panel(canvas, 2 * margin + width, top, rows, columns, scale, true);
    canvas.text(
        "before: rows as the model has them", margin, top - 14, Canvas.Anchor.LEFT, Canvas.INK);
    canvas.text(
        "after the shuffle: rows as they are packed",
        2 * margin + width,
        top - 14,
        Canvas.Anchor.LEFT,
        Canvas.INK);
    canvas.text(
        String.format(
            Locale.ROOT,
            "Shown: %s of %d rows (output features), %s of %d columns (inputs).",
            count(rows, mask.rows()),
            mask.rows(),
            count(columns, mask.columns()),
            mask.columns()),
        margin,
        top + rows * scale + 40,
        Canvas.Anchor.LEFT,
        Canvas.GREY);
    canvas.text(
        String.format(
            Locale.ROOT,
            "A colour is a group of V = %d rows that keep the same columns; grey: dropped, %.1f %%.",
            vector,
            100 * mask.sparsity()),
        margin,
        top + rows * scale + 70,
        Canvas.Anchor.LEFT,
        Canvas.GREY);
    return canvas.png();
  }

  private void panel(
      Canvas canvas, int left, int top, int rows, int columns, int scale, boolean packed) {
    canvas.fill(left, top, columns * scale, rows * scale, DROPPED);
    for (int i = 0; i < rows; i++) {
      int row = packed ? packedRows[i] : i;
      Color colour = GROUPS[groupOfRow[row] % GROUPS.length];
      for (int column = 0; column < columns; column++) {
        if (mask.isKept(row, column)) {
          canvas.fill(left + column * scale, top + i * scale, scale, scale, colour);
        }
      }
    }
  }

  private static String count(int shown, int all) {
    return shown == all ? "all" : "the first " + shown;
  }

  /** Layer names end in what tells them apart. */
  private static String shorten(Canvas canvas, String name, int width) {
    String text = name;
    for (int from = 1; canvas.width(text) > width && from < name.length(); from++) {
      text = "\u2026" + name.substring(from);
    }
    return text;
  }
}
