#include "plan/budget.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

// The multiple-choice knapsack problem. Its linear relaxation is solved by walking the convex hulls of the layers
// (Sinha and Zoltners, Operations Research 1979); the multiplier found there values every candidate, and all whose
// reduced value is beyond the gap to a solution at hand cannot be in a better one. What is left is small, and is
// searched layer by layer over its undominated sums.
namespace leno {
namespace {

struct Candidate {
  double value;   // to be minimised
  double weight;  // what the limit is about
  int32_t index;  // from the layer's first
  double reduced = 0;
};

using Layer = std::vector<Candidate>;

// What is worth considering: by ascending weight, values strictly descending.
Layer undominated(const double* value, const double* weight, int64_t count) {
  Layer all;
  for (int64_t i = 0; i < count; ++i) all.push_back({value[i], weight[i], static_cast<int32_t>(i)});
  std::sort(all.begin(), all.end(), [](const Candidate& a, const Candidate& b) {
    if (a.weight != b.weight) return a.weight < b.weight;
    return a.value != b.value ? a.value < b.value : a.index < b.index;
  });
  Layer kept;
  for (const Candidate& c : all) {
    if (kept.empty() || c.value < kept.back().value) kept.push_back(c);
  }
  return kept;
}

// A step along a layer's lower convex hull.
struct Step {
  double slope;  // value gained per weight; falls along a layer
  size_t layer, from, to;
};

void add_hull_steps(const Layer& layer, size_t l, std::vector<Step>& steps) {
  const auto slope = [&](size_t a, size_t b) {
    return (layer[a].value - layer[b].value) / (layer[b].weight - layer[a].weight);
  };
  std::vector<size_t> hull;
  for (size_t i = 0; i < layer.size(); ++i) {
    while (hull.size() >= 2 && slope(hull[hull.size() - 2], hull.back()) <= slope(hull.back(), i)) hull.pop_back();
    hull.push_back(i);
  }
  for (size_t i = 1; i < hull.size(); ++i) steps.push_back({slope(hull[i - 1], hull[i]), l, hull[i - 1], hull[i]});
}

// Sums over layers, always from the first to the last.
template <class F>
double sum(const std::vector<Layer>& layers, F&& of) {
  double total = 0;
  for (size_t l = 0; l < layers.size(); ++l) total += of(l);
  return total;
}

// A choice: a position in each layer.
struct Choice {
  std::vector<size_t> at;
  double value(const std::vector<Layer>& layers) const {
    return sum(layers, [&](size_t l) { return layers[l][at[l]].value; });
  }
  double weight(const std::vector<Layer>& layers) const {
    return sum(layers, [&](size_t l) { return layers[l][at[l]].weight; });
  }
};

// Takes steps of steepest descent while they fit, skipping those that do not. multiplier: the slope of the first that
// did not, the optimal one of the linear relaxation; 0 where all fit, and the choice is optimal.
Choice greedy(const std::vector<Layer>& layers, double limit, double* multiplier) {
  std::vector<Step> steps;
  for (size_t l = 0; l < layers.size(); ++l) add_hull_steps(layers[l], l, steps);
  std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.slope > b.slope; });
  Choice choice{std::vector<size_t>(layers.size(), 0)};
  double weight = choice.weight(layers);
  *multiplier = 0;
  for (const Step& s : steps) {
    if (choice.at[s.layer] != s.from) continue;  // a step before it did not fit
    const double more = weight + layers[s.layer][s.to].weight - layers[s.layer][s.from].weight;
    if (more <= limit) {
      choice.at[s.layer] = s.to;
      weight = more;
    } else if (*multiplier == 0) {
      *multiplier = s.slope;
    }
  }
  // The running sum was taken in another order: undo what rounding let through.
  for (size_t i = steps.size(); i-- > 0 && choice.weight(layers) > limit;) {
    if (choice.at[steps[i].layer] == steps[i].to) choice.at[steps[i].layer] = steps[i].from;
  }
  return choice;
}

struct State {
  double weight, value, reduced;
  int32_t parent, at;
};

// Among very many states, the one nearest to the relaxation in each of so many equal slices of weight. This is the
// only place where optimality may be lost; the limit never is.
constexpr size_t kMaxStates = 4096;

void thin(std::vector<State>& states, double limit) {
  std::vector<State> kept;
  size_t slice = SIZE_MAX;
  for (const State& s : states) {
    const size_t in = static_cast<size_t>(s.weight / limit * static_cast<double>(kMaxStates - 1));
    if (in != slice) {
      kept.push_back(s);
      slice = in;
    } else if (s.reduced < kept.back().reduced) {
      kept.back() = s;
    }
  }
  states = std::move(kept);
}

// States by ascending weight, values strictly descending.
void drop_dominated(std::vector<State>& states) {
  std::sort(states.begin(), states.end(), [](const State& a, const State& b) {
    if (a.weight != b.weight) return a.weight < b.weight;
    if (a.value != b.value) return a.value < b.value;
    return a.parent != b.parent ? a.parent < b.parent : a.at < b.at;
  });
  size_t kept = 0;
  for (const State& s : states) {
    if (kept == 0 || s.value < states[kept - 1].value) states[kept++] = s;
  }
  states.resize(kept);
}

// Everything that could beat a choice `gap` above the relaxation's bound.
Choice improve(const std::vector<Layer>& layers, double limit, double gap, const Choice& found) {
  const size_t n = layers.size();
  std::vector<double> least_after(n + 1, 0.0);  // least weight of the layers still to come
  for (size_t l = n; l-- > 0;) least_after[l] = least_after[l + 1] + layers[l].front().weight;
  const double tolerance = 1e-9 * limit;  // for sums taken in different orders; the last layer is exact

  std::vector<std::vector<State>> states(n + 1);
  states[0].push_back({0, 0, 0, -1, -1});
  for (size_t l = 0; l < n; ++l) {
    std::vector<State>& next = states[l + 1];
    for (size_t s = 0; s < states[l].size(); ++s) {
      const State& before = states[l][s];
      for (size_t i = 0; i < layers[l].size(); ++i) {
        const Candidate& c = layers[l][i];
        const double weight = before.weight + c.weight;
        if (weight + least_after[l + 1] > limit + tolerance) break;
        const double reduced = before.reduced + c.reduced;
        if (reduced > gap) continue;
        next.push_back({weight, before.value + c.value, reduced, static_cast<int32_t>(s), static_cast<int32_t>(i)});
      }
    }
    drop_dominated(next);
    if (next.size() > kMaxStates) thin(next, limit);
  }

  // Values descend with weight: the last that fits is the best.
  for (size_t s = states[n].size(); s-- > 0;) {
    const State& end = states[n][s];
    if (end.weight > limit) continue;
    const double value = found.value(layers);
    if (end.value > value || (end.value == value && end.weight >= found.weight(layers))) break;
    Choice better{std::vector<size_t>(n)};
    for (size_t l = n, at = s; l > 0; --l) {
      better.at[l - 1] = static_cast<size_t>(states[l][at].at);
      at = static_cast<size_t>(states[l][at].parent);
    }
    return better;
  }
  return found;
}

std::vector<int32_t> solve(const Variants& v, const double* value, const double* weight, double limit,
                           const char* limit_name, const char* weight_name) {
  check_variants(v);
  require(std::isfinite(limit) && limit >= 0, LENO_ERR_INVALID_ARGUMENT, limit_name, " is ", limit,
          ", expected a finite number >= 0");
  std::vector<Layer> layers;
  for (int64_t l = 0; l < v.layers; ++l) {
    const int64_t first = v.offsets[l];
    layers.push_back(undominated(value + first, weight + first, v.offsets[l + 1] - first));
  }
  const double least = sum(layers, [&](size_t l) { return layers[l].front().weight; });
  require(least <= limit, LENO_ERR_INVALID_ARGUMENT, limit_name, " is ", limit, ", expected at least ", least,
          ", the sum over layers of the least ", weight_name);

  double multiplier = 0;
  Choice choice = greedy(layers, limit, &multiplier);
  if (multiplier > 0) {
    const double bound = sum(layers, [&](size_t l) {
      double lowest = INFINITY;
      for (const Candidate& c : layers[l]) lowest = std::min(lowest, c.value + multiplier * c.weight);
      for (Candidate& c : layers[l]) c.reduced = c.value + multiplier * c.weight - lowest;
      return lowest;
    });
    const double at_hand = choice.value(layers);
    const double gap = at_hand - (bound - multiplier * limit) + 1e-12 * (at_hand + multiplier * limit);
    choice = improve(layers, limit, gap, choice);
  }
  std::vector<int32_t> result;
  for (size_t l = 0; l < layers.size(); ++l) result.push_back(layers[l][choice.at[l]].index);
  return result;
}

}  // namespace

void check_variants(const Variants& v) {
  constexpr int kBad = LENO_ERR_INVALID_ARGUMENT;
  require(v.layers >= 1 && v.layers <= INT32_MAX, LENO_ERR_INVALID_SHAPE, "layers is ", v.layers, ", expected 1 .. ",
          INT32_MAX);
  require(v.offsets[0] == 0, kBad, "layer_offsets[0] is ", v.offsets[0], ", expected 0");
  for (int64_t l = 0; l < v.layers; ++l) {
    const int64_t count = v.offsets[l + 1] - v.offsets[l];
    require(v.offsets[l + 1] > v.offsets[l] && count <= INT32_MAX, kBad, "layer_offsets[", l + 1, "] is ",
            v.offsets[l + 1], ", expected more than layer_offsets[", l, "] = ", v.offsets[l]);
    for (int64_t i = v.offsets[l]; i < v.offsets[l + 1]; ++i) {
      for (const auto& [name, x] : {std::pair{"cost", v.cost[i]}, std::pair{"error", v.error[i]}}) {
        require(std::isfinite(x), LENO_ERR_NOT_FINITE, name, "[", i, "] is ", x, ", expected a finite number >= 0");
        require(x >= 0, kBad, name, "[", i, "] is ", x, ", expected a finite number >= 0");
      }
    }
  }
}

std::vector<int32_t> fastest_choice(const Variants& v, double allowance) {
  return solve(v, v.cost, v.error, allowance, "allowance", "error");
}

std::vector<int32_t> most_accurate_choice(const Variants& v, double cost_limit) {
  return solve(v, v.error, v.cost, cost_limit, "cost_limit", "cost");
}

}  // namespace leno
