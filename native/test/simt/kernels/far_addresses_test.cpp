// Offsets beyond 32 bits in every kernel: activations whose rows lie 2^29 elements apart, weights at the end of the
// most that a card takes, sums of split k in as large a workspace. What a narrow product would address is outside of
// the memory, or holds zeros.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "core/error.h"
#include "kernels/cuda/layer_norm_launch.h"
#include "kernels/cuda/linear_params.h"
#include "kernels/cuda/linear_skip_mma_tile.h"
#include "kernels/cuda/linear_skip_tile.h"
#include "kernels/cuda/linear_skip_weights.h"
#include "kernels/cuda/linear_window_tile.h"
#include "kernels/cuda/linear_window_weights.h"
#include "kernels/cuda/quantise_launch.h"
#include "kernels/cuda/transpose_launch.h"
#include "simt/kernels/far_memory.h"
#include "simt/kernels/linear_fixture.h"
#include "simt/kernels/number.h"
#include "simt/kernels/runner.h"

namespace {

using namespace leno_test;
using namespace leno::kernels::cuda;

constexpr int64_t kFar = (int64_t{1} << 29) + 8;  // elements from row to row
constexpr int64_t kRows = 70, kColumns = 40;

simt::Report run(const Launch& launch, const simt::Options& options) {
  const simt::Entry* entry = simt::find_entry(launch.entry);
  return simt::launch(*entry, launch.grid, launch.shared_bytes, launch.parameters.data(), options);
}

// Activations of one kind in far memory.
struct Plane {
  Plane(DType type, bool token_major, int64_t tokens, int64_t features, int64_t stride)
      : type(type),
        token_major(token_major),
        ld(stride),
        memory((((token_major ? tokens : features) - 1) * stride + (token_major ? features : tokens)) * size_of(type)) {
  }
  int64_t at(int64_t token, int64_t feature) const { return token_major ? token * ld + feature : feature * ld + token; }
  void set(int64_t token, int64_t feature, double v) {
    const uint32_t bits = encode(type, v);
    std::memcpy(&memory[at(token, feature) * size_of(type)], &bits, size_t(size_of(type)));
  }
  double get(int64_t token, int64_t feature) const {
    uint32_t bits = 0;
    std::memcpy(&bits, &memory[at(token, feature) * size_of(type)], size_t(size_of(type)));
    return decode(type, bits);
  }

  DType type;
  bool token_major;
  int64_t ld;
  FarMemory<std::byte> memory;
};

class FarAddresses : public testing::TestWithParam<const LinearKernel*> {
 protected:
  void SetUp() override {
    if (on_card()) GTEST_SKIP() << "the memory would be copied to the card whole";
    row_ = GetParam();
    case_.rows = kRows;
    case_.columns = kColumns;
    case_.vector = std::strstr(row_->name, "dense") != nullptr ? 0 : 32;
    case_.sparsity = .5;
    case_.weights = row_->weights;
    case_.io = row_->weights != DType::e4m3                  ? row_->weights
               : std::strstr(row_->name, "_f16_") != nullptr ? DType::f16
                                                             : DType::bf16;
    case_.integers = true;
    case_.bias = true;
    case_.arch = row_->arch;
    case_.tokens = std::strstr(row_->name, "_n8_") != nullptr    ? 8
                   : std::strstr(row_->name, "_n16_") != nullptr ? 16
                                                                 : 70;
    problem_ = std::make_unique<CudaProblem>(case_);
    dense_.resize(kRows * kColumns);
    problem_->packed().to_dense({dense_.data(), kRows, kColumns, kColumns});
  }
  kernels::LinearSpec spec(bool token_major) const {
    kernels::LinearSpec s = problem_->spec();
    s.layout = token_major ? Layout::token_major : Layout::feature_major;
    return s;
  }
  static int64_t x_value(int64_t token, int64_t feature) {
    return feature == 0 ? 7 : (token * 5 + feature * 3) % 7 - 3;
  }
  static int64_t residual_value(int64_t token, int64_t row) { return (token * 3 + row) % 5 - 2; }

  // Runs the row on activations of that stride; change(launches, workspace) may move what lies elsewhere.
  template <class Change>
  void run_and_compare(bool token_major, int64_t ld, Change change) {
    const int64_t tokens = case_.tokens;
    Plane x(case_.io, token_major, tokens, kColumns, ld), y(case_.io, token_major, tokens, kRows, ld),
        residual(case_.io, token_major, tokens, kRows, ld);
    for (int64_t n = 0; n < tokens; ++n) {
      for (int64_t k = 0; k < kColumns; ++k) x.set(n, k, double(x_value(n, k)));
      for (int64_t m = 0; m < kRows; ++m) residual.set(n, m, double(residual_value(n, m)));
      for (int64_t m = 0; m < kRows; ++m) y.set(n, m, 1000);
    }
    const auto prepared = row_->format->prepare(problem_->packed());
    const auto& weights = static_cast<const LinearWeights&>(*prepared);
    const Card card = card_of(case_.arch, case_.multiprocessors);
    const int64_t bytes = row_->workspace_bytes(weights, spec(token_major), tokens, card);
    FarMemory<std::byte> workspace(bytes + 1);
    kernels::LinearCall call;
    call.tokens = tokens;
    call.x = x.memory.data();
    call.y = y.memory.data();
    call.residual = residual.memory.data();
    call.ldx = call.ldy = call.ldresidual = ld;
    Launches launches = row_->plan(weights, {weights.image.data(), spec(token_major).bias}, spec(token_major), call,
                                   workspace.data(), card);
    simt::Options options;
    options.arch = case_.arch;
    options.global = {{weights.image.data(), size_t(weights.image.bytes()), false, "weights"},
                      {spec(token_major).bias, kRows * 4, false, "bias"},
                      x.memory.range(false, "x"),
                      y.memory.range(true, "y"),
                      residual.memory.range(false, "residual"),
                      workspace.range(true, "workspace")};
    change(weights, launches, options);
    for (int i = 0; i < launches.count; ++i) {
      const Launch& launch = launches.launch[size_t(i)];
      const simt::Report report = run(launch, options);
      ASSERT_TRUE(report) << launch.entry << ": " << report.what;
    }
    for (int64_t n = 0; n < tokens; ++n) {
      for (int64_t m = 0; m < kRows; ++m) {
        double want = spec(token_major).bias[m] + double(residual_value(n, m));
        for (int64_t k = 0; k < kColumns; ++k) want += double{dense_[size_t(m * kColumns + k)]} * double(x_value(n, k));
        ASSERT_NEAR(want, y.get(n, m), std::fabs(want) / 128 + .05) << "row " << m << " token " << n;
      }
    }
  }

  const LinearKernel* row_ = nullptr;
  CudaCase case_;
  std::unique_ptr<CudaProblem> problem_;
  std::vector<float> dense_;
};

TEST_P(FarAddresses, OfActivations) {
  for (const bool token_major : {false, true}) {
    for (const int64_t ld : {kFar, kFar + 3}) {  // the second takes x and y element by element
      run_and_compare(token_major, ld, [](auto&...) {});
    }
  }
}

LinearParams* product_of(Launch& launch) {
  return std::strncmp(launch.entry, "linear_", 7) == 0 ? reinterpret_cast<LinearParams*>(launch.parameters.data())
                                                       : nullptr;
}

// The same for k-steps of the window kernels, of which the first of each chunk is in a table.
TEST_P(FarAddresses, OfWindows) {
  if (row_->format != &kWindow) return;
  const auto prepared = row_->format->prepare(problem_->packed());
  const auto& w = static_cast<const LinearWeights&>(*prepared);
  constexpr int64_t kBefore = int64_t{1} << 24;
  const int64_t steps = w.starts.back(), step_bytes = WindowShape::step_bytes(window_group_rows(w.vector));
  const FarMemory<std::byte> values((kBefore + steps) * step_bytes);
  std::memcpy(&values[kBefore * step_bytes], w.image.data() + w.values_at, size_t(steps * step_bytes));
  const auto* first = reinterpret_cast<const int32_t*>(w.image.data() + w.columns_at);
  std::vector<int32_t> firsts(first, first + w.groups * (ceil_div(w.columns, WindowShape::kChunk) + 1));
  for (int32_t& step : firsts) step += int32_t(kBefore);
  run_and_compare(false, 80, [&](const LinearWeights&, Launches& launches, simt::Options& options) {
    LinearParams* p = product_of(launches.launch[0]);
    p->values = values.data();
    p->columns = firsts.data();
    options.global.push_back(values.range(false, "far weights"));
    options.global.push_back({firsts.data(), firsts.size() * 4, false, "columns"});
  });
}

// The same for the stages of the warp-skip kernels, which say where their weights begin. `begins`: the member that
// does.
template <class Stage, size_t Count>
void move_far(const LinearWeights& w, uint32_t (Stage::*begins)[Count], int64_t value_bytes, LinearParams& p,
              std::vector<std::shared_ptr<FarMemory<std::byte>>>& memory, std::vector<int32_t>& starts) {
  const int64_t stages = w.starts.back(), before = INT32_MAX / w.step - stages, far = int64_t{1} << 28;
  const int64_t bytes = w.starts_at - w.values_at;
  memory = {std::make_shared<FarMemory<std::byte>>((before + stages) * int64_t(sizeof(Stage))),
            std::make_shared<FarMemory<std::byte>>(far * value_bytes + bytes)};
  auto* stage = reinterpret_cast<Stage*>(memory[0]->data()) + before;
  std::memcpy(stage, w.image.data() + w.columns_at, size_t(stages) * sizeof(Stage));
  for (int64_t s = 0; s < stages; ++s) {
    for (uint32_t& begin : stage[s].*begins) begin += uint32_t(far);
  }
  std::memcpy(memory[1]->data() + far * value_bytes, w.image.data() + w.values_at, size_t(bytes));
  starts = w.starts;
  for (int32_t& start : starts) start += int32_t(before);
  p.columns = reinterpret_cast<const int32_t*>(memory[0]->data());
  p.values = memory[1]->data();
  p.starts = starts.data();
}

bool skips(const LinearKernel& row) {
  return row.format == &kSkipM64 || row.format == &kSkipUnit8 || row.format == &kSkipUnit16 ||
         row.format == &kSkipUnit32;
}

TEST_P(FarAddresses, OfStages) {
  if (!skips(*row_)) return;
  const auto prepared = row_->format->prepare(problem_->packed());
  const auto& w = static_cast<const LinearWeights&>(*prepared);
  std::vector<std::shared_ptr<FarMemory<std::byte>>> memory;
  std::vector<int32_t> starts;
  run_and_compare(false, 80, [&](const LinearWeights&, Launches& launches, simt::Options& options) {
    LinearParams& p = *product_of(launches.launch[0]);
    if (row_->format == &kSkipM64) {
      move_far(w, &SkipStage<8>::starts, 4 * kSkipRows, p, memory, starts);
    } else {
      const int64_t step = row_->format == &kSkipUnit8    ? SkipMmaStep<8>::kBytes
                           : row_->format == &kSkipUnit16 ? SkipMmaStep<16>::kBytes
                                                          : SkipMmaStep<32>::kBytes;
      move_far(w, &SkipMmaStage::steps, step, p, memory, starts);
    }
    options.global.push_back(memory[0]->range(false, "far stages"));
    options.global.push_back(memory[1]->range(false, "far weights"));
    options.global.push_back({starts.data(), starts.size() * 4, false, "starts"});
  });
}

// As if groups of 2^31 kept columns, less these, came before: hundreds of GB of weights.
TEST_P(FarAddresses, OfWeights) {
  if (row_->format == &kWindow || skips(*row_)) return;
  const auto prepared = row_->format->prepare(problem_->packed());
  const auto& w = static_cast<const LinearWeights&>(*prepared);
  const int64_t steps = w.starts.back(), before = INT32_MAX / w.step - steps;
  const int64_t step_bytes = w.group_rows / kFragmentRows * kFragmentTileBytes;
  const FarMemory<std::byte> values((before + steps) * step_bytes);
  const FarMemory<int32_t> columns((before + steps) * w.step);
  std::memcpy(&values[before * step_bytes], w.image.data() + w.values_at, size_t(steps * step_bytes));
  std::memcpy(&columns[before * w.step], w.image.data() + w.columns_at, size_t(steps * w.step * 4));
  std::vector<int32_t> starts = w.starts;
  for (int32_t& start : starts) start += int32_t(before);
  for (const bool token_major : {false, true}) {
    run_and_compare(token_major, 80, [&](const LinearWeights&, Launches& launches, simt::Options& options) {
      for (Launch& launch : launches.launch) {
        if (launch.entry == nullptr) continue;
        LinearParams* p = product_of(launch);
        if (p == nullptr) continue;
        p->values = values.data();
        p->columns = columns.data();
        p->starts = starts.data();
      }
      options.global.push_back(values.range(false, "far weights"));
      options.global.push_back(columns.range(false, "far columns"));
      options.global.push_back({starts.data(), starts.size() * 4, false, "starts"});
    });
  }
}

// Of the kernels of whole tiles; those for few tokens make the stride themselves.
TEST_P(FarAddresses, OfSumsOfSplits) {
  if (std::strstr(row_->name, "_skinny_") != nullptr) return;
  constexpr int64_t kStride = int64_t{1} << 26;
  case_.columns = 1024;  // enough to be split
  case_.multiprocessors = 64;
  CudaCase wide = case_;
  const CudaProblem problem(wide);
  const auto prepared = row_->format->prepare(problem.packed());
  const auto& w = static_cast<const LinearWeights&>(*prepared);
  const Card card = card_of(wide.arch, wide.multiprocessors);
  std::vector<float> dense(size_t(kRows * wide.columns));
  problem.packed().to_dense({dense.data(), kRows, wide.columns, wide.columns});
  const int64_t tokens = wide.tokens, ld = 80;
  Plane x(wide.io, false, tokens, wide.columns, ld), y(wide.io, false, tokens, kRows, ld);
  for (int64_t n = 0; n < tokens; ++n) {
    for (int64_t k = 0; k < wide.columns; ++k) x.set(n, k, double(x_value(n, k)));
  }
  kernels::LinearCall call;
  call.tokens = tokens;
  call.x = x.memory.data();
  call.y = y.memory.data();
  call.ldx = call.ldy = ld;
  kernels::LinearSpec s = problem.spec();
  s.bias = nullptr;
  FarMemory<std::byte> workspace(row_->workspace_bytes(w, s, tokens, card) + 1);
  Launches launches = row_->plan(w, {w.image.data(), nullptr}, s, call, workspace.data(), card);
  const int splits = product_of(launches.launch[size_t(launches.count - 1)])->splits;
  ASSERT_LT(1, splits);
  FarMemory<float> partial(splits * w.padded_rows() * kStride);
  simt::Options options;
  options.arch = wide.arch;
  options.global = {{w.image.data(), size_t(w.image.bytes()), false, "weights"},
                    x.memory.range(false, "x"),
                    y.memory.range(true, "y"),
                    workspace.range(true, "workspace"),
                    partial.range(true, "sums")};
  for (int i = 0; i < launches.count; ++i) {
    Launch& launch = launches.launch[size_t(i)];
    if (LinearParams* p = product_of(launch)) {
      p->partial = partial.data();
      p->ldpartial = kStride;
    }
    const simt::Report report = run(launch, options);
    ASSERT_TRUE(report) << launch.entry << ": " << report.what;
  }
  for (int64_t n = 0; n < tokens; ++n) {
    for (int64_t m = 0; m < kRows; ++m) {
      double want = 0, size = 0;
      for (int64_t k = 0; k < wide.columns; ++k) {
        const double term = double{dense[size_t(m * wide.columns + k)]} * double(x_value(n, k));
        want += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(want, y.get(n, m), std::fabs(want) / 128 + size * 1e-5 + .05) << "row " << m << " token " << n;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, FarAddresses, testing::ValuesIn(linear_kernels().begin(), linear_kernels().end()),
                         [](const auto& info) { return std::string(info.param->name); });

class FarLaunches : public testing::Test {
 protected:
  void SetUp() override {
    if (on_card()) GTEST_SKIP() << "the memory would be copied to the card whole";
  }
};

TEST_F(FarLaunches, Transposes) {
  for (const DType source : {DType::bf16, DType::f32}) {
    for (const bool adds : {false, true}) {
      if (adds && source != DType::f32) continue;
      for (const int64_t ld : {kFar, kFar + 1}) {
        constexpr int32_t kR = 19, kC = 21;
        FarMemory<float> wide(source == DType::f32 ? kR * ld : 1);
        FarMemory<uint16_t> narrow(source == DType::f32 ? 1 : kR * ld), residual(kC * ld), out(kC * ld);
        for (int64_t r = 0; r < kR; ++r) {
          for (int64_t c = 0; c < kC; ++c) {
            const double v = double(r * kC + c) / 4;
            if (source == DType::f32) {
              wide[r * ld + c] = float(v);
            } else {
              narrow[r * ld + c] = uint16_t(encode(DType::bf16, round_to(DType::bf16, v)));
            }
            residual[c * ld + r] = uint16_t(encode(DType::bf16, double(r - c)));
          }
        }
        TransposeParams p;
        p.source = source == DType::f32 ? static_cast<const void*>(wide.data()) : narrow.data();
        p.source_ld = p.residual_ld = p.destination_ld = ld;
        p.residual = adds ? residual.data() : nullptr;
        p.destination = out.data();
        p.rows = kR;
        p.columns = kC;
        Launches launches;
        add_transpose(launches, p, source, DType::bf16);
        simt::Options options;
        options.global = {wide.range(false, "source"), narrow.range(false, "source"), residual.range(false, "residual"),
                          out.range(true, "destination")};
        const simt::Report report = run(launches.launch[0], options);
        ASSERT_TRUE(report) << report.what;
        for (int64_t r = 0; r < kR; ++r) {
          for (int64_t c = 0; c < kC; ++c) {
            const double v = double(r * kC + c) / 4 + (adds ? double(r - c) : 0);
            ASSERT_NEAR(v, decode(DType::bf16, out[c * ld + r]), std::fabs(v) / 64 + .5) << r << " " << c;
          }
        }
      }
    }
  }
}

TEST_F(FarLaunches, Quantising) {
  constexpr int32_t kFeatures = 70, kTokens = 45;
  const int64_t ld = kFar + 24;
  FarMemory<uint16_t> x(kFeatures * ld);
  FarMemory<uint8_t> q(kFeatures * ld);
  std::vector<float> scales(64);
  for (int64_t f = 0; f < kFeatures; ++f) {
    for (int64_t n = 0; n < kTokens; ++n) x[f * ld + n] = uint16_t(encode(DType::bf16, f == 3 ? 7 : double(f % 7)));
  }
  QuantiseParams p;
  p.x = x.data();
  p.ldx = p.ldq = ld;
  p.q = q.data();
  p.scales = scales.data();
  p.features = kFeatures;
  p.tokens = kTokens;
  Launches launches;
  add_quantise(launches, p, DType::bf16);
  launches.launch[0].grid[0] = 2;  // the tokens that there are, of the padding only some
  simt::Options options;
  options.arch = 89;
  options.global = {x.range(false, "x"), q.range(true, "q"), {scales.data(), scales.size() * 4, true, "scales"}};
  const simt::Report report = run(launches.launch[0], options);
  ASSERT_TRUE(report) << report.what;
  for (int64_t f = 0; f < kFeatures; ++f) {
    for (int64_t n = 0; n < kTokens; ++n) {
      const int64_t at = n / 16 * 16 + (n % 16 < 8 ? 2 * (n % 16) : 2 * (n % 16 - 8) + 1);
      ASSERT_EQ((f == 3 ? 7 : double(f % 7)) * 64, decode(DType::e4m3, q[f * ld + at])) << f << " " << n;
    }
  }
}

TEST_F(FarLaunches, Normalising) {
  for (const int32_t features : {40, 1100}) {  // of a warp, of a block
    constexpr int32_t kTokens = 19;
    FarMemory<uint16_t> y(kTokens * kFar);
    const std::vector<float> gain(size_t(features), 1), shift(size_t(features), 4);
    for (int64_t n = 0; n < kTokens; ++n) {
      for (int64_t f = 0; f < features; ++f) y[n * kFar + f] = uint16_t(encode(DType::bf16, f % 2 == 0 ? 3 : 1));
    }
    LayerNormParams p;
    p.y = y.data();
    p.ldy = kFar;
    p.gain = gain.data();
    p.shift = shift.data();
    p.tokens = kTokens;
    p.features = features;
    Launches launches;
    add_layer_norm(launches, p, DType::bf16);
    simt::Options options;
    options.global = {y.range(true, "y"),
                      {gain.data(), gain.size() * 4, false, "gain"},
                      {shift.data(), shift.size() * 4, false, "shift"}};
    const simt::Report report = run(launches.launch[0], options);
    ASSERT_TRUE(report) << report.what;
    for (int64_t n = 0; n < kTokens; ++n) {
      for (int64_t f = 0; f < features; ++f) {
        ASSERT_NEAR(f % 2 == 0 ? 5 : 3, decode(DType::bf16, y[n * kFar + f]), .03) << n << " " << f;
      }
    }
  }
}

}  // namespace
