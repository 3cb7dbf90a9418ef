#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "kernels/cuda/ptx/ptx.h"
#include "simt/launch.h"

namespace leno::simt {

using Body = std::function<void()>;

inline Report run(uint32_t threads, uint32_t shared_bytes, const Options& options, const Body& body) {
  return launch({options.cluster, 1, 1}, threads, shared_bytes, options, body);
}

// A correct kernel: no report under any of a few schedules.
inline void expect_clean(uint32_t threads, uint32_t shared_bytes, Options options, const Body& body) {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    options.seed = seed;
    options.preempt = seed % 2 ? 0.1 : 0;
    options.delivery = seed % 4 == 2 ? Delivery::random : Delivery::late;
    options.shared_base = seed % 2 ? 1024 : 8192;
    const Report report = run(threads, shared_bytes, options, body);
    ASSERT_TRUE(report.ok) << report.what;
  }
}
inline void expect_clean(uint32_t threads, uint32_t shared_bytes, const Body& body) {
  expect_clean(threads, shared_bytes, Options{}, body);
}

// A planted defect: found whatever the schedule, with this in the report.
inline void expect_report(const std::string& part, uint32_t threads, uint32_t shared_bytes, Options options,
                          const Body& body) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    options.seed = seed;
    const Report report = run(threads, shared_bytes, options, body);
    EXPECT_FALSE(report.ok) << "not found with seed " << seed;
    EXPECT_THAT(report.what, testing::HasSubstr(part));
  }
}
inline void expect_report(const std::string& part, uint32_t threads, uint32_t shared_bytes, const Body& body) {
  expect_report(part, threads, shared_bytes, Options{}, body);
}

}  // namespace leno::simt
