#include <algorithm>
#include <limits>
#include <optional>

#include "core/error.h"
#include "plan/linear_place_cuda.h"
#include "plan/measured.h"

// Timing on a card, whose memory may be short, and which may not run a kernel that its numbers promise (a slice of a
// card that places no cluster): an operator that is being made must not fail because a candidate that might not win, or
// more tokens than the ranking needs, do not fit.
namespace leno::plan {
namespace {

using cuda::DeviceMemory;
using kernels::LinearCall;

// "" where there was memory for it, else what was lacking.
template <class Body>
std::string lacking(Body&& body) {
  try {
    body();
    return "";
  } catch (const Error& e) {
    if (e.status() != LENO_ERR_OUT_OF_MEMORY) throw;
    return e.what();
  }
}

// What running a candidate says against it alone; thrown on where it concerns all: a lost card, a capture.
struct Failure {
  int status = LENO_OK;
  std::string why;

  template <class Body>
  bool of(Body&& body) {
    try {
      body();
    } catch (const Error& e) {
      if (e.status() == LENO_ERR_DEVICE_LOST || e.status() == LENO_ERR_INVALID_STATE) throw;
      status = e.status();
      why = e.what();
    }
    return status != LENO_OK;
  }
};

// Moves candidates of which which(c) holds to those refused for want of memory.
template <class Which>
void set_aside(std::vector<Candidate>& able, Times& times, const std::string& why, Which&& which) {
  times.lacked_memory = true;
  for (const Candidate& c : able) {
    if (which(c)) times.refused.push_back({c.kernel, c.dense, why});
  }
  std::erase_if(able, which);
}

struct Activations {
  std::optional<DeviceMemory> x, y, residual;

  void free() {
    x.reset();
    y.reset();
    residual.reset();
  }
  // Allocates all before anything is written.
  LinearCall make(const std::shared_ptr<CudaDevice>& device, const LinearQuestion& question, int64_t tokens) {
    const kernels::LinearSpec& spec = question.spec;
    const bool token_major = spec.layout == kernels::Layout::token_major;
    const int64_t x_count = tokens * spec.columns, y_count = tokens * spec.rows, element = size_of(spec.io);
    x.emplace(device, x_count * element);
    y.emplace(device, y_count * element);
    if (question.residual) residual.emplace(device, y_count * element);
    cuda::write(*x, 0, random_activations(x_count, spec.io, 1).data(), x_count * element, nullptr);
    if (residual) cuda::write(*residual, 0, random_activations(y_count, spec.io, 2).data(), y_count * element, nullptr);
    LinearCall call;
    call.tokens = tokens;
    call.x = x->data();
    call.ldx = token_major ? spec.columns : tokens;
    call.residual = residual ? residual->data() : nullptr;
    call.y = y->data();
    call.ldy = call.ldresidual = token_major ? spec.rows : tokens;
    call.beta = question.beta;
    return call;
  }
};

}  // namespace

int64_t CudaPlace::workspace_bytes(const Candidate& c, int64_t tokens) {
  return std::max<int64_t>(1, c.kernel.cuda->workspace_bytes(*weights_of(c).layout, question_.spec, tokens, card_));
}

// Sparse weights first: they are smaller, and what the operator is for.
void CudaPlace::set_aside_what_does_not_fit(std::vector<Candidate>& able, Times& times) {
  for (const bool dense : {false, true}) {
    std::vector<Form> forms;
    for (const Candidate& c : able) {
      if (c.dense == dense && std::find(forms.begin(), forms.end(), form_of(c)) == forms.end()) {
        forms.push_back(form_of(c));
      }
    }
    for (const Form& form : forms) {
      const auto is_of_form = [&](const Candidate& c) { return form_of(c) == form; };
      const Candidate& any = *std::find_if(able.begin(), able.end(), is_of_form);
      const std::string why = lacking([&] { prepared(any); });
      if (why.empty()) continue;
      if (is_of_form(able.front()) && std::all_of(able.begin(), able.end(), is_of_form)) {
        fail(LENO_ERR_OUT_OF_MEMORY, why);
      }
      set_aside(able, times, why, is_of_form);
    }
  }
}

// False where there is but one form of the weights left.
bool CudaPlace::set_largest_form_aside(std::vector<Candidate>& able, Times& times, const std::string& why) {
  const auto bytes = [&](const Candidate& c) { return weights_of(c).bytes(); };
  const auto largest =
      *std::max_element(able.begin(), able.end(), [&](auto& a, auto& b) { return bytes(a) < bytes(b); });
  const Form form = form_of(largest);
  const auto is_of_form = [&](const Candidate& c) { return form_of(c) == form; };
  if (std::all_of(able.begin(), able.end(), is_of_form)) return false;
  set_aside(able, times, why, is_of_form);
  prepared_.erase(form);
  return true;
}

Times CudaPlace::time(const std::vector<Candidate>& candidates, int64_t tokens) {
  Times times;
  std::vector<Candidate> able = candidates;
  set_aside_what_does_not_fit(able, times);

  const auto most_workspace = [&](int64_t of_tokens) {
    int64_t most = 0;
    for (const Candidate& c : able) most = std::max(most, workspace_bytes(c, of_tokens));
    return most;
  };
  Activations activations;
  std::optional<DeviceMemory> workspace;
  LinearCall call;
  for (;;) {
    activations.free();
    std::string why = lacking([&] { call = activations.make(device_, question_, tokens); });
    bool of_workspace = false;
    if (why.empty()) {
      why = lacking([&] { workspace.emplace(device_, most_workspace(tokens)); });
      if (why.empty()) break;
      of_workspace = true;
    }
    const int64_t fewer = tokens / 2;
    const int64_t most = most_workspace(tokens);
    if (fewer > 0 && (!of_workspace || most_workspace(fewer) < most)) {
      tokens = fewer;
      continue;
    }
    const auto needs_most = [&](const Candidate& c) { return workspace_bytes(c, tokens) == most; };
    if (of_workspace && !std::all_of(able.begin(), able.end(), needs_most)) {
      set_aside(able, times, why, needs_most);
    } else if (!set_largest_form_aside(able, times, why)) {
      fail(LENO_ERR_OUT_OF_MEMORY, why);
    }
  }
  times.tokens = tokens;

  const kernels::LinearSpec& spec = question_.spec;
  // By candidate: kernels take memory as they are loaded, and a card may refuse to launch one.
  std::vector<Failure> failures(able.size());
  for (size_t i = 0; i < able.size(); ++i) {
    failures[i].of([&] {
      const DeviceWeights& weights = weights_of(able[i]);
      const auto launches =
          able[i].kernel.cuda->plan(*weights.layout, weights.operands(), spec, call, workspace->data(), card_);
      for (int l = 0; l < launches.count; ++l) {
        const auto& launch = launches.launch[static_cast<size_t>(l)];
        device_->prepare(launch.entry, launch.threads, launch.shared_bytes);
      }
    });
  }

  const cuda::Stream stream(device_);
  cuda::Event start(device_, true), end(device_, true);
  const auto seconds_of = [&](size_t candidate, int repetitions) {
    const Candidate& c = able[candidate];
    Failure& failure = failures[candidate];
    if (failure.status != LENO_OK) return std::numeric_limits<double>::infinity();
    const DeviceWeights& weights = weights_of(c);
    double seconds = std::numeric_limits<double>::infinity();
    failure.of([&] {
      start.record(stream);
      for (int r = 0; r < repetitions; ++r) {
        submit(*device_, card_, *c.kernel.cuda, weights, spec, call, workspace->data(), stream.handle());
      }
      end.record(stream);
      end.synchronize();
      seconds = cuda::Event::elapsed_ms(start, end) * 1e-3 / repetitions;
    });
    return seconds;
  };
  const std::vector<Timing> timings = time_interleaved(able.size(), seconds_of);
  if (std::all_of(failures.begin(), failures.end(), [](const Failure& f) { return f.status != LENO_OK; })) {
    fail(failures.front().status, failures.front().why);
  }
  for (size_t i = 0; i < able.size(); ++i) {
    const Failure& failure = failures[i];
    if (failure.status == LENO_OK) {
      times.timed.push_back(timed_candidate(able[i], timings[i]));
      continue;
    }
    times.lacked_memory |= failure.status == LENO_ERR_OUT_OF_MEMORY;
    times.refused.push_back({able[i].kernel, able[i].dense, failure.why});
  }
  return times;
}

}  // namespace leno::plan
