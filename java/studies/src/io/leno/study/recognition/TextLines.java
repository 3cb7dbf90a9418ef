package io.leno.study.recognition;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Random;

/** Lines of text as images, for a model that reads them. */
final class TextLines {
  static final int PLANES = 3;
  static final int HEIGHT = 48;
  static final int WIDTH = 320;

  private static final List<String> WORDS =
      List.of(
          "invoice",
          "total",
          "amount",
          "date",
          "street",
          "Berlin",
          "Paris",
          "payment",
          "order",
          "number",
          "customer",
          "Thursday",
          "March",
          "delivery",
          "account",
          "receipt",
          "price",
          "quantity",
          "tax",
          "balance",
          "address",
          "contract",
          "signature",
          "page",
          "reference",
          "12.50",
          "2024",
          "No. 7",
          "EUR",
          "48 kg",
          "09:30",
          "1,234.00",
          "A4",
          "B-17");
  private static final List<String> FONTS = List.of("SansSerif", "Serif", "Monospaced");

  private TextLines() {}

  /**
   * Some lines.
   *
   * @return lines x planes x height x width numbers from -1 to 1
   */
  static float[] render(int lines, long seed) {
    Random random = new Random(seed);
    float[] pixels = new float[lines * PLANES * HEIGHT * WIDTH];
    for (int line = 0; line < lines; line++) {
      BufferedImage image = render(random);
      for (int i = 0; i < PLANES * HEIGHT * WIDTH; i++) {
        int pixel = image.getRGB(i % WIDTH, i / WIDTH % HEIGHT);
        int plane = i / (HEIGHT * WIDTH); // blue, green, red
        double value = (pixel >> 8 * plane & 255) + 6 * random.nextGaussian();
        pixels[line * PLANES * HEIGHT * WIDTH + i] =
            (float) Math.max(-1, Math.min(1, value / 127.5 - 1));
      }
    }
    return pixels;
  }

  private static BufferedImage render(Random random) {
    StringBuilder text = new StringBuilder(word(random));
    while (text.length() < 12 + random.nextInt(8)) {
      text.append(' ').append(word(random));
    }
    BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
    Graphics2D graphics = image.createGraphics();
    int paper = 190 + random.nextInt(60);
    graphics.setColor(new Color(paper, paper, paper - random.nextInt(30)));
    graphics.fillRect(0, 0, WIDTH, HEIGHT);
    int ink = random.nextInt(90);
    graphics.setColor(new Color(ink, ink, ink + random.nextInt(60)));
    int style = random.nextInt(3) == 0 ? Font.BOLD : Font.PLAIN;
    graphics.setFont(
        new Font(FONTS.get(random.nextInt(FONTS.size())), style, 22 + random.nextInt(8)));
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    graphics.shear(0.2 * random.nextDouble() - 0.1, 0);
    graphics.drawString(text.toString(), 6 + random.nextInt(6), 30 + random.nextInt(8));
    graphics.dispose();
    return image;
  }

  private static String word(Random random) {
    return WORDS.get(random.nextInt(WORDS.size()));
  }
}
