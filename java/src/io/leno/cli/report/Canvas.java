package io.leno.cli.report;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import javax.imageio.ImageIO;

/** A white image to draw on, without a display. */
final class Canvas {
  static final Color INK = new Color(0x1f2933);
  static final Color FAINT = new Color(0xd5dae0);
  static final Color GREY = new Color(0x66727f);

  /** Where a text stands to its point. */
  enum Anchor {
    LEFT,
    CENTRE,
    RIGHT
  }

  private final BufferedImage image;
  final Graphics2D graphics;

  Canvas(int width, int height) {
    image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    graphics = image.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, width, height);
    graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.setRenderingHint(RenderingHints.KEY_STROKE_CONTROL, RenderingHints.VALUE_STROKE_PURE);
  }

  /** Why this machine cannot draw, or an empty string. A JDK says so in many ways, by version. */
  static String whyNot() {
    try {
      Canvas canvas = new Canvas(8, 8);
      canvas.font(false, 20);
      canvas.text("M", 0, 8, Anchor.LEFT, INK);
      return "";
    } catch (RuntimeException | LinkageError | InternalError e) {
      return "No pictures: no fonts on this machine, or a JDK without java.desktop (" + e + ").";
    }
  }

  void font(boolean bold, int size) {
    graphics.setFont(new Font(Font.SANS_SERIF, bold ? Font.BOLD : Font.PLAIN, size));
  }

  /** The text's baseline is at y. */
  void text(String text, double x, double y, Anchor anchor, Color colour) {
    graphics.setColor(colour);
    double share = anchor == Anchor.LEFT ? 0 : anchor == Anchor.CENTRE ? 0.5 : 1;
    graphics.drawString(text, (float) (x - share * width(text)), (float) y);
  }

  /** Centred, read from below to above. */
  void textUpward(String text, double x, double y, Color colour) {
    graphics.rotate(-Math.PI / 2, x, y);
    text(text, x, y, Anchor.CENTRE, colour);
    graphics.rotate(Math.PI / 2, x, y);
  }

  int width(String text) {
    return graphics.getFontMetrics().stringWidth(text);
  }

  void line(double x1, double y1, double x2, double y2, double width, Color colour) {
    graphics.setColor(colour);
    graphics.setStroke(new BasicStroke((float) width));
    graphics.draw(new java.awt.geom.Line2D.Double(x1, y1, x2, y2));
  }

  void dot(double x, double y, double radius, Color colour) {
    graphics.setColor(colour);
    graphics.fill(
        new java.awt.geom.Ellipse2D.Double(x - radius, y - radius, 2 * radius, 2 * radius));
  }

  void fill(double x, double y, double width, double height, Color colour) {
    graphics.setColor(colour);
    graphics.fill(new java.awt.geom.Rectangle2D.Double(x, y, width, height));
  }

  /** The image as the content of a PNG file. */
  byte[] png() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(image, "png", bytes);
    } catch (IOException e) {
      throw new IllegalStateException("a PNG cannot be written to memory", e);
    }
    return bytes.toByteArray();
  }
}
