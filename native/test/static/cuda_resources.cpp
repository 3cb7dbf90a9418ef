#include "static/cuda_resources.h"

#include <algorithm>
#include <array>
#include <regex>
#include <sstream>

namespace leno_static {

namespace {

struct Family {
  const char* name;
  std::regex line;
};

// Instructions that decide how a kernel works.
const std::vector<Family>& families() {
  static const std::vector<Family> all{
      {"wgmma", std::regex("^wgmma\\.mma_async")},
      {"mma.m16n8k8", std::regex("^mma\\.sync\\.aligned\\.m16n8k8\\.")},
      {"mma.m16n8k16", std::regex("^mma\\.sync\\.aligned\\.m16n8k16\\.")},
      {"mma.m16n8k32", std::regex("^mma\\.sync\\.aligned\\.m16n8k32\\.")},
      {"ldmatrix", std::regex("^ldmatrix\\.[^ ]*b16")},
      {"stmatrix", std::regex("^stmatrix\\.")},
      {"cp.async", std::regex("^cp\\.async\\.c[ag]\\.shared")},
      {"bulk", std::regex("^cp\\.async\\.bulk\\.(shared|global)")},
      {"tensor", std::regex("^cp\\.async\\.bulk\\.tensor\\.")},
      {"mbarrier", std::regex("^mbarrier\\.")},
      {"setmaxnreg", std::regex("^setmaxnreg\\.")},
      {"ld.v4", std::regex("^ld\\.global\\.[^ ]*v4\\.")},
  };
  return all;
}

// What an entry must have and must not have, by its name. The first rule that fits is the one.
struct Rule {
  std::regex entry;
  std::vector<const char*> must, never;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {std::regex("linear.*_reduce"), {"ld.v4"}, {"wgmma", "mma.m16n8k8", "mma.m16n8k16"}},
      {std::regex("linear_f32.*_sm75$"), {"ld.v4"}, {"mma.m16n8k8", "mma.m16n8k16", "cp.async"}},
      {std::regex("linear_f32.*_sm80$"), {"ld.v4", "cp.async"}, {"mma.m16n8k8", "mma.m16n8k16", "wgmma"}},
      {std::regex("linear_skinny.*_sm75$"), {"ld.v4", "mma.m16n8k8"}, {"mma.m16n8k16", "cp.async"}},
      {std::regex("linear_skinny"), {"ld.v4", "mma.m16n8k16"}, {"mma.m16n8k8", "wgmma"}},
      {std::regex("linear.*_sm90$"), {"wgmma", "mbarrier", "setmaxnreg", "bulk"}, {"mma.m16n8k8", "mma.m16n8k16"}},
      {std::regex("linear_e4m3.*_sm89$"), {"mma.m16n8k32", "cp.async"}, {"mma.m16n8k8", "mma.m16n8k16", "wgmma"}},
      {std::regex("linear.*_sm80$"), {"mma.m16n8k16", "ldmatrix", "cp.async"}, {"mma.m16n8k8", "wgmma"}},
      {std::regex("linear.*_sm75$"), {"mma.m16n8k8", "ldmatrix"}, {"mma.m16n8k16", "cp.async", "wgmma"}},
  };
  return all;
}

// Of one multiprocessor (CUDA programming guide, "compute capabilities").
struct Card {
  int arch, warps, blocks, shared, reserved;  // shared: bytes in all; reserved: of each block, by the system
};
constexpr std::array kCards{Card{75, 32, 16, 65536, 0}, Card{80, 64, 32, 167936, 1024}, Card{86, 48, 16, 102400, 1024},
                            Card{89, 48, 24, 102400, 1024}, Card{90, 64, 32, 233472, 1024}};
constexpr int kRegisters = 65536, kRegisterUnit = 256;  // the unit is a warp's

int up(int value, int unit) { return (value + unit - 1) / unit * unit; }

int number(const std::smatch& match, size_t group) { return match[group].matched ? std::stoi(match[group]) : 0; }

int oldest(const std::string& file) {
  std::smatch match;
  return std::regex_search(file, match, std::regex("_sm([0-9]+)$")) ? std::stoi(match[1]) : 75;
}

int dynamic_of(const DynamicShared& shared, const std::string& entry, int arch) {
  const auto launches = shared.find(entry);
  if (launches == shared.end()) return 0;
  const auto card = launches->second.find(arch);
  return card == launches->second.end() ? 0 : card->second;
}

}  // namespace

void read_ptx(const std::string& file, const std::string& ptx, Entries& entries) {
  static const std::regex start("\\.entry ([A-Za-z0-9_]+)\\(?"), threads("^\\.maxntid ([0-9]+)"),
      blocks("^\\.minnctapersm ([0-9]+)");
  std::istringstream lines(ptx);
  std::string line;
  Entry* entry = nullptr;
  std::smatch match;
  while (std::getline(lines, line)) {
    line.erase(0, line.find_first_not_of(" \t{"));
    if (line.starts_with("@")) line.erase(0, line.find_first_of(" \t") + 1);
    if (std::regex_search(line, match, start)) {
      entry = &entries[match[1]];
      entry->file = file;
    } else if (entry == nullptr) {
      continue;
    } else if (std::regex_search(line, match, threads)) {
      entry->threads = number(match, 1);
    } else if (std::regex_search(line, match, blocks)) {
      entry->blocks = number(match, 1);
    } else {
      for (const Family& family : families())
        if (std::regex_search(line, family.line)) entry->instructions.insert(family.name);
    }
  }
}

void read_log(const std::string& log, Entries& entries) {
  static const std::regex compiling("Compiling entry function '([^']+)' for 'sm_([0-9]+)a?'"),
      stack("([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores, ([0-9]+) bytes spill loads"),
      used("Used ([0-9]+) registers(?:, used ([0-9]+) barriers)?"), smem("([0-9]+) bytes smem");
  std::istringstream lines(log);
  std::string line;
  Resources* resources = nullptr;
  std::smatch match;
  while (std::getline(lines, line)) {
    if (std::regex_search(line, match, compiling)) {
      resources = &entries[match[1]].cards[std::stoi(match[2])];
    } else if (resources == nullptr) {
      continue;
    } else if (std::regex_search(line, match, stack)) {
      resources->stack = number(match, 1);
      resources->spills = number(match, 2) + number(match, 3);
    } else if (std::regex_search(line, match, used)) {
      resources->registers = number(match, 1);
      resources->barriers = number(match, 2);
      if (std::regex_search(line, match, smem)) resources->static_shared = number(match, 1);
    }
  }
}

int blocks_per_multiprocessor(int arch, int threads, const Resources& resources, int dynamic_shared) {
  const auto card = std::find_if(kCards.begin(), kCards.end(), [arch](const Card& c) { return c.arch == arch; });
  if (card == kCards.end() || threads <= 0) return 0;
  const int warps = up(threads, 32) / 32;
  int blocks = std::min(card->blocks, card->warps / warps);
  const int registers = up(std::max(resources.registers, 1) * 32, kRegisterUnit);
  // Registers belong to a quarter of the multiprocessor, and so do warps.
  blocks = std::min(blocks, kRegisters / 4 / registers * 4 / warps);
  const int shared = up(resources.static_shared + dynamic_shared + card->reserved, arch == 75 ? 256 : 128);
  if (shared > 0) blocks = std::min(blocks, card->shared / shared);
  return blocks;
}

std::vector<std::string> table(const Entries& entries, const DynamicShared& shared) {
  std::vector<std::string> lines{
      "entry\tarch\tthreads\tregisters\tbarriers\tstatic_shared\tdynamic_shared\tblocks\twarps\tinstructions"};
  for (const auto& [name, entry] : entries)
    for (const auto& [arch, r] : entry.cards) {
      const int dynamic = dynamic_of(shared, name, arch);
      const int blocks = blocks_per_multiprocessor(arch, entry.threads, r, dynamic);
      std::ostringstream line;
      line << name << '\t' << arch << '\t' << entry.threads << '\t' << r.registers << '\t' << r.barriers << '\t'
           << r.static_shared << '\t' << dynamic << '\t' << blocks << '\t' << blocks * up(entry.threads, 32) / 32
           << '\t';
      const char* between = "";
      for (const std::string& instruction : entry.instructions) {
        line << between << instruction;
        between = " ";
      }
      lines.push_back(line.str());
    }
  return lines;
}

std::vector<std::string> faults(const Entries& entries, const std::vector<int>& architectures,
                                const DynamicShared& shared) {
  std::vector<std::string> found;
  for (const auto& [name, entry] : entries) {
    const auto fault = [&found, &name = name](const std::string& what) { found.push_back(name + ": " + what); };
    const int first = oldest(entry.file);
    for (const int arch : architectures)
      if (arch >= first && !entry.cards.contains(arch)) fault("not compiled for sm_" + std::to_string(arch));
    if (entry.threads == 0) fault("no launch bounds");
    for (const auto& [arch, r] : entry.cards) {
      const std::string on = " on sm_" + std::to_string(arch);
      if (r.spills > 0) fault(std::to_string(r.spills) + " bytes of spills" + on);
      if (r.stack > 0) fault("a stack of " + std::to_string(r.stack) + " bytes" + on);
      // Launch bounds speak of registers; how many blocks the shared memory of each card holds is another matter.
      Resources registers;
      registers.registers = r.registers;
      const int blocks = blocks_per_multiprocessor(arch, entry.threads, registers, 0);
      if (blocks < entry.blocks)
        fault("registers for " + std::to_string(blocks) + " blocks of a multiprocessor" + on + ", expected " +
              std::to_string(entry.blocks));
      if (blocks_per_multiprocessor(arch, entry.threads, r, dynamic_of(shared, name, arch)) < 1)
        fault("not one block fits a multiprocessor" + on);
    }
    const auto rule = std::find_if(rules().begin(), rules().end(),
                                   [&name = name](const Rule& r) { return std::regex_search(name, r.entry); });
    if (rule == rules().end()) continue;
    for (const char* instruction : rule->must)
      if (!entry.instructions.contains(instruction)) fault(std::string("no ") + instruction);
    for (const char* instruction : rule->never)
      if (entry.instructions.contains(instruction)) fault(std::string("has ") + instruction);
  }
  return found;
}

std::vector<std::string> deviations(const std::vector<std::string>& kept, const std::vector<std::string>& made,
                                    const std::vector<int>& architectures) {
  const auto built = [&architectures](const std::string& line) {
    const size_t tab = line.find('\t');
    if (line.starts_with("entry\t") || tab == std::string::npos) return true;
    const int arch = std::atoi(line.c_str() + tab + 1);
    return std::find(architectures.begin(), architectures.end(), arch) != architectures.end();
  };
  std::vector<std::string> found;
  for (const std::string& line : kept)
    if (built(line) && std::find(made.begin(), made.end(), line) == made.end()) found.push_back("- " + line);
  for (const std::string& line : made)
    if (std::find(kept.begin(), kept.end(), line) == kept.end()) found.push_back("+ " + line);
  return found;
}

}  // namespace leno_static
