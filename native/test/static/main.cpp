// usage: leno_cuda_resources check|write TABLE ARCHITECTURES NVCC FATBIN ...
// Compares what nvcc made of the kernels (a .ptx and a .log lie beside each fat binary) with the table of the
// repository, or writes that table. ARCHITECTURES: what was built for, as 75,80,90. NVCC: the compiler's version,
// with another of which the table says nothing.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "static/cuda_launches.h"

namespace fs = std::filesystem;
using namespace leno_static;

namespace {

constexpr std::uintmax_t kMostBytes = 25 * 1000 * 1000;  // of all fat binaries

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> lines_of(const std::string& content) {
  std::vector<std::string> lines;
  std::istringstream in(content);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) {
    std::fprintf(stderr, "usage: %s check|write TABLE ARCHITECTURES NVCC FATBIN ...\n", argv[0]);
    return 2;
  }
  const bool write = std::string(argv[1]) == "write";
  const fs::path kept = argv[2];
  std::vector<int> architectures;
  std::istringstream list(argv[3]);
  for (std::string arch; std::getline(list, arch, ',');) architectures.push_back(std::atoi(arch.c_str()));

  Entries entries;
  std::uintmax_t bytes = 0;
  for (int i = 5; i < argc; ++i) {
    fs::path file = argv[i];
    bytes += fs::file_size(file);
    read_ptx(file.stem().string(), read(file.replace_extension(".ptx")), entries);
    read_log(read(file.replace_extension(".log")), entries);
  }
  const DynamicShared shared = dynamic_shared();
  std::vector<std::string> wrong = faults(entries, architectures, shared);
  if (entries.empty()) wrong.push_back("no entry found");
  if (bytes > kMostBytes)
    wrong.push_back("fat binaries of " + std::to_string(bytes) + " bytes, expected at most " +
                    std::to_string(kMostBytes));
  for (const std::string& line : wrong) std::fprintf(stderr, "%s\n", line.c_str());

  std::printf("%zu entries, %ju bytes of fat binaries\n", entries.size(), bytes);
  const std::vector<std::string> made = table(entries, shared);
  const std::string version = std::string("# nvcc ") + argv[4];
  if (write) {
    std::ofstream out(kept);
    out << version << '\n';
    for (const std::string& line : made) out << line << '\n';
    out.close();
    return out && wrong.empty() ? 0 : 1;
  }
  std::vector<std::string> lines = lines_of(read(kept));
  if (!lines.empty() && lines[0].starts_with("# nvcc") && lines[0] != version) {
    std::printf("SKIPPED: the table (it is of%s, this is %s)\n", lines[0].c_str() + 1, argv[4]);
    return wrong.empty() ? 0 : 1;
  }
  if (!lines.empty()) lines.erase(lines.begin());
  const std::vector<std::string> differences = deviations(lines, made, architectures);
  for (const std::string& line : differences) std::fprintf(stderr, "%s\n", line.c_str());
  if (!differences.empty())
    std::fprintf(stderr,
                 "\n%s deviates (-: as it says, +: as built). Where that is meant, and no slower: build the target "
                 "cuda-resources, which writes it anew, and commit it.\n",
                 kept.c_str());
  return wrong.empty() && differences.empty() ? 0 : 1;
}
