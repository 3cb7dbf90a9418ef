#include "ops/linear_check.h"

#include "core/error.h"
#include "plan/candidate.h"

namespace leno::ops {
namespace {

using kernels::Layout;
using kernels::LinearCall;
using kernels::LinearSpec;
using plan::kMaxTokens;

constexpr int64_t kMaxStride = int64_t{1} << 30;

// One matrix argument, in bytes: `lines` runs of `width` bytes, `stride` apart.
struct Extent {
  uintptr_t begin;
  int64_t lines, width, stride;
  uintptr_t end() const { return begin + static_cast<uintptr_t>((lines - 1) * stride + width); }
};

Extent check_matrix(const LinearSpec& spec, int64_t tokens, int64_t features, const char* name, const void* data,
                    const char* stride_name, int64_t stride) {
  const bool token_major = spec.layout == Layout::token_major;
  const int64_t width = token_major ? features : tokens, size = size_of(spec.io);
  require(data != nullptr, LENO_ERR_INVALID_ARGUMENT, name, " is NULL, expected an address");
  const uintptr_t address = reinterpret_cast<uintptr_t>(data);
  require(address % static_cast<uintptr_t>(size) == 0, LENO_ERR_MISALIGNED, name, " is at ", data,
          ", expected a multiple of ", size, " bytes");
  require(stride >= width && stride <= kMaxStride, LENO_ERR_INVALID_SHAPE, stride_name, " is ", stride, ", expected ",
          width, " (", token_major ? "features" : "tokens", " of ", name, ") .. 2^30");
  return {address, token_major ? tokens : features, width * size, stride * size};
}

// Exact for equal strides, where lines of one may lie between lines of the other; else by the ranges alone.
bool overlap(const Extent& a, const Extent& b) {
  if (a.end() <= b.begin || b.end() <= a.begin) return false;
  if (a.stride != b.stride) return true;
  const Extent &low = a.begin <= b.begin ? a : b, &high = a.begin <= b.begin ? b : a;
  const int64_t shift = static_cast<int64_t>(high.begin - low.begin) % a.stride;
  return shift < low.width || shift + high.width > a.stride;
}

}  // namespace

void check_call(const LinearSpec& spec, bool residual, const LinearCall& call) {
  require(call.tokens >= 0 && call.tokens <= kMaxTokens, LENO_ERR_INVALID_ARGUMENT, "tokens is ", call.tokens,
          ", expected 0 .. 2^30");
  require(residual || call.residual == nullptr, LENO_ERR_INVALID_ARGUMENT, "residual is at ", call.residual,
          ", expected NULL: the operator was created without one");
  if (call.tokens == 0) return;
  const Extent x = check_matrix(spec, call.tokens, spec.columns, "x", call.x, "ldx", call.ldx);
  const Extent y = check_matrix(spec, call.tokens, spec.rows, "y", call.y, "ldy", call.ldy);
  require(!overlap(x, y), LENO_ERR_INVALID_ARGUMENT, "y at ", call.y, " overlaps x at ", call.x,
          ", expected separate memory");
  if (!residual) return;
  const Extent r = check_matrix(spec, call.tokens, spec.rows, "residual", call.residual, "ldresidual", call.ldresidual);
  const bool same = r.begin == y.begin && r.stride == y.stride;
  require(same || !overlap(r, y), LENO_ERR_INVALID_ARGUMENT, "y at ", call.y, " overlaps residual at ", call.residual,
          ", expected separate memory, or the same address and stride");
}

}  // namespace leno::ops
