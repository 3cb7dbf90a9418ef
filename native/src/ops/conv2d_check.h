#pragma once

#include "ops/conv2d.h"

namespace leno::ops {

// Throws where the options are no convolution of the weights on such a device; else they go on with geometry complete
// and sizes sorted by their output pixels.
Conv2dOptions checked(Device::Kind device, Conv2dOptions options, const PackedWeights& packed);
// Throws where images of this size have no output, or too many elements.
void check_size(const plan::ConvQuestion& question, const ImageSize& size);
// Throws where a forward cannot take these addresses.
void check_images(const plan::ConvQuestion& question, const ImageSize& size, const void* x, const void* residual,
                  const void* y);

}  // namespace leno::ops
