#include <gtest/gtest.h>

#include "core/error.h"
#include "simt/kernels/linear_table.h"
#include "simt/kernels/number.h"

// The check itself: a kernel with a fault planted in its plan must not pass.
namespace {

using namespace leno_test;
using kernels::cuda::LinearParams;

CudaCase small_case() {
  CudaCase c;
  c.rows = 70;
  c.columns = 90;
  c.tokens = 40;
  c.sparsity = .5;
  c.bias = true;
  c.residual = true;
  c.padding = 8;
  return c;
}

const Row* honest_row() {
  const CudaProblem problem(small_case());
  for (const Row* row : kernels::cuda::linear_kernels()) {
    if (row->weights == DType::bf16 && row->arch == 80 && problem.refusal(*row).empty()) return row;
  }
  return nullptr;
}

using Change = void (*)(LinearParams&);
Change g_change;

std::string check_with(Change change) {
  g_change = change;
  const Row* honest = honest_row();
  if (honest == nullptr) return "no row";
  Row row = *honest;
  row.plan = [](const kernels::cuda::LinearWeights& weights, const kernels::cuda::DeviceOperands& operands,
                const kernels::LinearSpec& spec, const kernels::LinearCall& call, std::byte* workspace,
                const kernels::cuda::Card& card) {
    auto launches = honest_row()->plan(weights, operands, spec, call, workspace, card);
    for (int i = 0; i < launches.count; ++i) {
      LinearParams p;
      std::memcpy(&p, launches.launch[size_t(i)].parameters.data(), sizeof p);
      g_change(p);
      launches.launch[size_t(i)].set(p);
    }
    return launches;
  };
  return CudaProblem(small_case()).check(row);
}

TEST(LinearFixture, FindsPlantedFaults) {
  LENO_EMULATED_ONLY("wrong addresses would lose the card");
  EXPECT_EQ("", check_with([](LinearParams&) {}));
  EXPECT_NE("", check_with([](LinearParams& p) { p.bias = nullptr; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.residual = nullptr; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.beta = 1.25f; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.activation = LENO_ACT_RELU; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.ldx -= 8; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.ldx += 8; }));  // past the end of x, or its NaN
  EXPECT_NE("", check_with([](LinearParams& p) { p.ldy -= 1; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.tokens -= 1; }));  // not all written
  EXPECT_NE("", check_with([](LinearParams& p) { p.tokens += 1; }));  // between the rows
  EXPECT_NE("", check_with([](LinearParams& p) { p.y = static_cast<char*>(p.y) - 2; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.groups -= 1; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.columns += 1; }));
  EXPECT_NE("", check_with([](LinearParams& p) { p.rows += 16; }));
}

TEST(Numbers, RoundTripAndRoundToNearestEven) {
  for (const DType type : {DType::f16, DType::bf16, DType::e4m3}) {
    for (uint32_t bits = 0; bits < (type == DType::e4m3 ? 1u << 8 : 1u << 16); ++bits) {
      const double v = decode(type, bits);
      if (std::isnan(v)) continue;
      ASSERT_EQ(bits, encode(type, v)) << leno::name_of(type) << " " << bits;
    }
  }
  EXPECT_EQ(1, round_to(DType::bf16, 1 + std::ldexp(1, -8)));  // half way, to even
  EXPECT_EQ(1 + std::ldexp(1, -6), round_to(DType::bf16, 1 + 3 * std::ldexp(1, -8)));
  EXPECT_EQ(448, round_to(DType::e4m3, 1e9));
  EXPECT_EQ(INFINITY, round_to(DType::f16, 65520));
  for (float f : {1.f, 1.0039062f, 1.0078126f, 3e-41f, -7.77f}) {
    EXPECT_EQ(from_bf16(to_bf16(f)), round_to(DType::bf16, f));
  }
}

}  // namespace
