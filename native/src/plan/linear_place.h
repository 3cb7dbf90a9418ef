#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/choice.h"
#include "plan/linear_candidates.h"

namespace leno::plan {

struct LinearQuestion {
  kernels::LinearSpec spec;
  bool residual = false;
  std::vector<int64_t> buckets;
  std::string kernel;     // "": choose
  std::string plan_file;  // "": none
  float beta = 1;         // factor of the residual
};

// What an account of an operator says of where it runs.
struct PlaceDescription {
  const char* device = "cpu";
  std::string isa;  // or architecture
  int threads = 0;  // of the host
  std::string name;
};

// What timing gave. refused: those for which there was no memory, each with the reason. tokens: that were timed, fewer
// than asked for where their activations did not fit.
struct LinearTimes {
  std::vector<TimedCandidate> timed;
  std::vector<LinearCandidate> refused;
  int64_t tokens = 0;
};

// Where an operator will run, as far as planning asks: what there are for kernels, why each cannot run, how long it
// takes. There is one for the CPU and one for CUDA devices. Used while an operator is made, never in a forward.
class LinearPlace {
 public:
  LinearPlace(std::shared_ptr<const PackedWeights> packed, const LinearQuestion& question)
      : question_(question), weights_(std::move(packed)) {}
  virtual ~LinearPlace() = default;

  virtual std::vector<LinearRow> kernels() const = 0;
  // Why it cannot run here at all, whatever the weights' pattern and the tokens are; "" where it can.
  virtual std::string refuse(const LinearRow& kernel) const = 0;
  // Why it cannot serve this many tokens.
  virtual std::string refuse(const LinearRow& kernel, bool dense, int64_t tokens) const = 0;
  // So much slower than others that it is not timed where another can run.
  virtual bool last_resort(const LinearRow& kernel) const = 0;
  // Why a candidate cannot win against the others that can run, so that it is not timed; "" where it may.
  virtual std::string needless(const LinearCandidate&, const std::vector<LinearCandidate>&) const { return ""; }

  // The weights as a forward needs them; each form is made once, and kept until the place is gone or by who holds it.
  virtual std::shared_ptr<const kernels::PreparedWeights> prepared(const LinearCandidate& candidate) = 0;
  // Candidates that can run, on random activations of `tokens` tokens. Throws where there is memory for none of them.
  virtual LinearTimes time(const std::vector<LinearCandidate>& candidates, int64_t tokens) = 0;
  // The most tokens of a forward, where no bucket asks for more.
  virtual int64_t most_tokens() const = 0;
  // The most bytes of x and y that are timed.
  virtual int64_t most_timed_bytes() const = 0;

  // What makes times comparable beside library, kernels and question: the machine, and what of it the device uses.
  virtual std::string machine() const = 0;
  virtual std::string use() const = 0;

  const LinearQuestion& question() const { return question_; }
  const LinearWeights& weights() const { return weights_; }

 protected:
  const LinearQuestion& question_;
  LinearWeights weights_;
};

// How many of a bucket's tokens are timed: as many as keep x and y within most_bytes, at least one. Far beyond all
// caches more tokens change no ranking, and an operator that is being made must not take memory and minutes for them.
int64_t timed_tokens(const kernels::LinearSpec& spec, int64_t tokens, int64_t most_bytes);

}  // namespace leno::plan
