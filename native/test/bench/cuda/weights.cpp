#include "cuda/weights.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>

#include "core/error.h"
#include "kernels/cuda/linear_kernel.h"
#include "simt/kernels/number.h"

namespace leno_cuda_bench {

using leno::PackedWeights;
using leno::kernels::Layout;
namespace kernels = leno::kernels;

namespace {

std::vector<float> random_values(int64_t count, DType dtype, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) {
    v = static_cast<float>(static_cast<int32_t>(random())) * 0x1p-31f;
    // The seven bits behind the leading one are exact in both formats.
    v = leno::from_bf16(leno::to_bf16(v));
    if (dtype == DType::f16 && std::fabs(v) < 0x1p-14f) v = 0;
  }
  return values;
}

kernels::cuda::Card card_of(const leno::CudaInfo& info) {
  kernels::cuda::Card card;
  card.arch = info.arch;
  card.multiprocessors = info.multiprocessors;
  card.shared_bytes = static_cast<int>(info.shared_bytes);
  card.l2_bytes = static_cast<int>(info.l2_bytes);
  return card;
}

// What several kernels share of one matrix.
struct Image {
  std::shared_ptr<const kernels::PreparedWeights> prepared;
  std::unique_ptr<DeviceMemory> memory;
};

}  // namespace

std::vector<float> random_weights(const Shape& shape, DType dtype) {
  return random_values(shape.rows * shape.columns, dtype, 1);
}

std::vector<uint16_t> bits_of(const std::vector<float>& values, DType dtype) {
  std::vector<uint16_t> bits(values.size());
  std::transform(values.begin(), values.end(), bits.begin(), [dtype](float v) {
    if (dtype == DType::bf16) return leno::to_bf16(v);
    // A normal number that f16 holds exactly.
    uint32_t u;
    std::memcpy(&u, &v, 4);
    return static_cast<uint16_t>(v == 0 ? 0 : (u >> 16 & 0x8000) | ((u >> 23 & 0xff) - 112) << 10 | (u >> 13 & 0x3ff));
  });
  return bits;
}

Weights pack(const std::vector<float>& w, const Shape& shape, int64_t vector, double sparsity, DType dtype) {
  const leno::MatrixView<const float> view{w.data(), shape.rows, shape.columns, shape.columns};
  if (vector == 0) return {0, 0, PackedWeights::pack_dense(view, dtype)};
  std::mt19937 random(17);
  leno::Pattern p;
  p.rows = shape.rows;
  p.columns = shape.columns;
  p.vector = vector;
  p.permutation.resize(static_cast<size_t>(shape.rows));
  std::iota(p.permutation.begin(), p.permutation.end(), 0);
  std::shuffle(p.permutation.begin(), p.permutation.end(), random);
  const auto kept = std::llround(static_cast<double>(shape.columns) * (1 - sparsity));
  std::vector<int32_t> all(static_cast<size_t>(shape.columns));
  std::iota(all.begin(), all.end(), 0);
  p.offsets.push_back(0);
  for (int64_t g = 0; g < p.groups(); ++g) {
    std::shuffle(all.begin(), all.end(), random);
    std::vector<int32_t> columns(all.begin(), all.begin() + kept);
    std::sort(columns.begin(), columns.end());
    p.indices.insert(p.indices.end(), columns.begin(), columns.end());
    p.offsets.push_back(static_cast<int64_t>(p.indices.size()));
  }
  return {vector, sparsity, PackedWeights::pack(p, view, dtype)};
}

Problem make_problem(const Shape& shape, int64_t tokens, DType dtype, std::shared_ptr<CudaDevice> device,
                     const Stream& stream) {
  Problem p;
  p.shape = shape;
  p.tokens = tokens;
  p.dtype = dtype;
  p.device = std::move(device);
  p.stream = &stream;
  p.x = bits_of(random_values(tokens * shape.columns, dtype, 2), dtype);
  std::vector<uint16_t> turned(p.x.size());
  for (int64_t n = 0; n < tokens; ++n)
    for (int64_t k = 0; k < shape.columns; ++k)
      turned[static_cast<size_t>(k * tokens + n)] = p.x[static_cast<size_t>(n * shape.columns + k)];
  const auto bytes = static_cast<int64_t>(p.x.size() * 2);
  p.x_token_major = std::make_unique<DeviceMemory>(p.device, bytes);
  p.x_feature_major = std::make_unique<DeviceMemory>(p.device, bytes);
  leno::cuda::write(*p.x_token_major, 0, p.x.data(), bytes, nullptr);
  leno::cuda::write(*p.x_feature_major, 0, turned.data(), bytes, nullptr);
  return p;
}

void add_ours(const Problem& p, const Weights& weights, size_t index, std::byte* y,
              std::vector<Candidate>& candidates) {
  const kernels::cuda::Card card = card_of(p.device->info());
  std::map<const kernels::LinearFormat*, std::shared_ptr<Image>> images;
  for (const auto* row : kernels::cuda::linear_kernels()) {
    if (row->weights != p.dtype || (row->exact ? row->arch != card.arch : row->arch > card.arch)) continue;
    for (const bool token_major : {true, false}) {
      kernels::LinearSpec spec;
      spec.rows = p.shape.rows;
      spec.columns = p.shape.columns;
      spec.layout = token_major ? Layout::token_major : Layout::feature_major;
      spec.io = p.dtype;
      const kernels::WeightsKind kind{p.dtype, weights.packed->dense(), weights.packed->vector()};
      if (!row->refuse(card, kind, spec, p.tokens).empty()) continue;
      std::shared_ptr<Image>& image = images[row->format];
      if (image == nullptr) {
        image = std::make_shared<Image>();
        image->prepared = row->format->prepare(*weights.packed);
        const auto& made = static_cast<const kernels::cuda::LinearWeights&>(*image->prepared);
        image->memory = std::make_unique<DeviceMemory>(p.device, made.image.bytes());
        leno::cuda::write(*image->memory, 0, made.image.data(), made.image.bytes(), nullptr);
      }
      const auto& prepared = static_cast<const kernels::cuda::LinearWeights&>(*image->prepared);
      // A workspace larger than what there is would be a fault of the row.
      if (row->workspace_bytes(prepared, spec, p.tokens, card) > p.scratch->bytes())
        leno::fail(LENO_ERR_INTERNAL, row->name, " asks for a workspace larger than ", p.scratch->bytes(), " bytes");
      kernels::LinearCall call;
      call.tokens = p.tokens;
      call.x = p.x_data(token_major);
      call.ldx = token_major ? p.shape.columns : p.tokens;
      call.y = y;
      call.ldy = token_major ? p.shape.rows : p.tokens;
      const kernels::cuda::Launches launches =
          row->plan(prepared, {image->memory->data(), nullptr}, spec, call, p.scratch->data(), card);
      for (int i = 0; i < launches.count; ++i) {
        const auto& launch = launches.launch[static_cast<size_t>(i)];
        p.device->prepare(launch.entry, launch.threads, launch.shared_bytes);
      }
      Candidate c;
      c.name = row->name;
      c.token_major = token_major;
      c.pattern = index;
      c.arch = row->arch;
      c.enqueue = [launches, image, device = p.device, stream = p.stream->handle()] {
        for (int i = 0; i < launches.count; ++i) {
          const auto& launch = launches.launch[static_cast<size_t>(i)];
          device->launch(launch.entry, launch.grid, launch.threads, launch.shared_bytes, launch.parameters.data(),
                         stream);
        }
      };
      candidates.push_back(std::move(c));
    }
  }
}

std::string check(const Problem& p, const Candidate& c, const PackedWeights* packed, const std::vector<uint16_t>& y) {
  const uint16_t exponent = p.dtype == DType::f16 ? 0x7c00 : 0x7f80;
  for (size_t i = 0; i < y.size(); ++i)
    if ((y[i] & exponent) == exponent) return leno::text("element ", i, " is no finite number");
  std::mt19937 random(3);
  std::vector<int64_t> place;  // of an original row among the packed ones
  if (packed != nullptr) {
    place.resize(static_cast<size_t>(p.shape.rows));
    for (int64_t r = 0; r < p.shape.rows; ++r) place[static_cast<size_t>(packed->row(r))] = r;
  }
  for (int sample = 0; sample < 256; ++sample) {
    const int64_t n = random() % static_cast<uint64_t>(p.tokens), m = random() % static_cast<uint64_t>(p.shape.rows);
    double sum = 0, size = 0;
    const auto add = [&](int64_t k, uint16_t w) {
      const double term =
          leno_test::decode(p.dtype, w) * leno_test::decode(p.dtype, p.x[static_cast<size_t>(n * p.shape.columns + k)]);
      sum += term;
      size += std::fabs(term);
    };
    if (packed == nullptr) {
      for (int64_t k = 0; k < p.shape.columns; ++k)
        add(k, c.weights->bits[static_cast<size_t>(m * p.shape.columns + k)]);
    } else {
      const int64_t r = place[static_cast<size_t>(m)], g = r / packed->vector();
      for (int64_t i = 0; i < packed->kept(g); ++i)
        add(packed->column(g, i), packed->values<uint16_t>(g, i)[r - g * packed->vector()]);
    }
    const auto at = static_cast<size_t>(c.token_major ? n * p.shape.rows + m : m * p.tokens + n);
    const double found = leno_test::decode(p.dtype, y[at]);
    const double bound = size * static_cast<double>(p.shape.columns + 8) * 0x1p-24 +
                         std::fabs(sum) * (p.dtype == DType::f16 ? 0x1p-11 : 0x1p-8) + 1e-6;
    if (!(std::fabs(found - sum) <= bound))
      return leno::text("row ", m, " of token ", n, " is ", found, ", expected ", sum, " within ", bound);
  }
  return "";
}

}  // namespace leno_cuda_bench
