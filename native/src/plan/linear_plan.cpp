#include "plan/linear_plan.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "plan/linear_timing.h"
#include "plan/plan_file.h"
#include "plan/plan_memory.h"

namespace leno::plan {
namespace {

using kernels::LinearKernel;

std::string names_of(LinearKernels rows) {
  std::string names;
  for (const LinearKernel* row : rows) names += std::string(row->name) + "\n";
  return names;
}

// All that a measured time depends on, beside the machine.
std::string question_key(const CpuDevice& device, const PackedWeights& packed, const LinearQuestion& q,
                         const Bucket& b) {
  return text("linear isa=", isa_name(device.isa()), " threads=", device.threads(), " M=", packed.rows(),
              " K=", packed.columns(), " V=", packed.dense() ? 0 : packed.vector(), " kept=", packed.kept_weights(),
              " permuted=", !packed.identity(), " weights=", name_of(packed.dtype()), " io=", name_of(q.spec.io),
              " layout=", static_cast<int>(q.spec.layout), " activation=", static_cast<int>(q.spec.activation),
              " bias=", q.spec.bias != nullptr, " residual=", q.residual, " tokens=", b.tokens, " from=", b.from,
              " to=", b.to);
}

// The portable kernels are several times slower than any other: they are not timed where another one can run.
void set_portable_aside(std::vector<LinearCandidate>& able, std::vector<LinearCandidate>& refused) {
  const auto better = [](const LinearCandidate& c) { return c.kernel->isa != Isa::portable; };
  const auto portable = std::stable_partition(able.begin(), able.end(), better);
  if (portable == able.begin()) return;
  for (auto c = portable; c != able.end(); ++c) {
    refused.push_back({c->kernel, c->dense, "not timed: kernels of a better instruction set can run"});
  }
  able.erase(portable, able.end());
}

const LinearCandidate* find_able(const std::vector<LinearCandidate>& able, const std::string& kernel, bool dense) {
  for (const LinearCandidate& c : able) {
    if (c.kernel->name == kernel && c.dense == dense) return &c;
  }
  return nullptr;
}

std::string all_refusals(const std::vector<LinearCandidate>& refused) {
  std::string reasons;
  for (const LinearCandidate& c : refused) {
    reasons += text("; ", c.kernel->name, c.dense ? " (dense): " : ": ", c.refusal);
  }
  return reasons;
}

class Planner {
 public:
  Planner(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
          LinearKernels rows)
      : device_(device),
        question_(question),
        rows_(rows),
        packed_(*packed),
        weights_(std::move(packed)),
        machine_(machine_key(names_of(rows))),
        file_(question.plan_file, machine_) {}

  LinearPlan plan() {
    LinearPlan plan;
    for (const Bucket& bucket : make_buckets(question_.buckets)) plan.buckets.push_back(plan_bucket(bucket));
    serve_larger_counts(plan);
    file_.save();
    plan.plan_file_status = file_.status();
    return plan;
  }

 private:
  // The last bucket serves all larger counts too, or, where its kernel is one for few tokens, another bucket does. A
  // kernel that was asked for by name serves what it can.
  void serve_larger_counts(LinearPlan& plan) {
    LinearBucket& last = plan.buckets.back();
    if (last.kernel->refuse(kind_of(packed_, last.dense), question_.spec, kMaxTokens).empty()) {
      last.bucket.to = kMaxTokens;
    } else if (question_.kernel.empty() && last.bucket.to < kMaxTokens) {
      const int64_t from = last.bucket.to + 1;
      plan.buckets.push_back(plan_bucket({from, std::min(2 * last.bucket.to, kMaxTokens), kMaxTokens}));
    }
  }

  LinearBucket plan_bucket(const Bucket& bucket) {
    LinearBucket result;
    result.bucket = bucket;
    std::vector<LinearCandidate> able;
    for (LinearCandidate& c : linear_candidates(rows_, device_.isa(), packed_, question_.spec, bucket)) {
      (c.refusal.empty() ? able : result.refused).push_back(std::move(c));
    }
    const LinearCandidate winner = question_.kernel.empty() ? choose_among(able, result) : forced(able, result);
    result.kernel = winner.kernel;
    result.dense = winner.dense;
    result.weights = weights_.prepared(winner);
    return result;
  }

  LinearCandidate forced(const std::vector<LinearCandidate>& able, LinearBucket& result) {
    result.source = Source::forced;
    for (const bool dense : {false, true}) {
      if (const LinearCandidate* c = find_able(able, question_.kernel, dense)) return *c;
    }
    const auto named = [&](const LinearKernel* row) { return row->name == question_.kernel; };
    require(std::any_of(rows_.begin(), rows_.end(), named), LENO_ERR_INVALID_ARGUMENT, "kernel is \"", question_.kernel,
            "\", expected the name of a kernel of this build");
    std::erase_if(result.refused, [&](const LinearCandidate& c) { return c.kernel->name != question_.kernel; });
    fail(LENO_ERR_UNSUPPORTED, "kernel cannot serve ", result.bucket.tokens, " tokens", all_refusals(result.refused));
  }

  LinearCandidate choose_among(std::vector<LinearCandidate>& able, LinearBucket& result) {
    require(!able.empty(), LENO_ERR_UNSUPPORTED, "no kernel can serve ", result.bucket.tokens, " tokens",
            all_refusals(result.refused));
    set_portable_aside(able, result.refused);
    if (able.size() == 1) {
      result.source = Source::single;
      return able.front();
    }
    result.timed_tokens = timed_tokens(question_.spec, result.bucket.tokens);
    const std::string key = question_key(device_, packed_, question_, result.bucket);
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
      choice = choose(time_linear(device_, weights_, question_.spec, question_.residual, result.timed_tokens, able));
      remember(memory_key, *choice);
      file_.add(key, *choice);
    }
    result.timed = choice->timed;
    return *find_able(able, choice->kernel, choice->dense);
  }

  CpuDevice& device_;
  const LinearQuestion& question_;
  LinearKernels rows_;
  const PackedWeights& packed_;
  LinearWeights weights_;
  const std::string machine_;
  PlanFile file_;
};

}  // namespace

LinearPlan plan_linear(CpuDevice& device, std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question,
                       LinearKernels rows) {
  return Planner(device, std::move(packed), question, rows).plan();
}

}  // namespace leno::plan
