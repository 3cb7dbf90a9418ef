package io.leno.onnx;

import io.leno.Matrix;
import io.leno.op.ImageSize;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.FloatPointer;

/**
 * What a convolution does to a batch of images, as a linear layer does it to tokens: some of the
 * output's pixels, drawn once for each batch, each with the patch of the input that it is made of.
 */
final class Patches {
  private static final int MOST = 8192; // patches of all batches, or as many as K needs

  private Patches() {}

  /** Pixels of an output, ascending; all of them where they are few. */
  static int[] sample(Convolution c, long pixels, int batch, int batches) {
    long most = Math.max(MOST, 4L * c.columns());
    int count = (int) Math.min(pixels, (most + batches - 1) / batches);
    int[] chosen = new int[count];
    SplittableRandom random = new SplittableRandom(batch);
    for (int i = 0; i < count; i++) { // one of each of equal parts
      long from = pixels * i / count;
      long to = pixels * (i + 1) / count;
      chosen[i] = (int) (from + random.nextLong(to - from));
    }
    return chosen;
  }

  /** A row of R S C numbers for each pixel, in the order of packed filters, C those of a group. */
  static Matrix inputs(
      FloatPointer images, Convolution c, ImageSize size, int[] pixels, int group) {
    Matrix patches = Matrix.zeros(pixels.length, c.columns());
    FloatBuffer from = images.asBuffer();
    FloatBuffer to = patches.pointer().asBuffer();
    int height = (int) size.height();
    int width = (int) size.width();
    int outWidth = (int) c.outWidth(width);
    int outPixels = (int) c.outHeight(height) * outWidth;
    int channels = c.channels() / c.groups();
    float[] patch = new float[c.columns()];
    for (int p = 0; p < pixels.length; p++) {
      Arrays.fill(patch, 0);
      int image = (pixels[p] / outPixels * c.channels() + group * channels) * height * width;
      int at = pixels[p] % outPixels;
      int top = at / outWidth * c.strideHeight() - c.padTop();
      int left = at % outWidth * c.strideWidth() - c.padLeft();
      for (int r = 0; r < c.kernelHeight(); r++) {
        int y = top + r * c.dilationHeight();
        for (int s = 0; s < c.kernelWidth() && y >= 0 && y < height; s++) {
          int x = left + s * c.dilationWidth();
          if (x < 0 || x >= width) {
            continue;
          }
          int tap = (r * c.kernelWidth() + s) * channels;
          for (int channel = 0; channel < channels; channel++) {
            patch[tap + channel] = from.get(image + (channel * height + y) * width + x);
          }
        }
      }
      to.put(p * patch.length, patch);
    }
    return patches;
  }

  /** A row of the channels of each pixel of an output. */
  static Matrix outputs(FloatPointer images, int channels, long[] shape, int[] pixels) {
    Matrix rows = Matrix.zeros(pixels.length, channels);
    FloatBuffer from = images.asBuffer();
    FloatBuffer to = rows.pointer().asBuffer();
    int ofImage = 1;
    for (int axis = 2; axis < shape.length; axis++) {
      ofImage *= (int) shape[axis];
    }
    for (int p = 0; p < pixels.length; p++) {
      int image = pixels[p] / ofImage * channels * ofImage;
      for (int channel = 0; channel < channels; channel++) {
        to.put(p * channels + channel, from.get(image + channel * ofImage + pixels[p] % ofImage));
      }
    }
    return rows;
  }
}
