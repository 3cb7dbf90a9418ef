// A forward on a card allocates nothing on the host either: what the emulated driver takes for itself aside.
#include <dlfcn.h>
#include <execinfo.h>
#include <gtest/gtest.h>

#include <numeric>

#include "core/cuda/context.h"
#include "driver/control_client.h"
#include "ops/linear.h"
#include "support/allocations.h"

namespace leno_test {
namespace {

using namespace leno;

const void* base_of(const void* address) {
  Dl_info info{};
  return dladdr(address, &info) == 0 ? nullptr : info.dli_fbase;
}

const void* driver_base() {
  static const void* base =
      base_of(reinterpret_cast<const void*>(driver_function<const char*()>("leno_simt_last_report")));
  return base;
}

// Whether the allocation that is under way is none of the driver's. To look for that may allocate.
bool is_ours() {
  thread_local bool looking = false;
  if (looking) return false;
  looking = true;
  void* frames[64];
  const int count = backtrace(frames, 64);
  bool ours = true;
  for (int i = 0; i < count; ++i) ours = ours && base_of(frames[i]) != driver_base();
  looking = false;
  return ours;
}

// Counts while it lives.
class Counting {
 public:
  Counting() {
    driver_base();
    count_allocations_where(is_ours);
    is_ours();  // the first look loads a library
    before_ = allocations();
  }
  ~Counting() { count_allocations_where(nullptr); }
  int64_t counted() const { return allocations() - before_; }

 private:
  int64_t before_;
};

std::shared_ptr<const PackedWeights> layer(DType dtype, int64_t vector, int64_t rows, int64_t columns) {
  Pattern p;
  p.rows = rows;
  p.columns = columns;
  p.vector = vector;
  p.offsets = {0};
  for (int64_t r = 0; r < rows; ++r) p.permutation.push_back(static_cast<int32_t>(rows - 1 - r));
  for (int64_t g = 0; g < p.groups(); ++g) {
    for (int64_t c = g % 2; c < columns; c += 2) p.indices.push_back(static_cast<int32_t>(c));
    p.offsets.push_back(static_cast<int64_t>(p.indices.size()));
  }
  const std::vector<float> w(static_cast<size_t>(rows * columns), .5f);
  return PackedWeights::pack(p, {w.data(), rows, columns, columns}, dtype);
}

TEST(CudaForwards, AllocationsOfOursAreSeenAndTheDriversAreNot) {
  LENO_EMULATED_ONLY("it tells what the emulated driver allocates from what others do");
  const auto device = CudaDevice::open(0);
  const CudaDevice::Current current(*device);
  const Counting counting;
  ::operator delete(::operator new(1));
  EXPECT_EQ(1, counting.counted());
  { const cuda::Stream stream(device); }
  EXPECT_EQ(1, counting.counted()) << "a handle, and what the driver makes for it";
  { const CudaContext context(device); }
  EXPECT_LT(1, counting.counted());
}

TEST(CudaForwards, OfEveryKernelAllocateNothing) {
  LENO_EMULATED_ONLY("it tells what the emulated driver allocates from what others do");
  constexpr int64_t kM = 48, kK = 70;
  const auto device = CudaDevice::open(0);
  CudaContext context(device);
  const cuda::DeviceMemory x(device, 1 << 16), y(device, 1 << 16), residual(device, 1 << 16);
  const std::vector<float> ones(kM, 1);
  int ran = 0;
  for (const kernels::cuda::LinearKernel* kernel : kernels::cuda::linear_kernels()) {
    for (const kernels::Layout layout : {kernels::Layout::token_major, kernels::Layout::feature_major}) {
      const bool token_major = layout == kernels::Layout::token_major;
      const auto named = [&](const char* part) { return std::string(kernel->name).find(part) != std::string::npos; };
      const bool few = named("_skinny_");
      ops::LinearOptions options;
      options.layout = layout;
      options.io = kernel->weights != DType::e4m3 ? kernel->weights : named("bf16") ? DType::bf16 : DType::f16;
      options.bias = ones;
      options.residual = true;
      options.activation = kernels::Activation::silu;
      if (token_major) {
        options.norm_gain = options.norm_shift = ones;
        options.norm_epsilon = 1e-5;
      }
      const int64_t tokens = few ? 5 : 33;
      options.buckets = {tokens};
      options.kernel = kernel->name;
      const int64_t vector = named("_u8_") ? 8 : named("_u32_") ? 32 : 16;
      const ops::Linear op(*device, layer(kernel->weights, vector, kM, kK), options);
      context.reserve(op.workspace_size(tokens));
      kernels::LinearCall call;
      call.tokens = tokens;
      call.x = x.data();
      call.y = y.data();
      call.residual = residual.data();
      call.ldx = token_major ? kK : tokens;
      call.ldy = call.ldresidual = token_major ? kM : tokens;
      const Counting counting;
      op.forward(context, call);  // the first too: its kernels are loaded
      EXPECT_EQ(0, counting.counted()) << kernel->name << (token_major ? " token-major" : " feature-major");
      ++ran;
    }
  }
  EXPECT_LT(80, ran);
  context.synchronize();
}

}  // namespace
}  // namespace leno_test
