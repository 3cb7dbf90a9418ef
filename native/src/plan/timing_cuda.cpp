#include "plan/timing_cuda.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "core/cuda/memory.h"
#include "core/error.h"
#include "plan/measured.h"

namespace leno::plan {
namespace {

using cuda::DeviceMemory;

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

// Sparse weights first: they are smaller, and what the operator is for.
void set_aside_what_does_not_fit(CudaWork& work, std::vector<Candidate>& able, Times& times) {
  for (const bool dense : {false, true}) {
    std::vector<CudaWork::Form> forms;
    for (const Candidate& c : able) {
      if (c.dense == dense && std::find(forms.begin(), forms.end(), work.form_of(c)) == forms.end()) {
        forms.push_back(work.form_of(c));
      }
    }
    for (const CudaWork::Form& form : forms) {
      const auto is_of_form = [&](const Candidate& c) { return work.form_of(c) == form; };
      const Candidate& any = *std::find_if(able.begin(), able.end(), is_of_form);
      const std::string why = lacking([&] { work.weight_bytes(any); });
      if (why.empty()) continue;
      if (is_of_form(able.front()) && std::all_of(able.begin(), able.end(), is_of_form)) {
        fail(LENO_ERR_OUT_OF_MEMORY, why);
      }
      set_aside(able, times, why, is_of_form);
    }
  }
}

// False where there is but one form of the weights left.
bool set_largest_form_aside(CudaWork& work, std::vector<Candidate>& able, Times& times, const std::string& why) {
  const auto largest = *std::max_element(able.begin(), able.end(),
                                         [&](auto& a, auto& b) { return work.weight_bytes(a) < work.weight_bytes(b); });
  const CudaWork::Form form = work.form_of(largest);
  const auto is_of_form = [&](const Candidate& c) { return work.form_of(c) == form; };
  if (std::all_of(able.begin(), able.end(), is_of_form)) return false;
  set_aside(able, times, why, is_of_form);
  work.forget(form);
  return true;
}

}  // namespace

Times time_on_card(CudaWork& work, const std::shared_ptr<CudaDevice>& device, const std::vector<Candidate>& candidates,
                   int64_t tokens) {
  Times times;
  std::vector<Candidate> able = candidates;
  set_aside_what_does_not_fit(work, able, times);

  const auto most_workspace = [&](int64_t of_tokens) {
    int64_t most = 0;
    for (const Candidate& c : able) most = std::max(most, work.workspace_bytes(c, of_tokens));
    return most;
  };
  std::optional<DeviceMemory> workspace;
  for (;;) {
    std::string why = lacking([&] { work.make_activations(tokens); });
    bool of_workspace = false;
    if (why.empty()) {
      why = lacking([&] { workspace.emplace(device, most_workspace(tokens)); });
      if (why.empty()) break;
      of_workspace = true;
    }
    const int64_t fewer = work.fewer(tokens);
    const int64_t most = most_workspace(tokens);
    if (fewer > 0 && (!of_workspace || most_workspace(fewer) < most)) {
      tokens = fewer;
      continue;
    }
    const auto needs_most = [&](const Candidate& c) { return work.workspace_bytes(c, tokens) == most; };
    if (of_workspace && !std::all_of(able.begin(), able.end(), needs_most)) {
      set_aside(able, times, why, needs_most);
    } else if (!set_largest_form_aside(work, able, times, why)) {
      fail(LENO_ERR_OUT_OF_MEMORY, why);
    }
  }
  times.tokens = tokens;

  // By candidate: kernels take memory as they are loaded, and a card may refuse to launch one.
  std::vector<Failure> failures(able.size());
  for (size_t i = 0; i < able.size(); ++i) {
    failures[i].of([&] { work.load(able[i], workspace->data()); });
  }

  const cuda::Stream stream(device);
  cuda::Event start(device, true), end(device, true);
  const auto seconds_of = [&](size_t candidate, int repetitions) {
    Failure& failure = failures[candidate];
    if (failure.status != LENO_OK) return std::numeric_limits<double>::infinity();
    double seconds = std::numeric_limits<double>::infinity();
    failure.of([&] {
      start.record(stream);
      for (int r = 0; r < repetitions; ++r) work.submit(able[candidate], workspace->data(), stream.handle());
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
