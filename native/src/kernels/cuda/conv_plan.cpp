#include <algorithm>

#include "core/aligned_buffer.h"
#include "core/error.h"
#include "kernels/cuda/conv_kernel.h"
#include "kernels/cuda/linear_skip_weights.h"
#include "kernels/cuda/reduce_tile.h"

namespace leno::kernels::cuda {
namespace {

constexpr int64_t kSectionBytes = 256;

// What lies in the workspace before the partial sums.
struct Sections {
  int64_t packed_bytes, offset_bytes;
  Sections(const ConvPlanes& planes, const LinearWeights& weights, const ConvTask& task)
      : packed_bytes(
            round_up(task.channels() * planes.chunks_of_channel() * 8 * size_of(weights.dtype), kSectionBytes)),
        offset_bytes(round_up(words(weights) * 4, kSectionBytes)) {}
  static int64_t words(const LinearWeights& weights) { return weights.starts.back() * weights.step_words; }
};

const char* pack_entry(DType io, DType type, bool nhwc) {
  if (io != DType::f32) return nhwc ? "conv_pack_b16_nhwc" : "conv_pack_b16_nchw";
  if (type == DType::f32) return nhwc ? "conv_pack_f32_nhwc" : "conv_pack_f32_nchw";
  if (type == DType::f16) return nhwc ? "conv_pack_f32_f16_nhwc" : "conv_pack_f32_f16_nchw";
  return nhwc ? "conv_pack_f32_bf16_nhwc" : "conv_pack_f32_bf16_nchw";
}

}  // namespace

std::string conv_refuse(const ConvKernel& kernel, const Card& card, const WeightsKind& weights, const ConvTask& task) {
  if (weights.dense != kernel.dense) return kernel.dense ? "takes dense weights" : "takes weights with a pattern";
  const DType io = task.spec.io;
  if (io != kernel.weights && io != DType::f32) {
    return text("takes ", name_of(kernel.weights), kernel.weights == DType::f32 ? "" : " or f32", " images, not ",
                name_of(io));
  }
  if (kernel.unit > 0) {
    const std::string why = refuse_unit(weights, kernel.unit);
    if (!why.empty()) return why;
  }
  if (kernel.tile.shared_bytes > card.shared_bytes) {
    return text("a block takes ", kernel.tile.shared_bytes, " bytes of shared memory, the card has ",
                card.shared_bytes);
  }
  const ConvPlanes planes(task);
  const int64_t height = std::clamp<int64_t>(weights.vector, 1, kFragmentRows);
  const int64_t tiles =
      task.groups * ceil_div(task.spec.geometry.filters, height) * ceil_div(planes.positions(), kernel.tile.n);
  if (tiles > INT32_MAX) {
    return text(task.filters(), " filters x ", planes.positions(), " pixels are more tiles than a grid has blocks");
  }
  return planes.refuse(task);
}

int64_t conv_workspace_bytes(const ConvKernel& kernel, const LinearWeights& weights, const ConvTask& task,
                             const Card& card) {
  const ConvPlanes planes(task);
  const Sections sections(planes, weights, task);
  return sections.packed_bytes + sections.offset_bytes + partial_bytes(kernel.tile, weights, planes.positions(), card);
}

Launches conv_entries(const ConvKernel& kernel, const ConvSpec& spec) {
  Launches launches;
  Launch& pack = launches.add();
  pack.entry = pack_entry(spec.io, kernel.weights, spec.layout == ImageLayout::nhwc);
  pack.threads = ConvPackTile::kThreads;
  Launch& product = launches.add();
  product.entry = kernel.tile.gather;
  product.threads = uint32_t(kernel.tile.threads);
  product.shared_bytes = uint32_t(kernel.tile.shared_bytes);
  Launch& reduce = launches.add();
  reduce.entry = kernel.reduce;
  reduce.threads = ReduceTile::kThreads;
  reduce.shared_bytes = ReduceTile::kSharedBytes;
  return launches;
}

Launches conv_plan(const ConvKernel& kernel, const LinearWeights& weights, const DeviceOperands& operands,
                   const ConvTask& task, const void* x, const void* residual, void* y, std::byte* workspace,
                   const Card& card) {
  Launches launches;
  if (task.batch == 0) return launches;
  const ConvPlanes planes(task);
  const Sections sections(planes, weights, task);
  std::byte* const packed = workspace;
  auto* const offsets = reinterpret_cast<int32_t*>(packed + sections.packed_bytes);

  ConvParams p;
  weights.describe(operands.weights, p);
  ConvPackParams pack;
  planes.describe(task, kernel.weights, pack);
  pack.x = x;
  pack.packed = packed;
  pack.taps = p.columns;
  pack.offsets = offsets;
  pack.count = int32_t(Sections::words(weights));
  pack.step_columns = int32_t(weights.step);
  pack.step_words = Divisor(weights.step_words);
  Launch& first = launches.add();
  first.entry = pack_entry(task.spec.io, kernel.weights, task.spec.layout == ImageLayout::nhwc);
  first.grid[0] = uint32_t(pack.pack_blocks + ceil_div(pack.count, ConvPackTile::kThreads));
  first.threads = ConvPackTile::kThreads;
  first.set(pack);

  planes.describe(task, p);
  p.columns = offsets;
  p.bias = operands.bias;
  p.x = packed;
  p.residual = residual;
  p.y = y;
  p.partial = reinterpret_cast<float*>(workspace + sections.packed_bytes + sections.offset_bytes);
  set_splits(kernel.tile, weights, p, card);
  Launch& product = launches.add();
  product.entry = kernel.tile.gather;
  shape_product(product, kernel.tile, weights, p);
  product.set(p);
  if (p.splits == 1) return launches;
  Launch& reduce = launches.add();
  reduce.entry = kernel.reduce;
  shape_reduce(reduce, weights, p);
  reduce.set(p);
  return launches;
}

}  // namespace leno::kernels::cuda
