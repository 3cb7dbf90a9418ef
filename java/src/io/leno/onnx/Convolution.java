package io.leno.onnx;

import io.leno.op.ImageSize;

/**
 * How a convolution meets its images. A 1-D one is one of images of one row.
 *
 * @param dimensions 1 or 2
 * @param channels C, of the image
 * @param groups parts of filters and of channels; a filter sees the channels of its own part
 * @param kernelHeight R
 * @param kernelWidth S
 * @param padTop zeros above the image; less than the kernel's extent, as the other pads
 */
record Convolution(
    int dimensions,
    int channels,
    int groups,
    int kernelHeight,
    int kernelWidth,
    int strideHeight,
    int strideWidth,
    int dilationHeight,
    int dilationWidth,
    int padTop,
    int padLeft,
    int padBottom,
    int padRight) {
  private static final int USUAL = 56; // rows and columns of an image of which nothing is known

  /** K: weights of a filter. */
  int columns() {
    return kernelHeight * kernelWidth * (channels / groups);
  }

  int taps() {
    return kernelHeight * kernelWidth;
  }

  /** Whether it is a linear layer over the channels of each pixel. */
  boolean isPointwise() {
    return taps() == 1 && strideHeight == 1 && strideWidth == 1 && groups == 1;
  }

  long outHeight(long height) {
    return (height + padTop + padBottom - dilationHeight * (kernelHeight - 1L) - 1) / strideHeight
        + 1;
  }

  long outWidth(long width) {
    return (width + padLeft + padRight - dilationWidth * (kernelWidth - 1L) - 1) / strideWidth + 1;
  }

  /** Pixels of the output, of all images. */
  long outPixels(ImageSize size) {
    return size.batch() * outHeight(size.height()) * outWidth(size.width());
  }

  /** Of a tensor [batch, C, height, width] or [batch, C, width]. */
  ImageSize size(long[] shape) {
    return new ImageSize(shape[0], dimensions == 1 ? 1 : shape[2], shape[dimensions + 1]);
  }

  /** Where nothing is known of the images: large enough for the kernel. */
  ImageSize usualSize() {
    long height = Math.max(USUAL, dilationHeight * (kernelHeight - 1L) + 1);
    long width = Math.max(USUAL, dilationWidth * (kernelWidth - 1L) + 1);
    return new ImageSize(1, dimensions == 1 ? 1 : height, width);
  }

  /** As ONNX writes attributes: a number per dimension. */
  long[] kernelShape() {
    return perDimension(kernelHeight, kernelWidth);
  }

  long[] strides() {
    return perDimension(strideHeight, strideWidth);
  }

  long[] dilations() {
    return perDimension(dilationHeight, dilationWidth);
  }

  /** As ONNX writes pads: all begins, then all ends. */
  long[] pads() {
    return dimensions == 1
        ? new long[] {padLeft, padRight}
        : new long[] {padTop, padLeft, padBottom, padRight};
  }

  /** Batch and extents of an image. */
  long[] extents(ImageSize size) {
    return dimensions == 1
        ? new long[] {size.batch(), size.width()}
        : new long[] {size.batch(), size.height(), size.width()};
  }

  private long[] perDimension(long height, long width) {
    return dimensions == 1 ? new long[] {width} : new long[] {height, width};
  }
}
