// usage: leno_conformance [--planted] [--json FILE]
// Runs each instruction of the ptx layer on the card (through libcuda.so.1, or the driver that LENO_CUDA_DRIVER names)
// and in the emulator, and compares what they wrote bit for bit. --planted: the emulator is given wrong instructions
// for some, and every one of them must be noticed.
#include <simt/entry.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <string>

#include "conformance/cases.h"
#include "conformance/params.h"
#include "core/cuda/driver.h"

using namespace leno;
using namespace leno::conformance;

namespace {

constexpr uint32_t kPoison = 0xdeadbeef;

struct Failure {
  std::string what;
};

void check(cuda::CUresult result, const std::string& call) {
  if (result != cuda::CUDA_SUCCESS) throw Failure{call + ": " + cuda::describe(result)};
}

class CardRunner {
 public:
  CardRunner() : d_(cuda::driver()) {
    check(d_.cuDevicePrimaryCtxRetain(&context_, 0), "cuDevicePrimaryCtxRetain");
    check(d_.cuCtxPushCurrent_v2(context_), "cuCtxPushCurrent");
    int major = 0, minor = 0;
    check(d_.cuDeviceGetAttribute(&major, cuda::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0), "attribute");
    check(d_.cuDeviceGetAttribute(&minor, cuda::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, 0), "attribute");
    arch_ = 10 * major + minor;
    char name[256] = "";
    check(d_.cuDeviceGetName(name, sizeof name, 0), "cuDeviceGetName");
    name_ = name;
    check(d_.cuStreamCreate(&stream_, cuda::CU_STREAM_NON_BLOCKING), "cuStreamCreate");
    check(d_.cuMemAlloc_v2(&in_, 4 * kWords), "cuMemAlloc");
    check(d_.cuMemAlloc_v2(&out_, 4 * kWords), "cuMemAlloc");
    load();
  }

  int arch() const { return arch_; }
  const std::string& name() const { return name_; }

  std::vector<uint32_t> run(const Case& c, const std::vector<uint32_t>& input) {
    cuda::CUfunction function = nullptr;
    for (cuda::CUmodule module : modules_) {
      if (d_.cuModuleGetFunction(&function, module, c.entry) == cuda::CUDA_SUCCESS) break;
    }
    if (function == nullptr) throw Failure{"no image has this entry for the card"};
    if (c.shared_bytes > 48 * 1024) {
      check(d_.cuFuncSetAttribute(function, cuda::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                  static_cast<int>(c.shared_bytes)),
            "cuFuncSetAttribute");
    }
    std::vector<uint32_t> output(kWords, kPoison);
    check(d_.cuMemcpyHtoDAsync_v2(in_, input.data(), 4 * kWords, stream_), "cuMemcpyHtoDAsync");
    check(d_.cuMemcpyHtoDAsync_v2(out_, output.data(), 4 * kWords, stream_), "cuMemcpyHtoDAsync");
    Params params{reinterpret_cast<const uint32_t*>(in_), reinterpret_cast<uint32_t*>(out_)};
    void* arguments[] = {&params};
    check(d_.cuLaunchKernel(function, c.blocks, 1, 1, c.threads, 1, 1, c.shared_bytes, stream_, arguments, nullptr),
          "cuLaunchKernel");
    check(d_.cuMemcpyDtoHAsync_v2(output.data(), out_, 4 * kWords, stream_), "cuMemcpyDtoHAsync");
    check(d_.cuStreamSynchronize(stream_), "cuStreamSynchronize");
    return output;
  }

 private:
  void load() {
    static constexpr std::byte kAny[8]{};
    if (d_.emulated) {
      check(d_.cuModuleLoadData(&modules_.emplace_back(), kAny), "cuModuleLoadData");
      return;
    }
    for (const cuda::Image& image : images()) {
      if (image.exact ? arch_ != image.arch : arch_ < image.arch) continue;
      check(d_.cuModuleLoadData(&modules_.emplace_back(), image.bytes.data()),
            "cuModuleLoadData " + std::string(image.name));
    }
  }

  const cuda::Driver& d_;
  cuda::CUcontext context_ = nullptr;
  cuda::CUstream stream_ = nullptr;
  cuda::CUdeviceptr in_ = 0, out_ = 0;
  std::vector<cuda::CUmodule> modules_;
  int arch_ = 0;
  std::string name_;
};

std::vector<uint32_t> emulate(const Case& c, const std::string& entry, const std::vector<uint32_t>& input) {
  std::vector<uint32_t> output(kWords, kPoison);
  const Params params{input.data(), output.data()};
  const uint32_t grid[3] = {c.blocks, 1, 1};
  simt::Options options;
  options.registers = c.threads == 384 ? 168 : 0;
  const simt::Report report = simt::launch(entry, grid, c.shared_bytes, &params, options);
  if (!report) throw Failure{"emulator: " + report.what};
  return output;
}

// "" where both wrote the same.
std::string difference(const std::vector<uint32_t>& card, const std::vector<uint32_t>& emulator) {
  size_t count = 0, first = 0;
  for (size_t i = card.size(); i-- > 0;) {
    if (card[i] == emulator[i]) continue;
    first = i;
    ++count;
  }
  if (count == 0) return "";
  char words[160];
  std::snprintf(words, sizeof words, "%zu words differ, the first is number %zu: card %08x, emulator %08x", count,
                first, card[first], emulator[first]);
  return words;
}

// What the emulator is given instead.
const std::map<std::string, std::string> kPlanted{
    {"conformance_mma_k16_f16", "conformance_mma_k16_bf16"},
    {"conformance_pack_f16", "conformance_pack_bf16"},
    {"conformance_wgmma_rs_n128_f16_b128", "conformance_wgmma_rs_n128_f16_none"},
    {"conformance_ldmatrix", "conformance_shared_memory"},
    {"conformance_cluster_multicast", "conformance_cluster_ring"},
    {"conformance_cluster4_multicast", "conformance_cluster_multicast"},
    {"conformance_cluster4_shares", "conformance_cluster_ring"},
    {"conformance_wgmma_rs_n128_bf16_none", "conformance_wgmma_rs_n128_f16_none"},
};

std::string json_text(const std::string& s) {
  std::string quoted = "\"";
  for (const char c : s) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c < ' ' ? ' ' : c);
  return quoted + "\"";
}

int run(bool planted, const std::string& json) {
  if (!cuda::driver_refusal().empty()) {
    std::fprintf(stderr, "conformance: %s\n", cuda::driver_refusal().c_str());
    return 2;
  }
  CardRunner card;
  std::printf("conformance: %s (sm_%d)\n", card.name().c_str(), card.arch());
  std::string rows;
  int same = 0, wrong = 0, skipped = 0, unnoticed = 0;
  for (const Case& c : cases()) {
    const auto plant = kPlanted.find(c.entry);
    if (planted && plant == kPlanted.end()) continue;
    if (c.exact ? card.arch() != c.arch : card.arch() < c.arch) {
      std::printf("SKIPPED %s: needs sm_%d%s\n", c.entry, c.arch, c.exact ? "a" : "");
      ++skipped;
      continue;
    }
    std::string found;
    try {
      const auto in = input(c.kind);
      found = difference(card.run(c, in), emulate(c, planted ? plant->second : c.entry, in));
    } catch (const Failure& failure) {
      found = failure.what;
    }
    if (planted && found.empty()) ++unnoticed;
    ++(found.empty() ? same : wrong);
    if (!found.empty()) std::printf("%s %s: %s\n", planted ? "noticed" : "DIFFERENT", c.entry, found.c_str());
    rows += std::string(rows.empty() ? "" : ",") + "\n{\"entry\":" + json_text(c.entry) +
            ",\"same\":" + (found.empty() ? "true" : "false") + ",\"what\":" + json_text(found) + "}";
  }
  std::printf("conformance: %d the same, %d different, %d skipped\n", same, wrong, skipped);
  if (!json.empty()) {
    std::ofstream(json) << "{\"card\":" << json_text(card.name()) << ",\"arch\":" << card.arch() << ",\"cases\":["
                        << rows << "\n]}\n";
  }
  if (planted) return unnoticed == 0 && wrong > 0 ? 0 : 1;
  return wrong == 0 && same > 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  bool planted = false;
  std::string json;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--planted") == 0) {
      planted = true;
    } else if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json = argv[++i];
    } else {
      std::fprintf(stderr, "usage: %s [--planted] [--json FILE]\n", argv[0]);
      return 2;
    }
  }
  try {
    return run(planted, json);
  } catch (const Failure& failure) {
    std::fprintf(stderr, "conformance: %s\n", failure.what.c_str());
    return 1;
  }
}
