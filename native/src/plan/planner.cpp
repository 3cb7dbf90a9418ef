#include "plan/planner.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "plan/plan_file.h"
#include "plan/plan_memory.h"

namespace leno::plan {
namespace {

std::string names_of(const std::vector<KernelRow>& rows) {
  std::string names;
  for (const KernelRow& row : rows) names += std::string(row.name()) + "\n";
  return names;
}

// Every kernel with the weights as they are and, where these are sparse, with their dense version; in the order of the
// table, each with the reason where it cannot serve the whole bucket.
std::vector<Candidate> candidates_of(const Place& place, const Bucket& bucket) {
  std::vector<Candidate> candidates;
  const bool sparse = !place.weights().given().dense();
  for (const KernelRow& row : place.kernels()) {
    const std::string reason = place.refuse(row);
    if (!reason.empty()) {
      candidates.push_back({row, !sparse, reason, true});
      continue;
    }
    for (const bool dense : {false, true}) {
      if (!dense && !sparse) continue;
      candidates.push_back({row, dense, ""});
      for (const int64_t tokens : {bucket.tokens, bucket.from, bucket.to}) {
        std::string& refusal = candidates.back().refusal;
        if (refusal.empty()) refusal = place.refuse(row, dense, tokens);
      }
    }
  }
  return candidates;
}

// The last resorts are several times slower than any other: they are not timed where another one can run.
void set_last_resorts_aside(const Place& place, std::vector<Candidate>& able, std::vector<Candidate>& refused) {
  const auto better = [&](const Candidate& c) { return !place.last_resort(c.kernel); };
  const auto slow = std::stable_partition(able.begin(), able.end(), better);
  if (slow == able.begin()) return;
  for (auto c = slow; c != able.end(); ++c) {
    refused.push_back({c->kernel, c->dense, "not timed: kernels of a better instruction set can run"});
  }
  able.erase(slow, able.end());
}

// Nor is what cannot win against others. Judged against all that can run, so that at least one stays.
void set_needless_aside(const Place& place, int64_t tokens, std::vector<Candidate>& able,
                        std::vector<Candidate>& refused) {
  const std::vector<Candidate> all = able;
  std::erase_if(able, [&](const Candidate& c) {
    const std::string why = place.needless(c, tokens, all);
    if (!why.empty()) refused.push_back({c.kernel, c.dense, why});
    return !why.empty();
  });
}

bool is_same(const Candidate& a, const Candidate& b) { return a.kernel == b.kernel && a.dense == b.dense; }

const Candidate* find_able(const std::vector<Candidate>& able, const std::string& kernel, bool dense) {
  for (const Candidate& c : able) {
    if (c.kernel.name() == kernel && c.dense == dense) return &c;
  }
  return nullptr;
}

// "; a, b (dense): why; c: why". Kernels for other weights are told of only where there are none for these.
std::string all_refusals(const std::vector<Candidate>& refused, DType weights) {
  const auto fits = [&](const Candidate& c) { return c.kernel.weights() == weights; };
  const bool only_fitting = std::any_of(refused.begin(), refused.end(), fits);
  std::vector<std::pair<std::string, std::string>> by_reason;  // reason, names
  for (const Candidate& c : refused) {
    if (only_fitting && !fits(c)) continue;
    const std::string name = std::string(c.kernel.name()) + (c.dense && !c.either ? " (dense)" : "");
    const auto same = std::find_if(by_reason.begin(), by_reason.end(), [&](auto& r) { return r.first == c.refusal; });
    if (same == by_reason.end()) {
      by_reason.emplace_back(c.refusal, name);
    } else {
      same->second += ", " + name;
    }
  }
  std::string reasons;
  for (const auto& [reason, names] : by_reason) reasons += text("; ", names, ": ", reason);
  return reasons;
}

class Planner {
 public:
  explicit Planner(Place& place)
      : place_(place),
        request_(place.request()),
        machine_(machine_key(place.machine(), names_of(place.kernels()))),
        file_(request_.plan_file, machine_) {}

  Plan plan() {
    Plan plan;
    for (const Bucket& bucket : make_buckets(request_.buckets)) plan.buckets.push_back(plan_bucket(bucket));
    serve_larger_counts(plan);
    file_.save();
    plan.plan_file_status = file_.status();
    return plan;
  }

 private:
  // The last bucket serves all larger counts too, or, where its kernel is one for few tokens, another bucket does. A
  // kernel that was asked for by name serves what it can.
  void serve_larger_counts(Plan& plan) {
    PlannedBucket& last = plan.buckets.back();
    const int64_t most = std::max(place_.most_tokens(), last.bucket.to);
    if (place_.refuse(last.kernel, last.dense, most).empty()) {
      last.bucket.to = most;
    } else if (request_.kernel.empty() && last.bucket.to < most) {
      const int64_t from = last.bucket.to + 1;
      plan.buckets.push_back(plan_bucket({from, std::min(2 * last.bucket.to, most), most}));
    }
  }

  PlannedBucket plan_bucket(const Bucket& bucket) {
    PlannedBucket result;
    result.bucket = bucket;
    std::vector<Candidate> able;
    for (Candidate& c : candidates_of(place_, bucket)) {
      (c.refusal.empty() ? able : result.refused).push_back(std::move(c));
    }
    for (;;) {
      const Candidate winner = request_.kernel.empty() ? choose_among(able, result) : forced(able, result);
      result.kernel = winner.kernel;
      result.dense = winner.dense;
      try {
        result.weights = place_.prepared(winner);
        return result;
      } catch (const Error& e) {
        // A choice that was made before, when there was more memory.
        if (e.status() != LENO_ERR_OUT_OF_MEMORY || !request_.kernel.empty() || able.size() == 1) throw;
        result.refused.push_back({winner.kernel, winner.dense, e.what()});
        std::erase_if(able, [&](const Candidate& c) { return is_same(c, winner); });
      }
    }
  }

  Candidate forced(const std::vector<Candidate>& able, PlannedBucket& result) {
    result.source = Source::forced;
    for (const bool dense : {false, true}) {
      if (const Candidate* c = find_able(able, request_.kernel, dense)) return *c;
    }
    const std::vector<KernelRow> rows = place_.kernels();
    const auto named = [&](const KernelRow& row) { return row.name() == request_.kernel; };
    require(std::any_of(rows.begin(), rows.end(), named), LENO_ERR_INVALID_ARGUMENT, "kernel is \"", request_.kernel,
            "\", expected the name of a kernel of this build");
    std::erase_if(result.refused, [&](const Candidate& c) { return c.kernel.name() != request_.kernel; });
    fail(LENO_ERR_UNSUPPORTED, "kernel cannot serve ", result.bucket.tokens, " tokens",
         all_refusals(result.refused, place_.weights().given().dtype()));
  }

  Candidate choose_among(std::vector<Candidate>& able, PlannedBucket& result) {
    require(!able.empty(), LENO_ERR_UNSUPPORTED, "no kernel can serve ", result.bucket.tokens, " tokens",
            all_refusals(result.refused, place_.weights().given().dtype()));
    set_last_resorts_aside(place_, able, result.refused);
    set_needless_aside(place_, result.bucket.tokens, able, result.refused);
    if (able.size() == 1) {
      result.source = Source::single;
      return able.front();
    }
    result.timed_tokens = place_.timed_tokens(result.bucket.tokens);
    const std::string key = place_.key(result.bucket);
    const std::string memory_key = machine_ + " | " + key;
    std::optional<Choice> choice;
    if (const Choice* in_file = file_.find(key)) {
      choice = *in_file;
      result.source = Source::file;
    } else if ((choice = recall(memory_key))) {
      result.source = Source::process;
      file_.add(key, *choice);
    }
    // What a file claims is only taken where it is possible.
    if (!choice || find_able(able, choice->kernel, choice->dense) == nullptr) {
      result.source = Source::measured;
      Times times = place_.time(able, result.timed_tokens);
      choice = choose(std::move(times.timed));
      // What was chosen for want of memory is no answer for another time.
      if (!times.lacked_memory && times.tokens == result.timed_tokens) {
        remember(memory_key, *choice);
        file_.add(key, *choice);
      }
      result.timed_tokens = times.tokens;
      for (Candidate& c : times.refused) {
        std::erase_if(able, [&](const Candidate& other) { return is_same(c, other); });
        result.refused.push_back(std::move(c));
      }
    }
    result.timed = choice->timed;
    return *find_able(able, choice->kernel, choice->dense);
  }

  Place& place_;
  const PlanRequest& request_;
  const std::string machine_;
  PlanFile file_;
};

}  // namespace

Plan plan_kernels(Place& place) { return Planner(place).plan(); }

}  // namespace leno::plan
