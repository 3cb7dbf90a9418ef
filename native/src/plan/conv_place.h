#pragma once

#include "plan/place.h"

namespace leno::plan {

struct ImageSize {
  int64_t batch = 1, height = 1, width = 1;
};

// Buckets count output pixels, batch and all: those of `sizes`, ascending.
struct ConvQuestion : PlanRequest {
  kernels::ConvSpec spec;  // of one group
  int64_t groups = 1;
  bool residual = false;
  std::vector<ImageSize> sizes;

  int64_t channels() const { return groups * spec.geometry.channels; }
  int64_t filters() const { return groups * spec.geometry.filters; }
  int64_t out_pixels(const ImageSize& size) const {
    return size.batch * spec.geometry.out_height(size.height) * spec.geometry.out_width(size.width);
  }
};

// A kernel of one pixel with a stride of 1 is a linear layer: of an image (NCHW: its pixels are the tokens of a
// feature-major matrix), or of all (NHWC).
kernels::LinearSpec as_linear(const kernels::ConvSpec& spec);
int64_t linear_tokens(const kernels::ConvSpec& spec, const ImageSize& size);
// How many such layers a forward is, and the n-th of them.
int64_t linear_calls(const kernels::ConvSpec& spec, int64_t batch);
kernels::LinearCall linear_call(const kernels::ConvSpec& spec, const kernels::ConvCall& call, int64_t n);
// Why the convolution is none, "" where it is.
std::string refuse_as_linear(const ConvQuestion& question);

// A forward on images that lie without gaps.
kernels::ConvCall conv_call(const ConvQuestion& question, const ImageSize& size, const void* x, const void* residual,
                            void* y);
// The packed weights of a group, its columns as the kernels want them: those of a channel side by side.
std::shared_ptr<const PackedWeights> part_of(const PackedWeights& packed, const kernels::ConvGeometry& geometry,
                                             int64_t group);

// Where a convolution will run.
class ConvPlace : public Place {
 public:
  // packed: filters x (kernel_h kernel_w channels of a group), channels innermost.
  ConvPlace(std::shared_ptr<const PackedWeights> packed, const ConvQuestion& question)
      : Place(std::move(packed), question), question_(question) {}
  int64_t timed_tokens(int64_t pixels) const override { return pixels; }
  std::string key(const Bucket& bucket) const override;

 protected:
  // What of the machine the device uses.
  virtual std::string use() const = 0;
  // The least of the sizes that were named with so many output pixels, or the largest.
  const ImageSize& size_of(int64_t pixels) const;

  const ConvQuestion& question_;
};

}  // namespace leno::plan
