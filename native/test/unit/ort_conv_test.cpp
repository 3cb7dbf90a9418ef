// The operator io.leno.Conv as ONNX Runtime drives it: from its attributes and inputs to outputs, and every refusal.
#include <gmock/gmock.h>

#include <cmath>
#include <memory>

#include "leno/conv.h"
#include "ort/conv_op.h"
#include "ort_fake.h"
#include "reference/conv_reference.h"

namespace leno::ort {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Ints = std::vector<int64_t>;

std::vector<float> ramp(int64_t count, int64_t period = 7) {
  std::vector<float> values(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) values[size_t(i)] = static_cast<float>(i % period) - float(period / 2);
  return values;
}

KernelInfo::Input blob(int64_t rows, int64_t columns) {
  const std::vector<float> w = ramp(rows * columns, 5);
  leno_packed packed = nullptr;
  EXPECT_EQ(leno_packed_create_dense(w.data(), rows, columns, columns, LENO_F32, &packed), LENO_OK);
  int64_t bytes = 0;
  EXPECT_EQ(leno_packed_blob_size(packed, &bytes), LENO_OK);
  std::vector<uint8_t> out(static_cast<size_t>(bytes));
  EXPECT_EQ(leno_packed_write_blob(packed, out.data(), bytes), LENO_OK);
  leno_packed_destroy(packed);
  return {"blob", true, Value::of(kUint8, {bytes}, out)};
}

KernelInfo::Input vector_of(const std::string& name, int64_t count) {
  return {name, true, Value::floats({count}, ramp(count, 3))};
}

const KernelInfo::Input kX{"x", false, {}};
const KernelInfo::Input kNone{"", false, {}};
const KernelInfo::Input kR{"r", false, {}};

// From NCHW to NHWC.
std::vector<float> channels_last(const std::vector<float>& v, int64_t batch, int64_t channels, int64_t pixels) {
  std::vector<float> out(v.size());
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t p = 0; p < pixels; ++p) {
        out[size_t((n * pixels + p) * channels + c)] = v[size_t((n * channels + c) * pixels + p)];
      }
  return out;
}

class OrtConv : public testing::Test {
 protected:
  static constexpr int64_t kFilters = 4, kChannels = 6;

  OrtConv()
      : op_([] {
          SessionConfig config;
          config.isa = LENO_ISA_PORTABLE;
          return config;
        }()) {}

  void TearDown() override {
    FakeRuntime::failing.clear();
    EXPECT_EQ(FakeRuntime::statuses.size(), 0u) << "a status was not released";
    EXPECT_EQ(FakeRuntime::infos.size(), 0u) << "a tensor's description was not released";
  }

  using Kernel = std::unique_ptr<void, void (*)(void*)>;

  Kernel make(const KernelInfo& info) {
    void* kernel = nullptr;
    const auto [code, message] = FakeRuntime::take(op_.create_kernel_v2(&op_, FakeRuntime::api(), &info, &kernel));
    EXPECT_EQ(code, 0) << message;
    return {kernel, op_.kernel_destroy};
  }

  std::string refusal(const KernelInfo& info, int expected = kInvalidArgument) {
    void* kernel = nullptr;
    const auto [code, message] = FakeRuntime::take(op_.create_kernel_v2(&op_, FakeRuntime::api(), &info, &kernel));
    EXPECT_EQ(code, expected) << message;
    EXPECT_EQ(kernel, nullptr);
    return message;
  }

  std::string compute(const Kernel& kernel, KernelContext& context) {
    return FakeRuntime::take(op_.kernel_compute_v2(kernel.get(), &context)).second;
  }

  // 4 filters of 3 x 2 and 6 channels, in one group, for images of 5 x 7.
  static KernelInfo usual() {
    return {{{"kernel_shape", Ints{3, 2}}, {"sizes", Ints{1, 5, 7}}}, {kX, blob(kFilters, 3 * 2 * kChannels)}};
  }

  static KernelInfo with(const char* name, KernelInfo::Attribute value) {
    KernelInfo info = usual();
    info.attributes[name] = std::move(value);
    return info;
  }

  ConvOp op_;
};

TEST_F(OrtConv, ComputesWithEverythingInBothLayouts) {
  for (const char* layout : {"nchw", "nhwc"}) {
    for (const char* added : {"none", "before", "after"}) {
      leno_reference::ConvProblem p;
      p.batch = 2, p.channels = 6, p.height = 7, p.width = 6, p.filters = 4, p.kernel_h = 3, p.kernel_w = 2;
      p.groups = 2, p.stride_h = 2, p.dilation_w = 2, p.pad_top = 1, p.pad_left = 2, p.pad_right = 1;
      p.act = leno_reference::Act::leaky_relu, p.negative_slope = 0.25;
      p.residual_first = added == std::string("before");
      const bool residual = added != std::string("none"), last = layout == std::string("nhwc");
      const int64_t out = p.out_height() * p.out_width();
      const std::vector<float> x = ramp(2 * 6 * 42), r = ramp(2 * 4 * out, 9), w = ramp(4 * 18, 5), b = ramp(4, 3);
      p.x.assign(x.begin(), x.end()), p.w.assign(w.begin(), w.end()), p.bias.assign(b.begin(), b.end());
      if (residual) p.residual.assign(r.begin(), r.end());
      const KernelInfo info{{{"kernel_shape", Ints{3, 2}},
                             {"strides", Ints{2, 1}},
                             {"dilations", Ints{1, 2}},
                             {"pads", Ints{1, 2, 0, 1}},
                             {"group", int64_t{2}},
                             {"activation", std::string("leaky_relu")},
                             {"negative_slope", 0.25f},
                             {"residual", std::string(added)},
                             {"layout", std::string(layout)},
                             {"version", int64_t{1}},
                             {"sizes", Ints{1, 7, 6, 2, 7, 6}}},
                            {kX, blob(4, 18), vector_of("bias", 4), residual ? kR : kNone}};
      const Kernel kernel = make(info);
      const Value xs = last ? Value::floats({2, 7, 6, 6}, channels_last(x, 2, 6, 42)) : Value::floats({2, 6, 7, 6}, x);
      const Ints dims = last ? Ints{2, p.out_height(), p.out_width(), 4} : Ints{2, 4, p.out_height(), p.out_width()};
      const Value rs = Value::floats(dims, last ? channels_last(r, 2, 4, out) : r);
      KernelContext context{{&xs, &info.inputs[1].value, &info.inputs[2].value, &rs}, {}};
      ASSERT_EQ(compute(kernel, context), "");
      EXPECT_EQ(context.output.dims, dims);
      const leno_reference::ConvResult truth = leno_reference::conv(p);
      std::vector<float> want(truth.y.begin(), truth.y.end());
      if (last) want = channels_last(want, 2, 4, out);
      const std::vector<float> y = context.output.floats();
      ASSERT_EQ(y.size(), want.size());
      for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(y[i], want[i], 1e-4) << layout << added << i;
    }
  }
}

TEST_F(OrtConv, OneDimension) {
  leno_reference::ConvProblem p;
  p.batch = 2, p.channels = 3, p.width = 9, p.filters = 5, p.kernel_w = 4, p.stride_w = 3, p.pad_left = 2;
  p.pad_right = 1, p.act = leno_reference::Act::relu6;
  const std::vector<float> x = ramp(2 * 3 * 9), w = ramp(5 * 12, 5);
  p.x.assign(x.begin(), x.end()), p.w.assign(w.begin(), w.end());
  const KernelInfo info{{{"kernel_shape", Ints{4}},
                         {"strides", Ints{3}},
                         {"pads", Ints{2, 1}},
                         {"activation", std::string("relu6")},
                         {"sizes", Ints{1, 9}}},
                        {kX, blob(5, 12)}};
  const Kernel kernel = make(info);
  const Value xs = Value::floats({2, 3, 9}, x);
  KernelContext context{{&xs}, {}};
  ASSERT_EQ(compute(kernel, context), "");
  EXPECT_EQ(context.output.dims, (Ints{2, 5, p.out_width()}));
  const std::vector<double> want = leno_reference::conv(p).y;
  const std::vector<float> y = context.output.floats();
  ASSERT_EQ(y.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(y[i], want[i], 1e-4) << i;
}

TEST_F(OrtConv, AnEmptyBatchGivesAnEmptyOutput) {
  const KernelInfo info = usual();
  const Kernel kernel = make(info);
  const Value x = Value::floats({0, kChannels, 5, 7}, {});
  KernelContext context{{&x}, {}};
  EXPECT_EQ(compute(kernel, context), "");
  EXPECT_EQ(context.output.dims, (Ints{0, kFilters, 3, 6}));
}

TEST_F(OrtConv, RefusesShapesBeforeItMakesAnOutput) {
  KernelInfo info = with("residual", std::string("after"));
  info.inputs.push_back(kNone);
  info.inputs.push_back(kR);
  const Kernel kernel = make(info);
  const auto refusal_of = [&](Ints x_dims, Ints r_dims) {
    const Value x = Value::floats(std::move(x_dims), ramp(1000)), r = Value::floats(std::move(r_dims), ramp(1000));
    KernelContext context{{&x, nullptr, nullptr, &r}, {}};
    const std::string message = compute(kernel, context);
    EXPECT_EQ(context.outputs_made, 0);
    return message;
  };
  const Ints right{1, kFilters, 3, 6};
  EXPECT_THAT(refusal_of({1, 5, 5, 7}, right), AllOf(HasSubstr("X has 5 channels"), HasSubstr("expected 6")));
  EXPECT_THAT(refusal_of({kChannels, 5, 7}, right), AllOf(HasSubstr("X has 3 dimensions"), HasSubstr("expected 4")));
  EXPECT_THAT(refusal_of({1, kChannels, 2, 7}, right), HasSubstr("height is 2"));
  EXPECT_THAT(refusal_of({1, kChannels, 5, 7}, {1, kFilters, 3, 7}), HasSubstr("input residual"));
  EXPECT_THAT(refusal_of({1, kChannels, 5, 7}, {kFilters, 3, 6}), HasSubstr("input residual"));
  EXPECT_THAT(refusal_of({2, kChannels, 5, 7}, right), HasSubstr("input residual"));
}

TEST_F(OrtConv, RefusesAttributes) {
  EXPECT_THAT(refusal(with("version", int64_t{2}), kNotImplemented), HasSubstr("attribute version is 2"));
  EXPECT_THAT(refusal(with("activation", std::string("elu"))), HasSubstr("attribute activation is \"elu\""));
  EXPECT_THAT(refusal(with("residual", std::string("yes"))), HasSubstr("expected none, before or after"));
  EXPECT_THAT(refusal(with("residual", std::string("before"))), HasSubstr("input residual is absent"));
  EXPECT_THAT(refusal(with("residual", int64_t{1})), HasSubstr("residual is an integer, expected a string"));
  EXPECT_THAT(refusal(with("layout", std::string("NCHW"))), HasSubstr("expected nchw or nhwc"));
  EXPECT_THAT(refusal(with("kernel_shape", Ints{})), HasSubstr("kernel_shape has 0 numbers, expected 1 or 2"));
  EXPECT_THAT(refusal(with("kernel_shape", Ints{3, 3, 3})), HasSubstr("kernel_shape has 3 numbers"));
  EXPECT_THAT(refusal(with("kernel_shape", int64_t{3})),
              HasSubstr("kernel_shape is an integer, expected a list of integers"));
  EXPECT_THAT(refusal(with("strides", std::vector<float>{1, 1})), HasSubstr("strides is a list of floats"));
  for (const Ints& kernel : {Ints{0, 2}, Ints{-1, 2}, Ints{3, 0}, Ints{37, 1}, Ints{INT64_MAX, INT64_MAX}}) {
    EXPECT_THAT(refusal(with("kernel_shape", kernel)), HasSubstr("kernel_shape is")) << kernel[0];
  }
  EXPECT_THAT(refusal(with("kernel_shape", Ints{5, 1})), HasSubstr("packed has 36 columns"));
  EXPECT_THAT(refusal(with("strides", Ints{1})), HasSubstr("strides has 1 numbers, expected 2"));
  EXPECT_THAT(refusal(with("strides", Ints{0, 1})), HasSubstr("stride_height is 0"));
  EXPECT_THAT(refusal(with("dilations", Ints{1, -1})), HasSubstr("dilation_width is -1"));
  EXPECT_THAT(refusal(with("pads", Ints{1, 1})), HasSubstr("pads has 2 numbers, expected 4"));
  EXPECT_THAT(refusal(with("pads", Ints{3, 0, 0, 0})), HasSubstr("pad_top is 3"));
  EXPECT_THAT(refusal(with("group", int64_t{0})), HasSubstr("group is 0"));
  EXPECT_THAT(refusal(with("group", int64_t{3})), HasSubstr("groups is 3"));
  EXPECT_THAT(refusal(with("group", INT64_MAX)), HasSubstr("group is 9223372036854775807"));
  EXPECT_THAT(refusal(with("negative_slope", NAN)), HasSubstr("negative_slope is nan"));
  EXPECT_THAT(refusal(with("sizes", Ints{1, 5})), HasSubstr("sizes has 2 numbers, expected a multiple of 3"));
  EXPECT_THAT(refusal(with("sizes", Ints{1, 2, 7})), HasSubstr("height is 2"));
  EXPECT_THAT(refusal(with("sizes", Ints(51, 9))), HasSubstr("sizes_count is 17"));
  KernelInfo none = usual();
  none.attributes.erase("sizes");
  EXPECT_THAT(refusal(none), HasSubstr("attribute sizes is absent"));
}

TEST_F(OrtConv, RefusesInputs) {
  KernelInfo info = usual();
  info.inputs[1].constant = false;
  EXPECT_THAT(refusal(info), AllOf(HasSubstr("io.leno.Conv: input packed"), HasSubstr("expected a constant")));
  info = usual();
  info.inputs.push_back(vector_of("b", 5));
  EXPECT_THAT(refusal(info), AllOf(HasSubstr("input bias has 5 elements"), HasSubstr("expected 4")));
  info.inputs[2] = kNone;
  info.inputs.push_back(kR);
  EXPECT_THAT(refusal(info), HasSubstr("input residual is present"));
  info = usual();
  info.inputs[1].value.dims[0] /= 2;
  refusal(info);
}

}  // namespace
}  // namespace leno::ort
