#include "cuda/cudnn.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "cuda/library.h"

// cuDNN's convolution, declared by hand: it is not there when this is built. The functions and numbers are those of the
// headers of cuDNN 8 and 9 (cudnn_ops.h, cudnn_cnn.h); no machine with cuDNN has run this yet.
namespace leno_cuda_bench {
namespace {

constexpr int kFloat = 0, kHalf = 2, kBfloat16 = 9;  // cudnnDataType_t
constexpr int kNhwc = 1, kCrossCorrelation = 1;
constexpr int kTensorOpMath = 1, kFmaMath = 3;  // cudnnMathType_t
constexpr size_t kMostWorkspace = size_t{1} << 30;

struct Performance {  // cudnnConvolutionFwdAlgoPerf_t
  int algorithm, status;
  float milliseconds;
  size_t memory;
  int determinism, math;
  int reserved[3];
};
static_assert(sizeof(Performance) == 48);
constexpr int kAlgorithms = 16;  // more than there are, with and without tensor cores

struct Cudnn {
  Library library{{"libcudnn.so.9", "libcudnn.so.8"}};
  size_t (*version)() = nullptr;
  int (*create)(void**) = nullptr;
  int (*set_stream)(void*, leno::cuda::CUstream) = nullptr;
  int (*create_tensor)(void**) = nullptr;
  int (*set_tensor)(void*, int format, int type, int n, int c, int h, int w) = nullptr;
  int (*create_filter)(void**) = nullptr;
  int (*set_filter)(void*, int type, int format, int k, int c, int h, int w) = nullptr;
  int (*create_convolution)(void**) = nullptr;
  int (*set_convolution)(void*, int pad_h, int pad_w, int stride_h, int stride_w, int dilation_h, int dilation_w,
                         int mode, int compute) = nullptr;
  int (*set_math)(void*, int) = nullptr;
  int (*algorithms)(void*, void* x, void* w, void* convolution, void* y, int, int*, Performance*) = nullptr;
  int (*forward)(void*, const void* alpha, void* x, const void*, void* w, const void*, void* convolution, int algorithm,
                 void* workspace, size_t, const void* beta, void* y, void*) = nullptr;
  void* handle = nullptr;

  Cudnn() {
    if (!library.there()) return;
    library.load(version, "cudnnGetVersion");
    library.load(create, "cudnnCreate");
    library.load(set_stream, "cudnnSetStream");
    library.load(create_tensor, "cudnnCreateTensorDescriptor");
    library.load(set_tensor, "cudnnSetTensor4dDescriptor");
    library.load(create_filter, "cudnnCreateFilterDescriptor");
    library.load(set_filter, "cudnnSetFilter4dDescriptor");
    library.load(create_convolution, "cudnnCreateConvolutionDescriptor");
    library.load(set_convolution, "cudnnSetConvolution2dDescriptor");
    library.load(set_math, "cudnnSetConvolutionMathType");
    library.load(algorithms, "cudnnGetConvolutionForwardAlgorithm_v7");
    library.load(forward, "cudnnConvolutionForward");
    check_status(create(&handle), "cudnnCreate");
  }
};

const Cudnn& cudnn() {
  static const Cudnn once;
  return once;
}

// Descriptors live as long as the program: there are few.
struct Descriptors {
  void *x = nullptr, *w = nullptr, *y = nullptr;
  const DenseConvolution& c;
  int type;

  explicit Descriptors(const DenseConvolution& convolution)
      : c(convolution),
        type(c.dtype == DType::f16    ? kHalf
             : c.dtype == DType::bf16 ? kBfloat16
                                      : kFloat) {
    const auto tensor = [&](void*& to, int64_t channels, int64_t size) {
      check_status(cudnn().create_tensor(&to), "cudnnCreateTensorDescriptor");
      check_status(cudnn().set_tensor(to, kNhwc, type, int(c.batch), int(channels), int(size), int(size)),
                   "cudnnSetTensor4dDescriptor");
    };
    tensor(x, c.shape.channels, c.shape.size);
    tensor(y, c.shape.filters, c.shape.out());
    check_status(cudnn().create_filter(&w), "cudnnCreateFilterDescriptor");
    const int kernel = int(c.shape.kernel);
    check_status(cudnn().set_filter(w, type, kNhwc, int(c.shape.filters), int(c.shape.channels), kernel, kernel),
                 "cudnnSetFilter4dDescriptor");
  }
  void* convolution(int math) const {
    void* made = nullptr;
    const int pad = int(c.shape.pad()), stride = int(c.shape.stride);
    check_status(cudnn().create_convolution(&made), "cudnnCreateConvolutionDescriptor");
    check_status(cudnn().set_convolution(made, pad, pad, stride, stride, 1, 1, kCrossCorrelation, kFloat),
                 "cudnnSetConvolution2dDescriptor");
    check_status(cudnn().set_math(made, math), "cudnnSetConvolutionMathType");
    return made;
  }
};

void add_algorithms(const Place& place, const DenseConvolution& c, std::vector<Candidate>& candidates) {
  const Cudnn& nn = cudnn();
  check_status(nn.set_stream(nn.handle, place.stream->handle()), "cudnnSetStream");
  const Descriptors of(c);
  const int math = c.dtype == DType::f32 ? kFmaMath : kTensorOpMath;
  std::array<Performance, kAlgorithms> found{};
  int count = 0;
  check_status(nn.algorithms(nn.handle, of.x, of.w, of.convolution(math), of.y, kAlgorithms, &count, found.data()),
               "cudnnGetConvolutionForwardAlgorithm_v7");
  const auto usable = [&](const Performance& p) {
    return p.status == 0 && p.memory <= kMostWorkspace && (c.dtype != DType::f32 || p.math == kFmaMath);
  };
  size_t workspace = 1;
  for (int i = 0; i < count; ++i)
    if (usable(found[size_t(i)])) workspace = std::max(workspace, found[size_t(i)].memory);
  const auto scratch = std::make_shared<DeviceMemory>(place.device, static_cast<int64_t>(workspace));
  for (int i = 0; i < count; ++i) {
    const Performance& p = found[size_t(i)];
    if (!usable(p)) continue;
    Candidate candidate;
    candidate.name = "cudnn_nhwc_algo" + std::to_string(p.algorithm) + (p.math == kTensorOpMath ? "_tensor_op" : "");
    candidate.kind = Kind::dense;
    candidate.token_major = true;
    candidate.enqueue = [&nn, x = of.x, w = of.w, y = of.y, convolution = of.convolution(p.math), c, scratch,
                         algorithm = p.algorithm, bytes = p.memory] {
      const float one = 1, zero = 0;
      check_status(nn.forward(nn.handle, &one, x, c.x, w, c.filters, convolution, algorithm, scratch->data(), bytes,
                              &zero, y, c.y),
                   "cudnnConvolutionForward");
    };
    candidates.push_back(std::move(candidate));
  }
}

}  // namespace

void add_cudnn(const Place& place, const DenseConvolution& convolution, Peers& peers) {
  try {
    if (!cudnn().library.there()) {
      peers.skipped.emplace_back("libcudnn.so.9 not found");
      return;
    }
    add_algorithms(place, convolution, peers.candidates);
  } catch (const std::exception& e) {
    peers.skipped.emplace_back(std::string("cuDNN: ") + e.what());
  }
}

std::string cudnn_version() {
  try {
    return cudnn().library.there() ? std::to_string(cudnn().version()) : "";
  } catch (const std::exception&) {
    return "";
  }
}

}  // namespace leno_cuda_bench
