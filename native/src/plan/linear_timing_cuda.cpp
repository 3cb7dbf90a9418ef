#include <optional>

#include "plan/linear_place_cuda.h"
#include "plan/measured.h"
#include "plan/timing_cuda.h"

namespace leno::plan {
namespace {

using cuda::DeviceMemory;
using kernels::LinearCall;

struct Activations {
  std::optional<DeviceMemory> x, y, residual;

  void free() {
    x.reset();
    y.reset();
    residual.reset();
  }
  // Those before are gone. Allocates all before anything is written.
  LinearCall make(const std::shared_ptr<CudaDevice>& device, const LinearQuestion& question, int64_t tokens) {
    free();
    const kernels::LinearSpec& spec = question.spec;
    const bool token_major = spec.layout == kernels::Layout::token_major;
    const int64_t x_count = tokens * spec.columns, y_count = tokens * spec.rows, element = size_of(spec.io);
    x.emplace(device, x_count * element);
    y.emplace(device, y_count * element);
    if (question.residual) residual.emplace(device, y_count * element);
    cuda::write(*x, 0, random_activations(x_count, spec.io, 1).data(), x_count * element, nullptr);
    if (residual) cuda::write(*residual, 0, random_activations(y_count, spec.io, 2).data(), y_count * element, nullptr);
    LinearCall call;
    call.tokens = tokens;
    call.x = x->data();
    call.ldx = token_major ? spec.columns : tokens;
    call.residual = residual ? residual->data() : nullptr;
    call.y = y->data();
    call.ldy = call.ldresidual = token_major ? spec.rows : tokens;
    call.beta = question.beta;
    return call;
  }
};

}  // namespace

Times CudaPlace::time(const std::vector<Candidate>& candidates, int64_t tokens) {
  class Work final : public CudaWork {
   public:
    explicit Work(CudaPlace& place) : place_(place) {}
    Form form_of(const Candidate& c) const override { return {c.kernel.cuda->format, c.dense}; }
    int64_t weight_bytes(const Candidate& c) override { return place_.prepared(c)->bytes(); }
    void forget(const Form& form) override {
      std::erase_if(place_.prepared_, [&](const auto& made) { return Form(made.first) == form; });
    }
    void make_activations(int64_t tokens) override {
      call_ = activations_.make(place_.device_, place_.question_, tokens);
    }
    int64_t fewer(int64_t tokens) const override { return tokens / 2; }
    int64_t workspace_bytes(const Candidate& c, int64_t tokens) override {
      const kernels::cuda::LinearKernel& kernel = *c.kernel.cuda;
      return std::max<int64_t>(1, kernel.workspace_bytes(*weights(c).layout, spec(), tokens, place_.card_));
    }
    void load(const Candidate& c, std::byte* workspace) override {
      const DeviceWeights& w = weights(c);
      plan::load(*place_.device_, c.kernel.cuda->plan(*w.layout, w.operands(), spec(), call_, workspace, place_.card_));
    }
    void submit(const Candidate& c, std::byte* workspace, cuda::CUstream stream) override {
      plan::submit(*place_.device_, place_.card_, *c.kernel.cuda, weights(c), spec(), call_, workspace, stream);
    }

   private:
    const kernels::LinearSpec& spec() const { return place_.question_.spec; }
    const DeviceWeights& weights(const Candidate& c) { return static_cast<const DeviceWeights&>(*place_.prepared(c)); }
    CudaPlace& place_;
    Activations activations_;
    LinearCall call_;
  } work(*this);
  return time_on_card(work, device_, candidates, tokens);
}

}  // namespace leno::plan
