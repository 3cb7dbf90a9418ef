// usage: TARGET [--seconds S] [--seed N] [FILE ...]
// Mutates the target's seeds for S seconds, or runs the files given once each. An input that kills the process is left
// in crash-TARGET.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>

#include "fuzz/fuzz.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*)(void));

namespace {

using Input = std::vector<uint8_t>;

const Input* current = nullptr;
std::string crash_file;

void keep_current() {
  if (current == nullptr) return;
  const int fd = open(crash_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return;
  const bool whole = write(fd, current->data(), current->size()) == ssize_t(current->size());
  close(fd);
  std::fprintf(stderr, "the input is %s %s\n", whole ? "in" : "cut short in", crash_file.c_str());
}

void on_signal(int number) {
  keep_current();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed), words_(leno_fuzz::dictionary()) {}

  Input mutate(const std::vector<Input>& corpus) {
    Input input = pick(corpus);
    for (uint64_t n = below(2) == 0 ? 1 : 1 + below(6); n > 0; --n) change(input, corpus);
    return input;
  }

 private:
  uint64_t below(uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

  void change(Input& input, const std::vector<Input>& corpus) {
    constexpr uint8_t kTelling[] = {0, 1, 0x7f, 0x80, 0xff, '0', '9', '"', '-'};
    // Half of the changes near the end: headers are long, and what comes behind them is short.
    const uint64_t near = std::min<uint64_t>(input.size(), 64);
    const uint64_t at = below(2) == 0 ? below(input.size()) : input.size() - near + below(near);
    const auto where = input.begin() + int64_t(at);
    switch (below(8)) {
      case 0:
        if (!input.empty()) input[at] ^= uint8_t(1 << below(8));
        break;
      case 1:
        if (!input.empty()) input[at] = kTelling[below(std::size(kTelling))];
        break;
      case 2:
        input.erase(where, where + int64_t(below(std::min<uint64_t>(input.size() - at, 16) + 1)));
        break;
      case 3:
        input.insert(where, 1 + below(4), uint8_t(random_()));
        break;
      case 4: {
        const std::string& word = pick(words_);
        input.insert(where, word.begin(), word.end());
        break;
      }
      case 5: {  // a word in place of the bytes there
        const std::string& word = pick(words_);
        std::memcpy(input.data() + at, word.data(), std::min<uint64_t>(word.size(), input.size() - at));
        break;
      }
      case 6: {  // the tail of another
        const Input& other = pick(corpus);
        input.resize(at);
        if (at < other.size()) input.insert(input.end(), other.begin() + int64_t(at), other.end());
        break;
      }
      default:
        repair_length(input);
    }
  }

  // Makes the first eight bytes, the header's length, what it should be after the other mutations.
  void repair_length(Input& input) {
    if (input.size() < 8) return;
    uint64_t length = input.size() - 8;
    for (size_t i = input.size(); i > 9; --i) {
      if (input[i - 1] == '}' && input[i - 2] == '}') {
        length = i - 8;
        break;
      }
    }
    std::memcpy(input.data(), &length, 8);
  }

  std::mt19937_64 random_;
  std::vector<std::string> words_;
};

int run(const Input& input) {
  const auto exact = std::make_unique<uint8_t[]>(input.size());  // so that a sanitizer sees a read beyond the end
  if (!input.empty()) std::memcpy(exact.get(), input.data(), input.size());
  current = &input;
  const int result = LLVMFuzzerTestOneInput(exact.get(), input.size());
  current = nullptr;
  return result;
}

int fuzz(double seconds, uint64_t seed) {
  constexpr size_t kMostInputs = 4096, kMostBytes = 1 << 14;
  std::vector<Input> corpus = leno_fuzz::seeds();
  for (const Input& input : corpus) {
    if (run(input) == 0) continue;
    std::fprintf(stderr, "a seed was refused\n");
    return 1;
  }
  Mutator mutator(seed);
  std::mt19937_64 random(seed + 1);
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  uint64_t runs = 0, accepted = 0;
  for (; runs % 64 != 0 || std::chrono::steady_clock::now() < end; ++runs) {
    Input input = mutator.mutate(corpus);
    if (input.size() > kMostBytes || run(input) != 0) continue;
    ++accepted;
    if (corpus.size() < kMostInputs) {
      corpus.push_back(std::move(input));
    } else {
      corpus[4 + random() % (corpus.size() - 4)] = std::move(input);
    }
  }
  std::printf("%llu inputs, %llu of them accepted, seed %llu\n", static_cast<unsigned long long>(runs),
              static_cast<unsigned long long>(accepted), static_cast<unsigned long long>(seed));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 3;
  uint64_t seed = 1;
  bool files = false;
  crash_file =
      std::string("crash-") + (std::strrchr(argv[0], '/') != nullptr ? std::strrchr(argv[0], '/') + 1 : argv[0]);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_current);
  for (int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) {
    if (__sanitizer_set_death_callback == nullptr || number == SIGABRT) std::signal(number, on_signal);
  }
  for (int i = 1; i < argc; ++i) {
    const bool more = i + 1 < argc;
    if (std::strcmp(argv[i], "--seconds") == 0 && more) {
      seconds = std::atof(argv[++i]);
    } else if (std::strcmp(argv[i], "--seed") == 0 && more) {
      seed = std::strtoull(argv[++i], nullptr, 10);
    } else {
      std::ifstream file(argv[i], std::ios::binary);
      if (!file) {
        std::fprintf(stderr, "%s cannot be opened\n", argv[i]);
        return 1;
      }
      const Input input{std::istreambuf_iterator<char>(file), {}};
      std::printf("%s: %s\n", argv[i], run(input) == 0 ? "accepted" : "refused");
      files = true;
    }
  }
  return files ? 0 : fuzz(seconds, seed);
}
