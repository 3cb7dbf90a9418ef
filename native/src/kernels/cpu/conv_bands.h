#pragma once

#include "kernels/conv_axis.h"
#include "kernels/conv_kernel.h"
#include "kernels/cpu/linear_strips.h"

// How the convolution kernels of the CPU see an image: as a few *planes* a channel, in which every weight of a filter
// meets the pixels of an output row side by side. Then a convolution is a product whose columns are offsets.
//
// Phases of rows and of columns go to planes of their own (conv_axis.h). Padding is part of a plane; the zeros to the
// right of a row are those to the left of the next one where the stride allows it.
//
// Output pixels are numbered through the rows of a plane: pixel (row, column) is row * pitch + column. Those past the
// end of an output row are computed and thrown away.
namespace leno::kernels {

// A band: as many output rows, of as many images, as keep its planes in half of the second-level cache.
struct ConvBands {
  ConvAxis vertical, horizontal;
  int64_t element;  // bytes of a plane's
  int64_t out_height, out_width;
  int64_t rows;        // output rows of a band: of one image, or all
  int64_t of_image;    // bands of an image
  int64_t images;      // of a band; 1 where an image has several bands
  int64_t bands;       // of the forward
  int64_t pitch;       // of the rows of a plane
  int64_t plane_rows;  // of one image in a plane
  int64_t plane;       // elements
  int64_t planes;      // of a channel

  ConvBands(const ConvGeometry& geometry, int64_t batch, int64_t height, int64_t width, int64_t element);

  // For each column of the weights: elements from a pixel's place in the first plane to the input of that weight.
  void fill_offsets(const ConvGeometry& geometry, int32_t* offsets) const;
  // Pixels from the first to the last of `count` output rows.
  int64_t pixels(int64_t count) const { return (count - 1) * pitch + out_width; }
};

// Where the parts of a kernel's scratch lie, in bytes.
struct ConvScratch {
  int64_t planes, of_columns, offsets, bias, tile, sums, weights, total;
  int64_t tiles;  // whose sums wait for those of all filters; NHWC only
  ConvScratch(const LinearStrips& w, const ConvBands& bands, const ConvSpec& spec, PanelShape shape, bool widen);
};

}  // namespace leno::kernels
