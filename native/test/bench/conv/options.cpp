#include "conv/options.h"

#include "common/arguments.h"

namespace leno_bench {
namespace {

constexpr const char* kHelp =
    "leno_conv_bench: convolutions beside oneDNN\n"
    "  --json FILE       write one JSON object per row\n"
    "  --quick           a part of the table that takes about a minute\n"
    "  --set NAME,...    vgg16, resnet50, esrgan (the first two)\n"
    "  --shapes CxFxSIZExKERNELxSTRIDE,...   instead of sets\n"
    "  --batch N,... (1,8)  --sparsity S,... (0,0.5,0.75,0.9)  --vectors V,... (8,16)  --dtype f32|bf16\n"
    "  --family shfl-bw,warp-skip (shfl-bw)\n"
    "  --threads T (1)      --isa NAME   of ours and oneDNN: portable, avx2, avx512, avx512_dot, amx (best)\n"
    "  --cold            evict the caches before every sample\n"
    "  --verbose         every candidate's time\n";

const std::map<std::string, std::vector<ConvShape>> kSets = {
    {"vgg16",
     {{64, 64, 224, 3, 1},
      {64, 128, 112, 3, 1},
      {128, 128, 112, 3, 1},
      {128, 256, 56, 3, 1},
      {256, 256, 56, 3, 1},
      {256, 512, 28, 3, 1},
      {512, 512, 28, 3, 1},
      {512, 512, 14, 3, 1}}},
    {"resnet50",
     {{64, 64, 56, 1, 1},   {64, 64, 56, 3, 1},    {64, 256, 56, 1, 1},   {256, 64, 56, 1, 1},    {256, 128, 56, 1, 1},
      {128, 128, 56, 3, 2}, {256, 512, 56, 1, 2},  {128, 512, 28, 1, 1},  {512, 128, 28, 1, 1},   {128, 128, 28, 3, 1},
      {512, 256, 28, 1, 1}, {256, 256, 28, 3, 2},  {512, 1024, 28, 1, 2}, {256, 1024, 14, 1, 1},  {1024, 256, 14, 1, 1},
      {256, 256, 14, 3, 1}, {1024, 512, 14, 1, 1}, {512, 512, 14, 3, 2},  {1024, 2048, 14, 1, 2}, {512, 2048, 7, 1, 1},
      {2048, 512, 7, 1, 1}, {512, 512, 7, 3, 1}}},
    // ESRGAN-thick with images of 64 x 64: 30 of each of the first five, one of the others.
    {"esrgan",
     {{64, 32, 64, 3, 1},
      {96, 32, 64, 3, 1},
      {128, 32, 64, 3, 1},
      {160, 32, 64, 3, 1},
      {192, 64, 64, 3, 1},
      {64, 64, 64, 3, 1},
      {64, 48, 64, 3, 1}}}};

}  // namespace

const std::map<std::string, std::vector<ConvShape>>& conv_sets() { return kSets; }

std::string ConvShape::geometry(int64_t batch) const {
  const std::string k = std::to_string(kernel);
  return k + "x" + k + " stride " + std::to_string(stride) + " size " + std::to_string(size) + " batch " +
         std::to_string(batch);
}

ConvOptions parse_conv_options(int argc, char** argv) {
  ConvOptions o;
  Arguments a("leno_conv_bench", kHelp);
  a.flag("--quick", [&] {
    o.shapes = {{64, 64, 56, 3, 1}, {256, 256, 14, 3, 1}, {64, 256, 56, 1, 1}};
    o.batches = {1};
    o.sparsities = {0, 0.75};
    o.vectors = {8};
  });
  a.flag("--cold", [&] { o.cold = true; });
  a.flag("--verbose", [&] { o.verbose = true; });
  a.value("--json", [&](const std::string& v) { o.json = v; });
  a.value("--set", [&](const std::string& v) { o.sets = Arguments::split(v, ','); });
  a.value("--shapes", [&](const std::string& v) {
    for (const std::string& item : Arguments::split(v, ',')) {
      std::vector<int64_t> n;
      for (const std::string& part : Arguments::split(item, 'x')) {
        n.push_back(static_cast<int64_t>(a.number(part, "--shapes")));
      }
      if (n.size() != 5) a.quit("--shapes has \"" + item + "\", expected CxFxSIZExKERNELxSTRIDE");
      o.shapes.push_back({n[0], n[1], n[2], n[3], n[4]});
    }
  });
  a.value("--batch", [&](const std::string& v) { o.batches = a.numbers<int64_t>(v, "--batch"); });
  a.value("--sparsity", [&](const std::string& v) { o.sparsities = a.numbers<double>(v, "--sparsity"); });
  a.value("--vectors", [&](const std::string& v) { o.vectors = a.numbers<int64_t>(v, "--vectors"); });
  a.value("--dtype", [&](const std::string& v) { o.dtype = a.dtype(v); });
  a.value("--family", [&](const std::string& v) {
    o.families.clear();
    for (const std::string& name : Arguments::split(v, ',')) {
      if (name != "shfl-bw" && name != "warp-skip") {
        a.quit("--family has \"" + name + "\", expected shfl-bw or warp-skip");
      }
      o.families.push_back(name == "shfl-bw" ? leno::PatternFamily::shfl_bw : leno::PatternFamily::warp_skip);
    }
  });
  a.value("--threads", [&](const std::string& v) { o.threads = static_cast<int>(a.number(v, "--threads")); });
  a.value("--isa", [&](const std::string& v) { o.isa = a.isa(v); });
  a.parse(argc, argv);
  if (o.dtype == leno::DType::i8) a.quit("--dtype is i8, expected f32 or bf16");
  if (!o.shapes.empty()) return o;
  for (const std::string& set : o.sets) {
    const auto found = kSets.find(set);
    if (found == kSets.end()) a.quit("--set has \"" + set + "\", expected vgg16, resnet50 or esrgan");
    o.shapes.insert(o.shapes.end(), found->second.begin(), found->second.end());
  }
  return o;
}

}  // namespace leno_bench
