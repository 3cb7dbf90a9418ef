#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

// What nvcc made of the CUDA kernels: resources of each entry on each card, and the instructions in its PTX.
namespace leno_static {

struct Resources {
  int registers = 0, barriers = 0, static_shared = 0, stack = 0, spills = 0;
};

struct Entry {
  std::string file;                    // without folder and ending
  int threads = 0;                     // of a block, at most
  int blocks = 0;                      // of a multiprocessor, at least: what its launch bounds demand
  std::set<std::string> instructions;  // families of instructions, see families() in the source
  std::map<int, Resources> cards;      // by architecture, 80
};
using Entries = std::map<std::string, Entry>;  // by name

// Add the entries of a file's PTX, and what the compiler's log says of them.
void read_ptx(const std::string& file, const std::string& ptx, Entries& entries);
void read_log(const std::string& log, Entries& entries);

// Blocks that share one multiprocessor; 0: not even one fits.
int blocks_per_multiprocessor(int arch, int threads, const Resources& resources, int dynamic_shared);

// Most dynamic shared memory, in bytes, that any launch of the entry asks for on the card; no key: launched by nobody.
using DynamicShared = std::map<std::string, std::map<int, int>>;

// One line per entry and card, sorted; the first line names the columns.
std::vector<std::string> table(const Entries& entries, const DynamicShared& shared);

// Faults that no table excuses: spills, stack, a card left out, too many resources for the launch bounds, instructions
// that must or must not be there. `architectures`: what the build is for.
std::vector<std::string> faults(const Entries& entries, const std::vector<int>& architectures,
                                const DynamicShared& shared);

// What differs between the table in the repository and the one just made, of the cards that were built for.
std::vector<std::string> deviations(const std::vector<std::string>& kept, const std::vector<std::string>& made,
                                    const std::vector<int>& architectures);

}  // namespace leno_static
