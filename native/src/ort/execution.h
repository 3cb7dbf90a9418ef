#pragma once

#include "leno/device.h"

// Where nodes of a model run: ONNX Runtime tells an operator neither a device nor a thread of its own.
namespace leno::ort {

// The process's device with this many threads and this instruction set. Lives until the process ends, since operators
// of any session may use it.
leno_device shared_device(int threads, int isa);

// The same for a card.
leno_device shared_cuda_device(int ordinal);

// A context of the calling thread with so much scratch at least. Allocates on a thread's first, or first larger,
// forward and never again.
class ContextLease {
 public:
  ContextLease(leno_device device, int64_t bytes);
  // Has forwards go to this CUstream.
  void use_stream(leno_device device, void* custream);
  leno_context get() const { return context_; }

 private:
  leno_context context_;
};

}  // namespace leno::ort
