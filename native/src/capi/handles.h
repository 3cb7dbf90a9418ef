#pragma once

#include <memory>

#include "core/device.h"
#include "pack/packed_weights.h"
#include "pattern/pattern.h"

// The handles of the C API are these. Immutable things are shared, so that an operator can outlive what it was made of.
struct leno_device_s {
  leno_device_s(int threads, leno::Isa isa) : device(threads, isa) {}
  leno::Device device;
};
struct leno_context_s {
  explicit leno_context_s(leno::Device& device) : context(device) {}
  leno::Context context;
};
struct leno_pattern_s {
  std::shared_ptr<const leno::Pattern> pattern;
};
struct leno_packed_s {
  std::shared_ptr<const leno::PackedWeights> packed;
};
