#include "linear/onednn.h"

#include <cmath>
#include <cstring>
#include <memory>
#include <unordered_map>

#include "common/onednn.h"
#include "linear/quantize.h"

namespace leno_bench {
namespace {

using dnnl::matmul;
using dnnl::memory;
using leno::AlignedBuffer;
using leno::DType;
using tag = memory::format_tag;
using dt = memory::data_type;

// Where oneDNN has no tuned code it runs plain loops, hundreds of times slower.
bool is_reference(const matmul::primitive_desc& pd) { return std::string(pd.impl_info_str()).find("ref") == 0; }

using Arguments = std::unordered_map<int, memory>;

memory copy_of(const void* values, const memory::desc& desc) {
  memory result(desc, onednn_engine());
  std::memcpy(result.get_data_handle(), values, desc.get_size());
  return result;
}

// The dense weights in their dtype, [M][K], and the scales of their rows where int8.
struct DenseWeights {
  explicit DenseWeights(const Weights& weights)
      : rows(weights.packed->rows()), columns(weights.packed->columns()), dtype(weights.packed->dtype()) {
    const int64_t count = rows * columns;
    values = AlignedBuffer(count * size_of(dtype));
    scales.assign(static_cast<size_t>(rows), 1.f);
    for (int64_t m = 0; m < rows; ++m) {
      if (dtype == DType::i8) scales[static_cast<size_t>(m)] = weights.packed->scale(m);
      for (int64_t i = m * columns; i < (m + 1) * columns; ++i) {
        const float v = weights.dense[static_cast<size_t>(i)];
        if (dtype == DType::f32) values.as<float>()[i] = v;
        if (dtype == DType::bf16) values.as<leno::bf16_t>()[i] = leno::to_bf16(v);
        if (dtype == DType::i8) {
          values.as<int8_t>()[i] = static_cast<int8_t>(std::lround(v / scales[static_cast<size_t>(m)]));
        }
      }
    }
  }
  int64_t rows, columns;
  DType dtype;
  AlignedBuffer values;
  std::vector<float> scales;
};

// How the product is put to oneDNN.
struct Way {
  const char* name;
  bool token_major;   // the layout of X and Y
  bool weights_left;  // W X (M x N) instead of X W^T (N x M)
  bool prepacked;     // the weights lie as oneDNN likes them best
};

constexpr Way kWays[] = {{"tm_any", true, false, true},
                         {"tm_plain", true, false, false},
                         {"fm_plain", false, true, false},
                         {"fm_any", false, true, true},
                         {"fm_right_any", false, false, true}};

struct Product {
  matmul primitive;
  Arguments arguments;
  AlignedBuffer quantized;
  float scale = 0;
};

Candidate make_dense(const Way& way, const DenseWeights& w, const Activations& x, bool with_quantization) {
  const int64_t m = w.rows, k = w.columns, n = x.tokens;
  const bool i8 = w.dtype == DType::i8;
  Candidate c;
  c.name = std::string("onednn_") + name_of(w.dtype) + "_" + way.name;
  c.kind = i8 && !with_quantization ? Kind::matmul_only : Kind::dense;
  c.token_major = way.token_major;
  c.y_dtype = x.dtype;
  c.y = AlignedBuffer(n * m * size_of(x.dtype));

  const dt in = onednn_type(w.dtype), out = onednn_type(x.dtype);
  const tag w_plain = way.weights_left ? tag::ab : tag::ba;
  const tag xy = way.token_major == way.weights_left ? tag::ba : tag::ab;
  const memory::dims w_dims = way.weights_left ? memory::dims{m, k} : memory::dims{k, m};
  const memory::dims x_dims = way.weights_left ? memory::dims{k, n} : memory::dims{n, k};
  const memory::dims y_dims = way.weights_left ? memory::dims{m, n} : memory::dims{n, m};
  const memory::desc w_plain_desc(w_dims, in, w_plain), w_desc(w_dims, in, way.prepacked ? tag::any : w_plain);
  const memory::desc x_desc(x_dims, in, xy), y_desc(y_dims, out, xy);

  dnnl::primitive_attr attributes;
  if (i8) {
    constexpr int kOne = 0, kPerColumn = 1 << 1;
    if (way.weights_left) throw dnnl::error(dnnl_unimplemented, "scales per row of the left matrix");
    attributes.set_scales_mask(DNNL_ARG_WEIGHTS, kPerColumn);
    attributes.set_scales_mask(DNNL_ARG_SRC, kOne);
  }
  const memory::desc &left = way.weights_left ? w_desc : x_desc, &right = way.weights_left ? x_desc : w_desc;
  const matmul::primitive_desc pd(onednn_engine(), left, right, y_desc, attributes);
  if (is_reference(pd)) throw dnnl::error(dnnl_unimplemented, "a reference loop");

  auto product = std::make_shared<Product>();
  product->primitive = matmul(pd);
  const int w_at = way.weights_left ? DNNL_ARG_SRC : DNNL_ARG_WEIGHTS;
  const int x_at = way.weights_left ? DNNL_ARG_WEIGHTS : DNNL_ARG_SRC;
  product->arguments[w_at] =
      onednn_reordered(copy_of(w.values.data(), w_plain_desc), way.weights_left ? pd.src_desc() : pd.weights_desc());
  const void* x_data = x.data(way.token_major);
  product->arguments[DNNL_ARG_DST] = memory(y_desc, onednn_engine(), c.y.data());
  if (!i8) {
    product->arguments[x_at] = memory(x_desc, onednn_engine(), const_cast<void*>(x_data));
    c.run = [product] { onednn_run(product->primitive, product->arguments); };
    return c;
  }
  product->quantized = AlignedBuffer(n * k);
  product->arguments[x_at] = memory(x_desc, onednn_engine(), product->quantized.data());
  const memory::desc row_scales({m}, dt::f32, tag::a), one_scale({1}, dt::f32, tag::a);
  product->arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS] = copy_of(w.scales.data(), row_scales);
  product->arguments[DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC] = memory(one_scale, onednn_engine(), &product->scale);
  const auto quantize_x = [product, count = n * k, x_data] {
    quantize(static_cast<const float*>(x_data), count, product->quantized.as<int8_t>(), &product->scale);
  };
  if (!with_quantization) quantize_x();
  c.run = [product, quantize_x, with_quantization] {
    if (with_quantization) quantize_x();
    onednn_run(product->primitive, product->arguments);
  };
  return c;
}

struct Csr {
  std::vector<float> values;
  std::vector<int32_t> columns, rows{0};
};

Csr compress(const Weights& weights) {
  const int64_t m = weights.packed->rows(), k = weights.packed->columns();
  Csr csr;
  for (int64_t r = 0; r < m; ++r) {
    for (int64_t c = 0; c < k; ++c) {
      const float v = weights.dense[static_cast<size_t>(r * k + c)];
      if (v == 0) continue;
      csr.values.push_back(v);
      csr.columns.push_back(static_cast<int32_t>(c));
    }
    csr.rows.push_back(static_cast<int32_t>(csr.values.size()));
  }
  return csr;
}

}  // namespace

Candidate onednn_csr(const Weights& weights, size_t index, const Activations& x) {
  const int64_t m = weights.packed->rows(), k = weights.packed->columns(), n = x.tokens;
  Candidate c;
  c.name = "onednn_csr_fm";
  c.kind = Kind::sparse;
  c.token_major = false;
  c.weights = index;
  c.y = AlignedBuffer(n * m * 4);
  struct State {
    Csr csr;
    matmul primitive;
    Arguments arguments;
  };
  auto state = std::make_shared<State>();
  state->csr = compress(weights);
  const auto nnz = static_cast<memory::dim>(state->csr.values.size());
  const auto w_desc = memory::desc::csr({m, k}, dt::f32, nnz, dt::s32, dt::s32);
  const memory::desc x_desc({k, n}, dt::f32, tag::ab), y_desc({m, n}, dt::f32, tag::ab);
  state->primitive = matmul(matmul::primitive_desc(onednn_engine(), w_desc, x_desc, y_desc));
  const memory w_memory(w_desc, onednn_engine(),
                        {state->csr.values.data(), state->csr.columns.data(), state->csr.rows.data()});
  const memory x_memory(x_desc, onednn_engine(), const_cast<void*>(x.data(false)));
  state->arguments = {{DNNL_ARG_SRC, w_memory},
                      {DNNL_ARG_WEIGHTS, x_memory},
                      {DNNL_ARG_DST, memory(y_desc, onednn_engine(), c.y.data())}};
  c.run = [state] { onednn_run(state->primitive, state->arguments); };
  return c;
}

std::vector<Candidate> onednn_dense(const Weights& dense, const Activations& x) {
  const DenseWeights w(dense);
  std::vector<Candidate> candidates;
  for (const Way& way : kWays) {
    for (const bool with_quantization : {true, false}) {
      if (w.dtype != DType::i8 && !with_quantization) continue;
      try {
        candidates.push_back(make_dense(way, w, x, with_quantization));
      } catch (const dnnl::error& e) {
        if (e.status != dnnl_unimplemented) throw;  // not every way exists for every dtype
      }
    }
  }
  return candidates;
}

}  // namespace leno_bench
