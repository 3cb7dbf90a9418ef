#include "conv/onednn.h"

#include <cstring>
#include <memory>

#include "common/onednn.h"

namespace leno_bench {
namespace {

using dnnl::memory;
using tag = memory::format_tag;

// Where oneDNN has no tuned code it runs plain loops, hundreds of times slower.
bool is_reference(const dnnl::convolution_forward::primitive_desc& pd) {
  return std::string(pd.impl_info_str()).find("ref") == 0;
}

struct State {
  dnnl::convolution_forward primitive;
  std::unordered_map<int, memory> arguments;
  memory y;
};

Candidate make(dnnl::algorithm algorithm, tag layout, const ConvShape& s, const Weights& dense, const Images& x) {
  const auto type = onednn_type(x.dtype), f32 = memory::data_type::f32;
  const memory::dims xs{x.batch, s.channels, s.size, s.size}, ws{s.filters, s.channels, s.kernel, s.kernel},
      ys{x.batch, s.filters, s.out(), s.out()};
  const dnnl::convolution_forward::primitive_desc pd(onednn_engine(), dnnl::prop_kind::forward_inference, algorithm,
                                                     memory::desc(xs, type, layout), memory::desc(ws, type, tag::any),
                                                     memory::desc(ys, type, layout), {s.stride, s.stride},
                                                     {s.pad(), s.pad()}, {s.pad(), s.pad()});
  if (is_reference(pd)) throw dnnl::error(dnnl_unimplemented, "a reference loop");

  const bool last = layout == tag::nhwc;
  const memory plain_x(memory::desc(xs, type, last ? tag::nhwc : tag::nchw), onednn_engine(),
                       const_cast<void*>(x.data(last)));
  const memory plain_w(memory::desc(ws, f32, tag::ohwi), onednn_engine(), const_cast<float*>(dense.dense.data()));

  Candidate c;
  c.name = std::string("onednn_") + (last ? "nhwc_" : layout == tag::nchw ? "nchw_" : "") + pd.impl_info_str();
  c.token_major = last;
  c.y_dtype = x.dtype;
  c.y = leno::AlignedBuffer(x.batch * s.filters * s.out() * s.out() * size_of(x.dtype));
  const auto state = std::make_shared<State>();
  state->primitive = dnnl::convolution_forward(pd);
  const memory::desc plain_y(ys, type, last ? tag::nhwc : tag::nchw);
  const bool is_plain = pd.dst_desc() == plain_y;
  state->y = is_plain ? memory(plain_y, onednn_engine(), c.y.data()) : memory(pd.dst_desc(), onednn_engine());
  state->arguments = {{DNNL_ARG_SRC, onednn_reordered(plain_x, pd.src_desc())},
                      {DNNL_ARG_WEIGHTS, onednn_reordered(plain_w, pd.weights_desc())},
                      {DNNL_ARG_DST, state->y}};
  c.run = [state] { onednn_run(state->primitive, state->arguments); };
  // For the check only: y as everybody reads it.
  c.finish = [state, plain_y, y = c.y.data()] {
    memory to(plain_y, onednn_engine(), y);
    if (state->y.get_data_handle() != y) {
      onednn_run(dnnl::reorder(state->y, to), {{DNNL_ARG_FROM, state->y}, {DNNL_ARG_TO, to}});
    }
  };
  return c;
}

}  // namespace

std::vector<Candidate> onednn_convolutions(const ConvShape& shape, const Weights& dense, const Images& x) {
  std::vector<Candidate> all;
  for (const auto algorithm : {dnnl::algorithm::convolution_direct, dnnl::algorithm::convolution_winograd}) {
    for (const tag layout : {tag::any, tag::nchw, tag::nhwc}) {
      try {
        all.push_back(make(algorithm, layout, shape, dense, x));
      } catch (const dnnl::error&) {  // it has none
      }
    }
  }
  return all;
}

}  // namespace leno_bench
