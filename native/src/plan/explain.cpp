#include "plan/explain.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "pack/packed_codec.h"

namespace leno::plan {
namespace {

using Json = nlohmann::ordered_json;

const char* name_of(Source source) {
  switch (source) {
    case Source::measured:
      return "measured";
    case Source::process:
      return "measured before in this process";
    case Source::file:
      return "plan file";
    case Source::single:
      return "only candidate";
    case Source::forced:
      return "asked for by name";
  }
  return "unknown";
}

const char* weights_name(bool dense) { return dense ? "dense" : "sparse"; }

double microseconds(double seconds) { return std::round(seconds * 1e9) / 1e3; }
double rounded(double x) { return std::round(x * 1e4) / 1e4; }

std::string ranking(const PlannedBucket& b) {
  const TimedCandidate *chosen = nullptr, *dense = nullptr, *sparse = nullptr;
  for (const TimedCandidate& c : b.timed) {
    if (c.kernel == b.kernel.name() && c.dense == b.dense) chosen = &c;
    const TimedCandidate*& best = c.dense ? dense : sparse;
    if (best == nullptr || c.seconds < best->seconds) best = &c;
  }
  const TimedCandidate* other = b.dense ? sparse : dense;
  if (chosen == nullptr || other == nullptr) return text("fastest of ", b.timed.size(), " candidates");
  const double ratio = other->seconds / chosen->seconds;
  if (ratio >= 1) {
    return text("fastest of ", b.timed.size(), " candidates, ", rounded(ratio), " times as fast as the best ",
                weights_name(!b.dense), " one");
  }
  return text("within ", kTie * 100, " % of the best dense candidate, and needs less memory");
}

std::string reason(const PlannedBucket& b) {
  if (b.timed.empty()) return name_of(b.source);
  std::string reason = ranking(b);
  if (b.timed_tokens < b.bucket.tokens) {
    reason += text("; timed with ", b.timed_tokens, " tokens, as more would take too much memory");
  }
  return reason;
}

Json to_json(const PlannedBucket& b) {
  Json candidates = Json::array();
  for (const TimedCandidate& c : b.timed) {
    candidates.push_back({{"kernel", c.kernel},
                          {"weights", weights_name(c.dense)},
                          {"microseconds", microseconds(c.seconds)},
                          {"spread", rounded(c.spread)},
                          {"eliminated", c.eliminated}});
  }
  for (const Candidate& c : b.refused) {
    Json candidate = {{"kernel", c.kernel.name()}};
    if (!c.either) candidate["weights"] = weights_name(c.dense);
    candidate["refusal"] = c.refusal;
    candidates.push_back(std::move(candidate));
  }
  return {{"tokens", b.bucket.tokens},
          {"from", b.bucket.from},
          {"to", b.bucket.to == kMaxTokens ? Json(nullptr) : Json(b.bucket.to)},
          {"kernel", b.kernel.name()},
          {"weights", weights_name(b.dense)},
          {"source", name_of(b.source)},
          {"reason", reason(b)},
          {"timed_tokens", b.timed.empty() ? Json(nullptr) : Json(b.timed_tokens)},
          {"prepared_bytes", b.weights->bytes()},
          {"candidates", candidates}};
}

}  // namespace

struct Account::Facts {
  Json json;
};

Account::Account(const char* op) : facts_(new Facts{{{"op", op}}}) {}
Account::~Account() = default;

void Account::tell(const char* fact, const char* value) { facts_->json[fact] = value; }
void Account::tell(const char* fact, bool value) { facts_->json[fact] = value; }
void Account::tell(const char* fact, int64_t value) { facts_->json[fact] = value; }
void Account::tell(const char* fact, double value) { facts_->json[fact] = value; }
void Account::tell(const char* fact, const std::vector<int64_t>& values) { facts_->json[fact] = values; }

void Account::tell(const WeightsDescription& w) {
  tell("pattern", w.pattern);
  tell("V", w.vector);
  tell("sparsity", rounded(1 - w.density));
  tell("dtype", leno::name_of(w.dtype));
  facts_->json["converted_from"] = w.converted_from == w.dtype ? Json(nullptr) : Json(leno::name_of(w.converted_from));
  tell("packed_bytes", w.packed_bytes);
}

void Account::tell(const PlaceDescription& place) {
  tell("device", place.device);
  tell("isa", place.isa.c_str());
  tell("threads", int64_t{place.threads});
  tell(place.device, place.name.c_str());
  tell("version", LENO_VERSION);
}

void Account::tell(const PlanRequest& request, const Plan& plan) {
  Json& json = facts_->json;
  json["plan_file"] = nullptr;
  if (!request.plan_file.empty()) {
    json["plan_file"] = {{"path", request.plan_file}, {"status", plan.plan_file_status}};
  }
  Json buckets = Json::array();
  for (const PlannedBucket& b : plan.buckets) buckets.push_back(to_json(b));
  json["buckets"] = std::move(buckets);
}

// A path or a name that is not UTF-8 must not make the account fail.
std::string Account::text() const { return facts_->json.dump(2, ' ', false, Json::error_handler_t::replace); }

WeightsDescription::WeightsDescription(const PackedWeights& packed)
    : pattern(pattern_name(packed)),
      vector(packed.dense() ? 0 : packed.vector()),
      dense(packed.dense()),
      density(packed.density()),
      dtype(packed.dtype()),
      converted_from(packed.converted_from()),
      packed_bytes(packed.bytes()) {}

const char* name_of(kernels::Activation activation) {
  switch (activation) {
    case kernels::Activation::none:
      return "none";
    case kernels::Activation::relu:
      return "relu";
    case kernels::Activation::gelu_erf:
      return "gelu_erf";
    case kernels::Activation::gelu_tanh:
      return "gelu_tanh";
    case kernels::Activation::silu:
      return "silu";
    case kernels::Activation::relu6:
      return "relu6";
    case kernels::Activation::leaky_relu:
      return "leaky_relu";
    case kernels::Activation::hard_swish:
      return "hard_swish";
  }
  return "unknown";
}

}  // namespace leno::plan
