#include "ort/conv_op.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "leno/conv.h"
#include "ort/execution.h"
#include "ort/node.h"
#include "ort/plain_op.h"

namespace leno::ort {
namespace {

constexpr const char* kName = "io.leno.Conv";
enum Input : size_t { kX, kPacked, kBias, kResidual, kInputs };

// Numbers of an attribute, `expected` of them; `absent` each where the node has none of this name.
std::vector<int64_t> numbers(const Node& node, const char* name, size_t expected, int64_t absent) {
  std::vector<int64_t> values = node.integers(name).value_or(std::vector<int64_t>(expected, absent));
  require(values.size() == expected, LENO_ERR_INVALID_ARGUMENT, kName, ": attribute ", name, " has ", values.size(),
          " numbers, expected ", expected, " as kernel_shape says");
  return values;
}

int residual_of(const Node& node) {
  const std::string name = node.text("residual").value_or("none");
  if (name == "none") return LENO_RESIDUAL_NONE;
  if (name == "before") return LENO_RESIDUAL_BEFORE;
  if (name == "after") return LENO_RESIDUAL_AFTER;
  fail(LENO_ERR_INVALID_ARGUMENT, kName, ": attribute residual is \"", name, "\", expected none, before or after");
}

int layout_of(const Node& node) {
  const std::string name = node.text("layout").value_or("nchw");
  if (name == "nchw") return LENO_NCHW;
  if (name == "nhwc") return LENO_NHWC;
  fail(LENO_ERR_INVALID_ARGUMENT, kName, ": attribute layout is \"", name, "\", expected nchw or nhwc");
}

// Batch, height and width of X, from the batch and as many numbers as kernels have dimensions.
std::vector<int64_t> sizes_of(const Node& node, size_t spatial) {
  const auto given = node.integers("sizes");
  require(given.has_value(), LENO_ERR_INVALID_ARGUMENT, kName,
          ": attribute sizes is absent, expected the batch and extents of X to choose kernels for");
  const size_t step = spatial + 1, count = given->size() / step;
  require(count >= 1 && count * step == given->size(), LENO_ERR_INVALID_ARGUMENT, kName, ": attribute sizes has ",
          given->size(), " numbers, expected a multiple of ", step, ": the batch and extents of X");
  std::vector<int64_t> sizes;
  for (size_t i = 0; i < given->size(); i += step) {
    const int64_t* size = given->data() + i;
    sizes.insert(sizes.end(), {size[0], spatial == 1 ? 1 : size[1], size[spatial]});
  }
  return sizes;
}

// One node of a loaded model. With one spatial dimension images have one row.
class ConvKernel {
 public:
  ConvKernel(const Api& api, const ConvOp& op, const KernelInfo* info)
      : api_(api), device_(shared_device(op.config.threads, op.config.isa)) {
    const Node node(api, info, kName);
    node.require_version();
    leno_packed_info weights{};
    const Node::Packed packed = node.packed(kPacked, &weights);
    leno_conv2d_options options{};
    check(leno_conv2d_options_init(&options));
    set_geometry(node, weights, options);
    options.layout = layout_of(node);
    nhwc_ = options.layout == LENO_NHWC;
    options.activation = node.activation();
    options.negative_slope = node.negative_slope();
    options.residual = residual_of(node);
    residual_ = options.residual != LENO_RESIDUAL_NONE;
    require(node.has(kResidual) == residual_, LENO_ERR_INVALID_ARGUMENT, kName, ": input residual is ",
            node.has(kResidual) ? "present" : "absent", ", expected it as attribute residual says");
    options.bias = node.floats(kBias, "bias", weights.rows, &options.bias_count);
    const std::vector<int64_t> sizes = sizes_of(node, spatial_);
    options.sizes = sizes.data();
    options.sizes_count = static_cast<int64_t>(sizes.size() / 3);
    options.plan_file = op.config.plan_file.empty() ? nullptr : op.config.plan_file.c_str();
    channels_ = options.channels;
    filters_ = weights.rows;
    leno_conv2d conv = nullptr;
    check(leno_conv2d_create(device_, packed.get(), &options, &conv));
    op_.reset(conv);
  }

  void compute(KernelContext* context) const {
    const Tensor x = input(api_, context, kX);
    require(x.rank == spatial_ + 2, LENO_ERR_INVALID_SHAPE, kName, ": input X has ", x.rank, " dimensions, expected ",
            spatial_ + 2);
    const size_t channel = nhwc_ ? spatial_ + 1 : 1, first = nhwc_ ? 1 : 2;
    require(x.dims[channel] == channels_, LENO_ERR_INVALID_SHAPE, kName, ": input X has ", x.dims[channel],
            " channels, expected ", channels_);
    const int64_t batch = x.dims[0], height = spatial_ == 1 ? 1 : x.dims[first];
    const int64_t width = x.dims[first + spatial_ - 1];
    int64_t out_height = 0, out_width = 0;
    check(leno_conv2d_out_size(op_.get(), height, width, &out_height, &out_width));
    std::array<int64_t, kMaxRank> dims{};
    dims[0] = batch;
    dims[channel] = filters_;
    if (spatial_ == 2) dims[first] = out_height;
    dims[first + spatial_ - 1] = out_width;
    const void* residual = nullptr;
    if (residual_) {
      const Tensor r = input(api_, context, kResidual);
      require(r.rank == x.rank && std::equal(dims.begin(), dims.begin() + x.rank, r.dims.begin()),
              LENO_ERR_INVALID_SHAPE, kName, ": input residual has ", r.count(),
              " elements in another shape than the output, expected the output's shape with ",
              batch * filters_ * out_height * out_width);
      residual = data_of<void>(api_, r.value);
    }
    int64_t bytes = 0;
    check(leno_conv2d_workspace_size(op_.get(), batch, height, width, &bytes));
    Value* y = nullptr;
    check(api_.output(context, 0, dims.data(), x.rank, &y));
    const ContextLease scratch(device_, bytes);
    check(leno_conv2d_forward(op_.get(), scratch.get(), batch, height, width, data_of<void>(api_, x.value), residual,
                              data_of<void>(api_, y)));
  }

  const Api& api() const { return api_; }

 private:
  void set_geometry(const Node& node, const leno_packed_info& weights, leno_conv2d_options& o) {
    const std::vector<int64_t> kernel = node.integers("kernel_shape").value_or(std::vector<int64_t>());
    require(kernel.size() == 1 || kernel.size() == 2, LENO_ERR_INVALID_ARGUMENT, kName, ": attribute kernel_shape has ",
            kernel.size(), " numbers, expected 1 or 2");
    spatial_ = kernel.size();
    const size_t last = spatial_ - 1;
    const std::vector<int64_t> strides = numbers(node, "strides", spatial_, 1);
    const std::vector<int64_t> dilations = numbers(node, "dilations", spatial_, 1);
    const std::vector<int64_t> pads = numbers(node, "pads", 2 * spatial_, 0);  // all begins, then all ends
    o.kernel_width = kernel[last];
    o.stride_width = strides[last];
    o.dilation_width = dilations[last];
    o.pad_left = pads[last];
    o.pad_right = pads[2 * spatial_ - 1];
    if (spatial_ == 2) {
      o.kernel_height = kernel[0];
      o.stride_height = strides[0];
      o.dilation_height = dilations[0];
      o.pad_top = pads[0];
      o.pad_bottom = pads[2];
    }
    o.groups = node.integer("group").value_or(1);
    const auto within = [](int64_t value, int64_t most) { return value >= 1 && value <= most; };
    require(within(o.kernel_width, weights.columns) && within(o.kernel_height, weights.columns / o.kernel_width),
            LENO_ERR_INVALID_ARGUMENT, kName, ": attribute kernel_shape is ", o.kernel_height, " x ", o.kernel_width,
            ", expected at least 1 and no more than the ", weights.columns, " columns of the weights");
    require(within(o.groups, weights.rows), LENO_ERR_INVALID_ARGUMENT, kName, ": attribute group is ", o.groups,
            ", expected 1 .. ", weights.rows, ", the number of filters");
    o.channels = weights.columns / o.kernel_height / o.kernel_width * o.groups;  // checked with the rest
  }

  const Api& api_;
  leno_device device_;
  size_t spatial_ = 2;
  int64_t channels_ = 0, filters_ = 0;
  bool residual_ = false, nhwc_ = false;
  struct Destroy {
    void operator()(leno_conv2d op) const { leno_conv2d_destroy(op); }
  };
  std::unique_ptr<leno_conv2d_s, Destroy> op_;
};

}  // namespace

ConvOp::ConvOp(SessionConfig session) : CustomOp(plain_op()), config(std::move(session)) {
  get_name = [](const CustomOp*) { return "Conv"; };
  get_execution_provider_type = [](const CustomOp*) -> const char* { return nullptr; };  // the CPU's
  get_input_type_count = [](const CustomOp*) -> size_t { return kInputs; };
  get_input_type = [](const CustomOp*, size_t index) { return index == kPacked ? kUint8 : kFloat; };
  get_input_characteristic = [](const CustomOp*, size_t index) { return index <= kPacked ? kRequired : kOptional; };
  get_input_memory_type = [](const CustomOp*, size_t) -> int { return kOnDevice; };
  get_output_type = [](const CustomOp*, size_t) { return kFloat; };
  use_kernel<ConvOp, ConvKernel>(*this);
}

}  // namespace leno::ort
