#pragma once

#include <memory>

#include "core/device.h"
#include "pack/packed_weights.h"
#include "pattern/pattern.h"

// The handles of the C API are these. What they hold is shared, so that operators and contexts may outlive the handles
// that they were made of.
struct leno_device_s {
  std::shared_ptr<leno::Device> device;
};
struct leno_context_s {
  explicit leno_context_s(std::shared_ptr<leno::Device> d) : device(std::move(d)), context(*device) {}
  const std::shared_ptr<leno::Device> device;
  leno::Context context;
};
struct leno_pattern_s {
  std::shared_ptr<const leno::Pattern> pattern;
};
struct leno_packed_s {
  std::shared_ptr<const leno::PackedWeights> packed;
};
