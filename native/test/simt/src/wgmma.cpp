#include "wgmma.h"

#include <algorithm>
#include <cstring>

#include "collectives.h"
#include "matrix_operands.h"
#include "text.h"

// wgmma: at issue the accumulators are taken from their threads, who hold NaN until the wait; shared memory is read and
// the product computed as late as allowed, at the first wait that covers the group.
namespace leno::simt {
namespace {

constexpr size_t kRows = 64, kDepth = 16;
constexpr uint32_t kAtom = 1024;  // bytes of the swizzle's: 8 rows of 128

size_t row_of(size_t thread, size_t i) { return thread / 32 * 16 + thread % 32 / 4 + 8 * (i / 2 % 2); }
size_t column_of(size_t thread, size_t i) { return i / 4 * 8 + thread % 4 * 2 + i % 2; }

bool is_swizzled(uint64_t descriptor) { return descriptor >> 62 & 1; }
uint32_t field(uint64_t descriptor, int shift) { return static_cast<uint32_t>(descriptor >> shift & 0x3fff) << 4; }

// Checks operand b and marks its lines as being read.
void claim_lines(WgmmaOperation& operation, const View& view, Location at) {
  Block& b = block();
  constexpr const char* what = "wgmma operand b";
  const uint64_t descriptor = operation.arguments.b_descriptor;
  const bool mn_major = operation.arguments.b_mn_major, swizzle = is_swizzled(descriptor);
  const auto extent = static_cast<uint32_t>(operation.arguments.n);
  if (descriptor >> 49 & 7) b.fail(text("%s: a base offset other than 0 is not emulated", what), at);
  if (descriptor >> 63 || (mn_major && !swizzle)) b.fail(text("%s: its swizzle is not emulated", what), at);
  const uint32_t start = field(descriptor, 0);
  if (swizzle && !mn_major && start % kAtom / (kAtom / 8))
    b.fail(text("%s: it begins at 0x%x, not in the first row of a swizzle's atom of %u bytes", what, start, kAtom), at);
  const auto claim = [&](uint32_t address) {
    b.shared.at(address, 16, 16, what, at);
    b.shared.begin_read(view, address, 16, what, at);
    operation.lines.push_back(address);
  };
  if (mn_major) {
    for (uint32_t i = 0; i < extent; i += 8)
      for (uint32_t k = 0; k < kDepth; ++k) claim(wgmma_mn_major_line(descriptor, i, k));
  } else {
    for (uint32_t i = 0; i < extent; ++i)
      for (uint32_t line = 0; line < 2; ++line) claim(wgmma_k_major_line(descriptor, i, line));
  }
}

// What every thread of the running one's warpgroup has seen.
View common_view(std::vector<Clock>& clock, std::vector<Clock>& fenced) {
  Block& b = block();
  if (!b.options.races) return {nullptr, nullptr};
  const Thread* const first = &b.threads[self().index / 128u * 128u];
  clock.assign(first->clock, first->clock + b.agents);
  fenced.assign(first->fenced, first->fenced + b.thread_count);
  for (int i = 1; i < 128; ++i) {
    meet(clock.data(), first[i].clock, b.agents);
    meet(fenced.data(), first[i].fenced, b.thread_count);
  }
  return {clock.data(), fenced.data()};
}

// Takes the accumulators from their threads, unless an earlier operation in flight has them already.
void claim_accumulators(Warpgroup& group, const WgmmaOperation& operation, Location at) {
  Block& b = block();
  auto& slot = group.accumulators[operation.d[0]];
  const int n = operation.arguments.n;
  if (slot && slot->in_flight == 0)
    b.fail("wgmma: the warps of the warpgroup disagree on wgmma_wait before these accumulators are used again", at);
  if (slot && slot->n != n) b.fail("wgmma: operations of different shapes in flight on the same accumulators", at);
  if (slot && slot->d != operation.d) b.fail("wgmma: overlapping accumulators in flight", at);
  if (!slot) {
    slot = std::make_unique<Accumulators>();
    slot->n = n;
    slot->warps_without = 15;
    slot->d = operation.d;
    slot->values.assign(kRows * static_cast<size_t>(n), 0);
    for (size_t t = 0; t < 128; ++t) {
      float* const d = operation.d[t];
      for (size_t i = 0; i < static_cast<size_t>(n) / 2; ++i)
        slot->values[row_of(t, i) * static_cast<size_t>(n) + column_of(t, i)] = d[i];
      std::memset(d, 0xff, sizeof(float) * static_cast<size_t>(n) / 2);
    }
  }
  ++slot->in_flight;
  slot->last_group = group.committed + 1;
}

// Fragments that a kernel promised to keep until the wait: they may be gone by now, whatever the sanitizer thinks.
__attribute__((no_sanitize("address", "undefined"), noinline)) bool same_words(const volatile uint32_t* now,
                                                                               const uint32_t* then) {
  return now[0] == then[0] && now[1] == then[1] && now[2] == then[2] && now[3] == then[3];
}

void gather_a(const WgmmaOperation& operation, double* a) {
  uint16_t rows[kRows * kDepth];
  for (size_t t = 0; t < 128; ++t) {
    if (!same_words(operation.a[t], operation.a_values[t].data()))
      block().fail(text("wgmma: the a fragment of thread %zu changed while the wgmma of %s was in flight", t,
                        place(operation.at).c_str()),
                   operation.at);
    const size_t row = t / 32 * 16 + t % 32 / 4, column = 2 * (t % 4);
    for (size_t r = 0; r < 4; ++r)
      std::memcpy(&rows[(row + 8 * (r % 2)) * kDepth + column + 8 * (r / 2)], &operation.a_values[t][r], 4);
  }
  widen(rows, a, kRows * kDepth, operation.arguments.type);
}

void gather_b(const WgmmaOperation& operation, double* to) {
  Block& b = block();
  const WgmmaArguments& arguments = operation.arguments;
  const auto n = static_cast<uint32_t>(arguments.n);
  if (arguments.b_mn_major) {
    for (uint32_t i = 0; i < n; i += 8)
      for (uint32_t k = 0; k < kDepth; ++k)
        widen(b.shared.window(wgmma_mn_major_line(arguments.b_descriptor, i, k)), &to[k * n + i], 8, arguments.type);
    return;
  }
  double wide[8];
  for (uint32_t i = 0; i < n; ++i) {
    for (uint32_t line = 0; line < 2; ++line) {
      widen(b.shared.window(wgmma_k_major_line(arguments.b_descriptor, i, line)), wide, 8, arguments.type);
      for (uint32_t k = 0; k < 8; ++k) to[(8 * line + k) * n + i] = wide[k];
    }
  }
}

void execute(Warpgroup& group, size_t index) {
  Block& b = block();
  static thread_local double a[kRows * kDepth], other[kDepth * 256], sum[kRows * 256];
  const auto operations = std::move(group.groups.front());
  group.groups.pop_front();
  ++group.executed;
  for (const auto& operation : operations) {
    const WgmmaArguments& arguments = operation->arguments;
    Accumulators& accumulators = *group.accumulators.at(operation->d[0]);
    const auto n = static_cast<size_t>(arguments.n);
    gather_a(*operation, a);
    gather_b(*operation, other);
    for (size_t i = 0; i < kRows * n; ++i)
      sum[i] = arguments.accumulate ? static_cast<double>(accumulators.values[i]) : 0.0;
    multiply(sum, a, other, kRows, n, kDepth);
    for (size_t i = 0; i < kRows * n; ++i) accumulators.values[i] = static_cast<float>(sum[i]);
    --accumulators.in_flight;
    for (const uint32_t line : operation->lines)
      b.shared.end_read(static_cast<Agent>(b.thread_count + index), group.executed, line, 16, operation->at);
  }
}

}  // namespace

uint32_t wgmma_k_major_line(uint64_t descriptor, uint32_t row, uint32_t line) {
  const uint32_t start = field(descriptor, 0), leading = field(descriptor, 16), stride = field(descriptor, 32);
  const uint32_t at = start + row / 8 * stride;
  return is_swizzled(descriptor) ? swizzled(at + row % 8 * 128 + line * 16) : at + row % 8 * 16 + line * leading;
}

uint32_t wgmma_mn_major_line(uint64_t descriptor, uint32_t row, uint32_t k) {
  const uint32_t start = field(descriptor, 0), leading = field(descriptor, 16), stride = field(descriptor, 32);
  return swizzled(start + row % 64 * 2 + row / 64 * leading + k % 8 * 128 + k / 8 * stride);
}

void wgmma_fence(Location at) {
  require(90, "wgmma.fence", at);
  int nothing = 0;
  warp_collective(0, "wgmma.fence", nothing, at, [](auto&) { block().warps[self().warp].wgmma_fenced = true; });
}

void wgmma_commit(Location at) {
  require(90, "wgmma.commit_group", at);
  int nothing = 0;
  warpgroup_collective(0, "wgmma.commit_group", nothing, at, [](Warpgroup& group, auto&) {
    group.groups.push_back(std::move(group.open));
    group.open.clear();
    ++group.committed;
  });
}

void wgmma_wait(uint32_t keep, Location at) {
  require(90, "wgmma.wait_group", at);
  int nothing = 0;
  warp_collective(keep, "wgmma.wait_group", nothing, at, [&](auto&) {
    Block& b = block();
    const Thread& t = self();
    const size_t index = t.warp / 4;
    if (index >= b.warpgroups.size()) b.fail("wgmma.wait_group outside a whole warpgroup", at);
    Warpgroup& group = b.warpgroups[index];
    const Clock target = group.committed > keep ? group.committed - keep : 0;
    while (group.executed < target) execute(group, index);
    const uint32_t warp = t.warp % 4;
    for (auto it = group.accumulators.begin(); it != group.accumulators.end();) {
      Accumulators& accumulators = *it->second;
      if (accumulators.last_group <= target && accumulators.warps_without >> warp & 1) {
        const auto n = static_cast<size_t>(accumulators.n);
        for (size_t thread = warp * 32; thread < warp * 32 + 32; ++thread)
          for (size_t i = 0; i < n / 2; ++i)
            accumulators.d[thread][i] = accumulators.values[row_of(thread, i) * n + column_of(thread, i)];
        accumulators.warps_without &= ~(1u << warp);
      }
      it = accumulators.in_flight == 0 && !accumulators.warps_without ? group.accumulators.erase(it) : std::next(it);
    }
    if (b.options.races) {
      for (uint32_t lane = 0; lane < 32; ++lane) {
        Clock& seen = b.threads[t.warp * 32u + lane].clock[b.thread_count + index];
        seen = std::max(seen, target);
      }
    }
    b.warps[t.warp].wgmma_fenced = false;
  });
}

void wgmma(const WgmmaArguments& arguments, Location at) {
  require(90, "wgmma.mma_async", at);
  const auto key = static_cast<uint64_t>(arguments.n * 4 + static_cast<int>(arguments.type) * 2 + arguments.b_mn_major);
  WgmmaArguments mine = arguments;
  warpgroup_collective(key, "wgmma.mma_async", mine, at, [&](Warpgroup& group, auto& threads) {
    Block& b = block();
    const uint32_t first_warp = self().warp / 4u * 4u;
    for (uint32_t w = 0; w < 4; ++w)
      if (!b.warps[first_warp + w].wgmma_fenced)
        b.fail("wgmma.mma_async without wgmma_fence since the kernel began or since the last wgmma_wait", at);
    auto operation = std::make_unique<WgmmaOperation>();
    operation->arguments = arguments;
    operation->at = at;
    for (size_t t = 0; t < 128; ++t) {
      const WgmmaArguments& other = *threads[t];
      if (other.b_descriptor != arguments.b_descriptor || other.accumulate != arguments.accumulate)
        b.fail("wgmma.mma_async: descriptors or accumulate differ between threads of the warpgroup", at);
      operation->d[t] = other.d;
      operation->a[t] = other.a;
      std::memcpy(operation->a_values[t].data(), other.a, 16);
    }
    static thread_local std::vector<Clock> clock, fenced;
    const View view = common_view(clock, fenced);
    claim_lines(*operation, view, at);
    claim_accumulators(group, *operation, at);
    group.open.push_back(std::move(operation));
    ++b.counters.wgmma[static_cast<size_t>(arguments.n / 8)];
    b.counters.multiply_adds += kRows * static_cast<size_t>(arguments.n) * kDepth;
  });
}

}  // namespace leno::simt
