package io.leno.study.esrgan;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;

/**
 * Three planes of numbers from 0 to 1.
 *
 * @param pixels plane, row, column
 */
record Photograph(float[] pixels, int height, int width) {
  static final int PLANES = 3;

  static Photograph read(Path file) throws IOException {
    BufferedImage image = ImageIO.read(file.toFile());
    if (image == null) {
      throw new IOException(file + " is no image");
    }
    int count = image.getWidth() * image.getHeight();
    int[] colours =
        image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    float[] pixels = new float[PLANES * count];
    for (int plane = 0; plane < PLANES; plane++) {
      for (int i = 0; i < count; i++) {
        pixels[plane * count + i] = (colours[i] >> (8 * (PLANES - 1 - plane)) & 255) / 255f;
      }
    }
    return new Photograph(pixels, image.getHeight(), image.getWidth());
  }

  /** A part of it. */
  Photograph cut(int top, int left, int rows, int columns) {
    float[] part = new float[PLANES * rows * columns];
    for (int plane = 0; plane < PLANES; plane++) {
      for (int y = 0; y < rows; y++) {
        System.arraycopy(
            pixels,
            (plane * height + top + y) * width + left,
            part,
            (plane * rows + y) * columns,
            columns);
      }
    }
    return new Photograph(part, rows, columns);
  }

  /** Means of squares of pixels; what is left over at the right and below is dropped. */
  Photograph shrink(int factor) {
    int rows = height / factor;
    int columns = width / factor;
    float[] means = new float[PLANES * rows * columns];
    for (int plane = 0; plane < PLANES; plane++) {
      for (int y = 0; y < rows * factor; y++) {
        for (int x = 0; x < columns * factor; x++) {
          means[(plane * rows + y / factor) * columns + x / factor] +=
              pixels[(plane * height + y) * width + x] / (factor * factor);
        }
      }
    }
    return new Photograph(means, rows, columns);
  }
}
