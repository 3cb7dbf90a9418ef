#include "simt/kernels/linear_fixture.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>

#include "core/error.h"
#include "pattern/pattern.h"
#include "simt/kernels/number.h"
#include "simt/kernels/runner.h"

namespace leno_test {

Pattern random_pattern(const CudaCase& c, std::mt19937& random) {
  Pattern p;
  p.rows = c.rows;
  p.columns = c.columns;
  p.vector = c.vector;
  p.permutation.resize(size_t(c.rows));
  std::iota(p.permutation.begin(), p.permutation.end(), 0);
  if (c.shuffle) std::shuffle(p.permutation.begin(), p.permutation.end(), random);
  p.offsets.push_back(0);
  std::vector<int32_t> all(size_t(c.columns));
  std::iota(all.begin(), all.end(), 0);
  for (int64_t g = 0; g < p.groups(); ++g) {
    std::shuffle(all.begin(), all.end(), random);
    int64_t kept = std::llround(double(c.columns) * std::max(0., 1 - c.sparsity));
    if (c.sparsity == 1) kept = int64_t(random() % 2);
    // Groups of different lengths, and now and then an empty one.
    if (c.sparsity > 0 && c.sparsity < 1)
      kept = random() % 9 == 0 ? 0 : std::min(c.columns, kept + int64_t(random() % 19));
    std::vector<int32_t> columns(all.begin(), all.begin() + kept);
    std::sort(columns.begin(), columns.end());
    p.indices.insert(p.indices.end(), columns.begin(), columns.end());
    p.offsets.push_back(int64_t(p.indices.size()));
  }
  return p;
}

namespace {

const char* name_of(Layout layout) { return layout == Layout::token_major ? " token-major" : " feature-major"; }

}  // namespace

std::string CudaCase::name() const {
  return text("M", rows, " K", columns, " N", tokens, " V", vector, " sparsity ", sparsity, " ", leno::name_of(weights),
              " io ", leno::name_of(io), leno_test::name_of(layout), " act ", int(activation), " bias ", bias,
              " residual ", residual, residual_is_y ? " in y" : "", " beta ", beta, " padding ", padding, " misalign ",
              misalign, " shuffle ", shuffle, " integers ", integers, " seed ", seed, " sm_", arch, " x ",
              multiprocessors);
}

kernels::cuda::Card card_of(int arch, int multiprocessors) {
  kernels::cuda::Card card;
  card.arch = arch;
  card.multiprocessors = multiprocessors;
  card.shared_bytes = (arch >= 90 ? 227 : arch >= 86 ? 99 : arch >= 80 ? 163 : 64) << 10;
  card.l2_bytes = 40 << 20;
  return card;
}

DeviceArray::DeviceArray(DType type, int64_t elements, int64_t misalign)
    : type_(type), elements_(elements), halves_(size_t(halves_of(elements + misalign + 2 * kGuard) + 128), kPoison) {
  const auto base = reinterpret_cast<uintptr_t>(halves_.data());
  first_ = halves_of(kGuard + misalign) + int64_t((256 - base % 256) % 256 / 2);
}

void DeviceArray::set(int64_t i, double v) {
  const uint32_t bits = encode(type_, v);
  std::memcpy(&halves_[size_t(first_ + halves_of(i))], &bits, size_t(size_of(type_)));
}
double DeviceArray::get(int64_t i) const {
  uint32_t bits = 0;
  std::memcpy(&bits, &halves_[size_t(first_ + halves_of(i))], size_t(size_of(type_)));
  return decode(type_, bits);
}
bool DeviceArray::untouched(int64_t i) const {
  for (int64_t h = halves_of(i); h < halves_of(i + 1); ++h) {
    if (halves_[size_t(first_ + h)] != kPoison) return false;
  }
  return true;
}

std::string check_launch(const kernels::cuda::Launch& launch, const kernels::cuda::Card& card) {
  const simt::Entry* entry = simt::find_entry(launch.entry);
  if (entry == nullptr) return text("there is no entry ", launch.entry);
  if (entry->threads != launch.threads || entry->parameter_bytes != launch.parameter_bytes) {
    return text(launch.entry, " has ", entry->threads, " threads and ", entry->parameter_bytes,
                " bytes of parameters, planned were ", launch.threads, " and ", launch.parameter_bytes);
  }
  if (int64_t(launch.shared_bytes) > card.shared_bytes) {
    return text(launch.entry, " takes ", launch.shared_bytes, " bytes of shared memory, the card has ",
                card.shared_bytes);
  }
  if (launch.grid[1] > 65535 || launch.grid[2] > 65535) return text(launch.entry, ": a grid too large");
  return "";
}

CudaProblem::CudaProblem(const CudaCase& c) : c_(c), random_(c.seed) {
  std::vector<float> w(size_t(c.rows * c.columns));
  for (float& v : w) v = float(draw());
  const MatrixView<const float> view{w.data(), c.rows, c.columns, c.columns};
  packed_ = c.vector == 0 ? PackedWeights::pack_dense(view, c.weights)
                          : PackedWeights::pack(random_pattern(c, random_), view, c.weights);
  for (int64_t m = 0; m < c.rows && c.bias; ++m) bias_.push_back(float(draw()));
  truth();
}

kernels::LinearSpec CudaProblem::spec() const {
  kernels::LinearSpec s;
  s.rows = c_.rows;
  s.columns = c_.columns;
  s.layout = c_.layout;
  s.io = c_.io;
  s.activation = c_.activation;
  s.bias = bias_.empty() ? nullptr : bias_.data();
  return s;
}

std::string CudaProblem::refusal(const kernels::cuda::LinearKernel& row) const {
  if (row.weights != c_.weights) return text("takes ", leno::name_of(row.weights), " weights");
  if (row.exact ? row.arch != card().arch : row.arch > card().arch) return text("needs sm_", row.arch);
  return row.refuse(card(), {c_.weights, packed_->dense(), packed_->vector()}, spec(), c_.tokens);
}

kernels::cuda::Card CudaProblem::card() const {
  kernels::cuda::Card card = on_card() ? the_card() : card_of(c_.arch, c_.multiprocessors);
  card.multiprocessors = c_.multiprocessors;
  card.l2_bytes = c_.l2_bytes;
  return card;
}

double CudaProblem::draw() {
  if (c_.integers) return int(random_() % 7) - 3;
  return std::normal_distribution<double>(0, 1)(random_);
}

DType CudaProblem::multiplied() const {
  if (c_.io != DType::f32) return c_.io;
  if (c_.weights != DType::e4m3) return c_.weights;
  return c_.quantised_x ? DType::f32 : DType::bf16;  // quantised as it is
}

void CudaProblem::truth() {
  problem_.rows = c_.rows;
  problem_.columns = c_.columns;
  problem_.tokens = c_.tokens;
  std::vector<float> dense(size_t(c_.rows * c_.columns));
  packed_->to_dense({dense.data(), c_.rows, c_.columns, c_.columns});
  problem_.w.assign(dense.begin(), dense.end());
  for (int64_t i = 0; i < c_.tokens * c_.columns; ++i) problem_.x.push_back(round_to(c_.io, draw()));
  // With 7 as the largest, quantising small integers to e4m3 is exact: 448 / 7 is a power of two.
  for (int64_t n = 0; n < c_.tokens && c_.integers && c_.weights == DType::e4m3; ++n) {
    problem_.x[size_t(n * c_.columns)] = 7;
  }
  problem_.bias.assign(bias_.begin(), bias_.end());
  for (int64_t i = 0; i < c_.tokens * c_.rows && c_.residual; ++i) problem_.residual.push_back(round_to(c_.io, draw()));
  constexpr leno_reference::Act kActs[] = {leno_reference::Act::none, leno_reference::Act::relu,
                                           leno_reference::Act::gelu_erf, leno_reference::Act::gelu_tanh,
                                           leno_reference::Act::silu};
  problem_.act = kActs[int(c_.activation)];
  leno_reference::LinearProblem seen = problem_;
  for (double& r : seen.residual) r *= double(c_.beta);
  for (double& x : seen.x) x = round_to(multiplied(), x);
  if (c_.weights == DType::e4m3 && c_.quantised_x) {  // scaled so that a token's largest is 448
    for (int64_t n = 0; n < c_.tokens; ++n) {
      double* x = &seen.x[size_t(n * c_.columns)];
      double largest = 0;
      for (int64_t k = 0; k < c_.columns; ++k) largest = std::max(largest, std::fabs(x[k]));
      const double scale = largest / 448;
      x_scale_.push_back(scale);
      for (int64_t k = 0; k < c_.columns && scale > 0; ++k) x[k] = round_to(DType::e4m3, x[k] / scale) * scale;
    }
    for (int64_t m = 0; m < c_.rows; ++m) {
      double largest = 0;
      for (int64_t k = 0; k < c_.columns; ++k)
        largest = std::max(largest, std::fabs(seen.w[size_t(m * c_.columns + k)]));
      w_size_.push_back(largest);
    }
  }
  truth_ = leno_reference::linear(seen);
  if (c_.integers && c_.weights != DType::e4m3 && c_.activation <= Activation::relu) {
    for (double& v : truth_.y) v = round_to(c_.io, v);
  }
}

// Grows with sum |w||x| and the number of terms; slopes of the activations stay below 1.2.
double CudaProblem::tolerance(int64_t m, int64_t n) const {
  const size_t at = size_t(n * c_.rows + m);
  if (c_.integers && c_.weights != DType::e4m3 && c_.activation <= Activation::relu) return 0;
  const double size = truth_.magnitude[at];
  double bound = 1.2 * double(8 + c_.columns) * std::ldexp(size, -24) + 2e-6 * size;
  // A quotient within rounding of a half may fall to either side: two of a token's may, by a step of 32 in 448.
  if (!x_scale_.empty() && !c_.integers) bound += 1.2 * 2 * 32 * x_scale_[size_t(n)] * w_size_[size_t(m)];
  bound += std::ldexp(std::fabs(truth_.y[at]), c_.io == DType::f32 ? -24 : c_.io == DType::f16 ? -11 : -8);
  return bound + (c_.io == DType::f16 ? std::ldexp(1, -24) : std::numeric_limits<float>::min());
}

std::string CudaProblem::check(const kernels::cuda::LinearKernel& row, simt::Options options, simt::Counters* counters,
                               DeviceArray* y_out) const {
  const bool token_major = c_.layout == Layout::token_major;
  const int64_t x_width = token_major ? c_.columns : c_.tokens, x_runs = token_major ? c_.tokens : c_.columns;
  const int64_t y_width = token_major ? c_.rows : c_.tokens, y_runs = token_major ? c_.tokens : c_.rows;
  const int64_t ldx = x_width + c_.padding, ldy = y_width + 2 * c_.padding, ldr = ldy + c_.padding;
  // Nothing behind the last run's last element belongs to the arrays.
  DeviceArray x(c_.io, (x_runs - 1) * ldx + x_width, c_.misalign), y(c_.io, (y_runs - 1) * ldy + y_width, c_.misalign);
  DeviceArray residual(c_.io, (y_runs - 1) * ldr + y_width, c_.misalign);
  for (int64_t n = 0; n < c_.tokens; ++n) {
    for (int64_t k = 0; k < c_.columns; ++k) {
      x.set(token_major ? n * ldx + k : k * ldx + n, problem_.x[size_t(n * c_.columns + k)]);
    }
    for (int64_t m = 0; m < c_.rows && c_.residual && c_.beta != 0; ++m) {
      const double r = problem_.residual[size_t(n * c_.rows + m)];
      residual.set(token_major ? n * ldr + m : m * ldr + n, r);
      if (c_.residual_is_y) y.set(token_major ? n * ldy + m : m * ldy + n, r);
    }
  }
  kernels::LinearCall call;
  call.tokens = c_.tokens;
  call.x = x.data();
  call.ldx = ldx;
  call.y = y.data();
  call.ldy = ldy;
  call.beta = c_.beta;
  if (c_.residual) {
    call.residual = c_.residual_is_y ? y.data() : residual.data();
    call.ldresidual = c_.residual_is_y ? ldy : ldr;
  }
  const auto prepared = row.format->prepare(*packed_);
  const auto& weights = static_cast<const kernels::cuda::LinearWeights&>(*prepared);
  const kernels::cuda::Card card = this->card();
  const int64_t bytes = row.workspace_bytes(weights, spec(), c_.tokens, card);
  if (bytes < 0 || bytes % 256 != 0) return text("workspace of ", bytes, " bytes, expected a multiple of 256");
  const int64_t fewer = row.workspace_bytes(weights, spec(), std::max<int64_t>(1, c_.tokens / 2), card);
  if (fewer > bytes) return text("workspace of ", bytes, " bytes, for half the tokens of ", fewer);
  Workspace workspace(bytes);
  kernels::cuda::DeviceOperands operands{weights.image.data(), bias_.empty() ? nullptr : bias_.data()};
  options.arch = c_.arch;
  options.global = {{weights.image.data(), size_t(weights.image.bytes()), false, "weights"},
                    {x.data(), x.bytes(), false, "x"},
                    {y.data(), y.bytes(), true, "y"}};
  if (bytes > 0) options.global.push_back({workspace.data, size_t(bytes), true, "workspace"});
  if (!bias_.empty()) options.global.push_back({bias_.data(), bias_.size() * 4, false, "bias"});
  if (c_.residual && !c_.residual_is_y) {
    options.global.push_back({residual.data(), residual.bytes(), false, "residual"});
  }

  const kernels::cuda::Launches launches = row.plan(weights, operands, spec(), call, workspace.data, card);
  if (launches.count < 1) return "planned no launch";
  for (int i = 0; i < launches.count; ++i) {
    const kernels::cuda::Launch& launch = launches.launch[size_t(i)];
    const std::string wrong = check_launch(launch, card);
    if (!wrong.empty()) return wrong;
    const simt::Report report = run_launch(*simt::find_entry(launch.entry), launch, options);
    if (!report) return text(launch.entry, ": ", report.what);
    if (counters != nullptr) *counters += report.counters;
  }
  if (!workspace.guard_intact()) return "wrote past its workspace";
  if (y_out != nullptr) *y_out = y;
  return compare(y, ldy);
}

std::string CudaProblem::compare(const DeviceArray& y, int64_t ldy) const {
  const bool token_major = c_.layout == Layout::token_major;
  const int64_t width = token_major ? c_.rows : c_.tokens;
  for (int64_t i = -DeviceArray::kGuard; i < y.elements() + DeviceArray::kGuard; ++i) {
    const int64_t run = i < 0 ? -1 : i / ldy, at = i - run * ldy;
    if (run < 0 || i >= y.elements() || at >= width) {
      if (!y.untouched(i)) return text("wrote outside y at element ", i);
      continue;
    }
    const int64_t n = token_major ? run : at, m = token_major ? at : run;
    const double want = truth_.y[size_t(n * c_.rows + m)], got = y.get(i), bound = tolerance(m, n);
    if (!(std::fabs(got - want) <= bound)) {
      return text("y(row ", m, ", token ", n, ") is ", got, ", expected ", want, " +- ", bound);
    }
  }
  return "";
}

}  // namespace leno_test
