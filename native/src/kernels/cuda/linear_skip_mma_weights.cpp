#include <array>
#include <cstring>
#include <numeric>

#include "core/error.h"
#include "kernels/cuda/linear_skip_mma_tile.h"
#include "kernels/cuda/linear_skip_units.h"
#include "kernels/cuda/linear_skip_weights.h"

namespace leno::kernels::cuda {
namespace {

constexpr int kBanks = 8;  // rows of the ring whose chunks of 16 bytes lie in different banks
using Units = std::vector<UnitColumns<uint16_t>>;

// A stage of a tile: the column of each row of the ring.
using StageColumns = std::array<int32_t, SkipMma::kColumns>;

// Rows for the columns all[first ..], such that each unit's lie in as many banks as can be, the most wanted first.
StageColumns place(const std::vector<int32_t>& all, size_t first, const Units& units) {
  StageColumns rows;
  rows.fill(-1);
  const size_t count = std::min<size_t>(SkipMma::kColumns, all.size() - first);
  std::vector<std::vector<size_t>> keepers(count);
  for (size_t u = 0; u < units.size(); ++u) {
    for (size_t c = 0; c < count; ++c) {
      if (std::binary_search(units[u].columns.begin(), units[u].columns.end(), all[first + c])) keepers[c].push_back(u);
    }
  }
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return keepers[a].size() > keepers[b].size(); });
  std::array<std::array<int, kBanks>, SkipMma::kMostUnits> used{};
  std::array<int, kBanks> filled{};
  for (const size_t c : order) {
    int best = -1, least = 0;
    for (int bank = 0; bank < kBanks; ++bank) {
      if (filled[size_t(bank)] == SkipMma::kColumns / kBanks) continue;
      int cost = 0;
      for (const size_t u : keepers[c]) cost += used[u][size_t(bank)];
      if (best < 0 || cost < least) best = bank, least = cost;
    }
    for (const size_t u : keepers[c]) ++used[u][size_t(best)];
    rows[size_t(best + kBanks * filled[size_t(best)]++)] = all[first + c];
  }
  return rows;
}

struct Kept {
  size_t column;   // of the unit
  int stage, row;  // of the tile; of the ring
};

// The next step of a unit: up to kStep of its waiting columns, those of stages up to `late` at any rate, then up to two
// of each bank, then others; the oldest first. balanced: whether others were needed, so that two share a bank.
std::vector<Kept> take(std::vector<Kept>& waiting, int late, bool& balanced) {
  std::vector<bool> taken(waiting.size());
  std::array<int, kBanks> used{};
  size_t count = 0;
  const auto pass = [&](auto wanted) {
    for (size_t i = 0; i < waiting.size() && count < SkipMma::kStep; ++i) {
      if (taken[i] || !wanted(waiting[i])) continue;
      taken[i] = true;
      ++used[size_t(waiting[i].row % kBanks)];
      ++count;
    }
  };
  pass([&](const Kept& k) { return k.stage <= late; });
  pass([&](const Kept& k) { return used[size_t(k.row % kBanks)] < SkipMma::kStep / kBanks; });
  balanced = count == SkipMma::kStep;
  pass([](const Kept&) { return true; });
  std::vector<Kept> step, left;
  for (size_t i = 0; i < waiting.size(); ++i) (taken[i] ? step : left).push_back(waiting[i]);
  waiting = std::move(left);
  return step;
}

// What a unit multiplies when: steps[stage] are its k-steps. As soon as kStep columns wait that share no bank, or
// kPatience of any; fewer only where the ring would lose one, or at the end.
std::vector<std::vector<std::vector<Kept>>> schedule(const UnitColumns<uint16_t>& unit,
                                                     const std::vector<StageColumns>& stages) {
  std::vector<std::vector<std::vector<Kept>>> steps(stages.size());
  std::vector<Kept> waiting;
  for (int stage = 0; stage < int(stages.size()); ++stage) {
    for (int r = 0; r < SkipMma::kColumns; ++r) {
      const int32_t column = stages[size_t(stage)][size_t(r)];
      const auto at = std::lower_bound(unit.columns.begin(), unit.columns.end(), column);
      if (at == unit.columns.end() || *at != column) continue;
      waiting.push_back({size_t(at - unit.columns.begin()), stage, stage % SkipMma::kSlots * SkipMma::kColumns + r});
    }
    const int late = stage - (SkipMma::kWindow - 1);
    const bool last = stage + 1 == int(stages.size());
    while (!waiting.empty()) {
      const bool must = last || waiting.front().stage <= late;
      if (waiting.size() < size_t(SkipMma::kStep) && !must) break;
      const bool may = must || waiting.size() >= size_t(SkipMma::kPatience);
      std::vector<Kept> left = waiting;
      bool balanced = false;
      std::vector<Kept> step = take(left, late + 1, balanced);
      if (!balanced && !may) break;
      steps[size_t(stage)].push_back(std::move(step));
      waiting = std::move(left);
    }
  }
  return steps;
}

template <int Unit>
void append_step(const UnitColumns<uint16_t>& unit, std::vector<Kept> kept, std::vector<std::byte>& values) {
  using Step = SkipMmaStep<Unit>;
  // Columns of one bank go to the two halves of the step by turns: ldmatrix reads a half at a time.
  std::stable_sort(kept.begin(), kept.end(),
                   [](const Kept& a, const Kept& b) { return a.row % kBanks < b.row % kBanks; });
  std::array<const Kept*, SkipMma::kStep> places{};
  for (size_t i = 0; i < kept.size(); ++i) places[i / 2 + i % 2 * 8] = &kept[i];
  values.resize(values.size() + Step::kBytes);
  std::byte* const to = values.data() + values.size() - Step::kBytes;
  for (int slice = 0; slice < Step::kSlices; ++slice) {
    for (int lane = 0; lane < 32; ++lane) {
      for (int i = 0; i < 4; ++i) {
        const Kept* column = places[size_t(2 * (lane % 4) + i % 2 + i / 2 * 8)];
        const uint16_t value = column == nullptr ? uint16_t{0} : unit.of(column->column)[8 * slice + lane / 4];
        std::memcpy(to + slice / 2 * Step::kPairBytes + lane * Step::kLaneBytes + slice % 2 * 8 + 2 * i, &value, 2);
      }
    }
  }
  for (size_t half = 0; half < 2; ++half) {  // what is none takes zeros of a bank that no other has
    std::array<bool, kBanks> used{};
    for (size_t i = 8 * half; i < 8 * half + 8; ++i) {
      if (places[i] != nullptr) used[size_t(places[i]->row % kBanks)] = true;
    }
    for (size_t i = 8 * half; i < 8 * half + 8; ++i) {
      size_t free = 0;
      while (places[i] == nullptr && free + 1 < kBanks && used[free]) ++free;
      if (places[i] == nullptr) used[free] = true;
      const auto row = static_cast<uint16_t>(places[i] == nullptr ? SkipMma::kZeros + int(free) : places[i]->row);
      std::memcpy(to + Step::kWeightBytes + 2 * i, &row, 2);
    }
  }
}

template <int Unit>
std::shared_ptr<const LinearWeights> lay_out(const PackedParts& parts) {
  const PackedWeights& packed = *parts.front();
  require(!packed.dense() && size_of(packed.dtype()) == 2, LENO_ERR_UNSUPPORTED,
          "packed holds none of the weights that a warp-skip kernel takes");
  auto weights = skip_shape(parts, SkipMma::kM, SkipMma::kColumns, sizeof(SkipMmaStage));
  std::vector<SkipMmaStage> infos;
  std::vector<std::byte> values;
  for (int64_t tile = 0; tile < weights->groups; ++tile) {
    const Units units = tile_units<uint16_t>(parts, tile * SkipMma::kM, SkipMma::kM, Unit);
    const std::vector<int32_t> all = columns_of_any(units);
    std::vector<StageColumns> stages;
    for (size_t first = 0; first < all.size(); first += SkipMma::kColumns) stages.push_back(place(all, first, units));
    std::vector<std::vector<std::vector<std::vector<Kept>>>> steps;
    for (const auto& unit : units) steps.push_back(schedule(unit, stages));
    for (size_t s = 0; s < stages.size(); ++s) {
      SkipMmaStage& info = infos.emplace_back();
      std::copy(stages[s].begin(), stages[s].end(), info.columns);
      const auto next = [&] { return static_cast<uint32_t>(values.size() / SkipMmaStep<Unit>::kBytes); };
      for (size_t u = 0; u < units.size(); ++u) {
        info.steps[u] = next();
        for (const std::vector<Kept>& step : steps[u][s]) append_step<Unit>(units[u], step, values);
      }
      for (size_t u = units.size(); u < std::size(info.steps); ++u) info.steps[u] = next();
    }
    require(values.size() / SkipMmaStep<Unit>::kBytes <= INT32_MAX, LENO_ERR_UNSUPPORTED, "packed has more than ",
            INT32_MAX, " k-steps, expected fewer on a CUDA device");
    end_tile(*weights, infos.size());
  }
  make_image(parts, values, std::as_bytes(std::span(infos)), *weights);
  return weights;
}

template <int Unit>
std::shared_ptr<const PreparedWeights> prepare(const PackedWeights& packed) {
  return lay_out<Unit>({&packed});
}

}  // namespace

const PartsFormat kSkipUnit8{{"skip_unit8", prepare<8>}, lay_out<8>},
    kSkipUnit16{{"skip_unit16", prepare<16>}, lay_out<16>}, kSkipUnit32{{"skip_unit32", prepare<32>}, lay_out<32>};

std::string refuse_unit(const WeightsKind& weights, int unit) {
  if (weights.dense) return "";
  if (weights.vector % unit == 0 && (unit == 32 || weights.vector % (2 * unit) != 0)) return "";
  return text("made for groups of ", unit, " rows", unit < 32 ? "" : " or whole times as many", ", not ",
              weights.vector);
}

}  // namespace leno::kernels::cuda
