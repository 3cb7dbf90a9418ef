#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "plan/candidate.h"
#include "plan/choice.h"

namespace leno::plan {

// What an operator wants planned. Buckets count what its kernels are chosen by: tokens, or pixels of a convolution.
struct PlanRequest {
  std::vector<int64_t> buckets;
  std::string kernel;     // "": choose
  std::string plan_file;  // "": none
};

// What an account of an operator says of where it runs.
struct PlaceDescription {
  const char* device = "cpu";
  std::string isa;  // or architecture
  int threads = 0;  // of the host
  std::string name;
};

// What timing gave. refused: those for which there was no memory, or which the device does not run, each with the
// reason. tokens: that were timed, fewer than asked for where their activations did not fit.
struct Times {
  std::vector<TimedCandidate> timed;
  std::vector<Candidate> refused;
  int64_t tokens = 0;
  bool lacked_memory = false;  // another time may give others
};

// Where an operator will run, as far as planning asks: what there are for kernels, why each cannot run, how long it
// takes. There is one for each operator and kind of device. Used while an operator is made, never in a forward.
class Place {
 public:
  Place(std::shared_ptr<const PackedWeights> packed, const PlanRequest& request)
      : request_(request), weights_(std::move(packed)) {}
  virtual ~Place() = default;

  virtual std::vector<KernelRow> kernels() const = 0;
  // Why it cannot run here at all, whatever the weights' pattern and the tokens are; "" where it can.
  virtual std::string refuse(const KernelRow& kernel) const = 0;
  // Why it cannot serve this many tokens.
  virtual std::string refuse(const KernelRow& kernel, bool dense, int64_t tokens) const = 0;
  // So much slower than others that it is not timed where another can run.
  virtual bool last_resort(const KernelRow& kernel) const = 0;
  // Why a candidate cannot win with this many tokens against the others that can run, so that it is not timed; "" where
  // it may.
  virtual std::string needless(const Candidate&, int64_t /*tokens*/, const std::vector<Candidate>&) const { return ""; }

  // The weights as a forward needs them; each form is made once, and kept until the place is gone or by who holds it.
  virtual std::shared_ptr<const kernels::PreparedWeights> prepared(const Candidate& candidate) = 0;
  // Candidates that can run, on random activations of `tokens` tokens. Throws where there is memory for none of them.
  virtual Times time(const std::vector<Candidate>& candidates, int64_t tokens) = 0;
  // The most tokens of a forward, where no bucket asks for more.
  virtual int64_t most_tokens() const = 0;
  // How many of a bucket's tokens are timed.
  virtual int64_t timed_tokens(int64_t tokens) const = 0;

  // What makes times comparable: the machine, and the question that they answer. Beside these, library and kernels.
  virtual std::string machine() const = 0;
  virtual std::string key(const Bucket& bucket) const = 0;

  const PlanRequest& request() const { return request_; }
  const OperatorWeights& weights() const { return weights_; }

 protected:
  const PlanRequest& request_;
  OperatorWeights weights_;
};

}  // namespace leno::plan
