#include "plan/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/error.h"
#include "plan/linear_explain.h"
#include "plan/linear_place_cpu.h"
#include "plan/plan_file.h"
#include "plan/plan_memory.h"
#include "support/allocations.h"
#include "support/sample.h"
#include "support/toy_kernels.h"

namespace {

using namespace leno;
using namespace leno::plan;
using namespace leno_test;
using kernels::LinearKernel;
using testing::HasSubstr;

TEST(Buckets, ServeTheCountsAboveTheOneBelow) {
  const auto b = make_buckets({1, 16, 128});
  ASSERT_EQ(3u, b.size());
  EXPECT_EQ(1, b[0].from);
  EXPECT_EQ(1, b[0].to);
  EXPECT_EQ(2, b[1].from);
  EXPECT_EQ(16, b[1].to);
  EXPECT_EQ(17, b[2].from);
  EXPECT_EQ(128, b[2].tokens);
  EXPECT_EQ(128, b[2].to);
}

TEST(Choose, SparseUnlessDenseIsFasterByMoreThanATie) {
  EXPECT_FALSE(choose({}).has_value());
  const auto pick = [](double sparse, double dense) {
    return choose({{"s", false, sparse, 0, false}, {"slow", false, 9, 0, true}, {"d", true, dense, 0, false}})->kernel;
  };
  EXPECT_EQ("s", pick(1, 2));
  EXPECT_EQ("s", pick(1, 0.995));
  EXPECT_EQ("d", pick(1, 0.98));
  EXPECT_EQ("d", choose({{"d", true, 1, 0, false}})->kernel);
  EXPECT_EQ("s", choose({{"s", false, 1, 0, false}})->kernel);
}

struct PlannerTest : testing::Test {
  PlannerTest() { forget_all(); }
  ~PlannerTest() override { std::remove(path.c_str()); }

  Plan plan(std::vector<const LinearKernel*> rows) {
    CpuPlace place(device, packed, question, rows);
    return plan_kernels(place);
  }
  std::string read_file() {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  CpuDevice device{1, Isa::portable};
  std::shared_ptr<const PackedWeights> packed = random_packed(37, 29, 8);
  LinearQuestion question{{{1, 4, 20}, "", ""},
                          {37, 29, kernels::Layout::token_major, DType::f32, kernels::Activation::none, nullptr}};
  const std::string path = testing::TempDir() + "leno_plan_" + std::to_string(getpid()) + ".json";
};

TEST_F(PlannerTest, TakesTheFastestAndEliminatesTheSlow) {
  const Plan p = plan({&kToySlow, &kToy});
  for (const PlannedBucket& b : p.buckets) {
    EXPECT_STREQ("toy", b.kernel.name());
    EXPECT_EQ(Source::measured, b.source);
    ASSERT_EQ(4u, b.timed.size()) << "each with the weights as they are and dense";
    EXPECT_EQ("toy_slow", b.timed[0].kernel);
    EXPECT_FALSE(b.timed[0].dense);
    EXPECT_TRUE(b.timed[1].dense);
    EXPECT_TRUE(b.timed[1].eliminated) << "the slow one works for every kept weight";
    for (const TimedCandidate& t : b.timed) EXPECT_GT(t.seconds, 0);
  }
}

TEST_F(PlannerTest, KeepsEveryRefusalWithItsReason) {
  const Plan p = plan({&kToyAmx, &kToyBf16, &kToyFew, &kToyDense, &kToySparse});
  const auto refusal = [&](size_t bucket, const std::string& kernel, bool dense) -> std::string {
    for (const Candidate& c : p.buckets[bucket].refused) {
      if (c.kernel.name() == kernel && c.dense == dense) return c.refusal;
    }
    return "";
  };
  EXPECT_EQ("it needs amx, the device is limited to portable", refusal(0, "toy_amx", false));
  EXPECT_EQ("it multiplies bf16 weights, these are f32", refusal(0, "toy_bf16", false));
  EXPECT_EQ("toy: sparse", refusal(0, "toy_dense", false));
  EXPECT_EQ("", refusal(0, "toy_dense", true));
  EXPECT_EQ("toy: dense", refusal(1, "toy_sparse", true));
  EXPECT_EQ("", refusal(0, "toy_few", false));
  EXPECT_EQ("", refusal(1, "toy_few", false)) << "4 tokens are the most of bucket 1";
  EXPECT_EQ("toy: too many", refusal(2, "toy_few", false));
}

TEST_F(PlannerTest, TheLastBucketServesAllLargerCounts) {
  question.buckets = {4};
  const Plan one = plan({&kToy, &kToySlow});
  ASSERT_EQ(1u, one.buckets.size());
  EXPECT_EQ(kMaxTokens, one.buckets[0].bucket.to);
  const Plan two = plan({&kToyFew, &kToySlow});
  ASSERT_EQ(2u, two.buckets.size()) << "a kernel for few tokens alone does not do";
  EXPECT_STREQ("toy_few", two.buckets[0].kernel.name());
  EXPECT_EQ(4, two.buckets[0].bucket.to);
  EXPECT_STREQ("toy_slow", two.buckets[1].kernel.name());
  EXPECT_EQ(5, two.buckets[1].bucket.from);
  EXPECT_EQ(8, two.buckets[1].bucket.tokens);
  EXPECT_EQ(kMaxTokens, two.buckets[1].bucket.to);
  EXPECT_THROW(plan({&kToyFew}), Error);
  question.buckets = {5};
  EXPECT_THROW(plan({&kToyFew}), Error) << "it serves 1 .. 4, not the bucket's upper end";
}

TEST_F(PlannerTest, ForcedKernelIsTakenUnmeasured) {
  question.kernel = "toy_slow";
  const int64_t runs = toy_runs();
  const Plan p = plan({&kToy, &kToySlow});
  EXPECT_EQ(runs, toy_runs());
  EXPECT_STREQ("toy_slow", p.buckets[0].kernel.name());
  EXPECT_FALSE(p.buckets[0].dense);
  EXPECT_EQ(Source::forced, p.buckets[0].source);
  question.kernel = "toy_dense";
  EXPECT_TRUE(plan({&kToyDense}).buckets[0].dense);
}

TEST_F(PlannerTest, ForcedKernelThatCannotRunFailsWithTheReason) {
  const auto message = [&](std::vector<const LinearKernel*> rows) -> std::string {
    try {
      plan(rows);
    } catch (const Error& e) {
      return text(e.status(), " ", e.what());
    }
    return "";
  };
  question.kernel = "toy_amx";
  EXPECT_THAT(message({&kToy, &kToyAmx}), HasSubstr("30 kernel cannot serve 1 tokens; toy_amx: it needs amx"));
  question.kernel = "none such";
  EXPECT_EQ("10 kernel is \"none such\", expected the name of a kernel of this build", message({&kToy}));
  question.kernel = "";
  EXPECT_THAT(message({&kToyAmx}), HasSubstr("30 no kernel can serve 1 tokens; toy_amx: it needs amx"));
  EXPECT_THAT(message({}), HasSubstr("no kernel can serve"));
}

TEST_F(PlannerTest, OneCandidateIsNotMeasured) {
  const int64_t runs = toy_runs();
  const Plan p = plan({&kToySparse});
  EXPECT_EQ(runs, toy_runs());
  EXPECT_EQ(Source::single, p.buckets[0].source);
}

// The toys prepare M K floats; making the dense weights first takes as much twice again.
TEST_F(PlannerTest, DenseWeightsAreNotMadeWhereTheChoiceIsKnownToBeSparse) {
  packed = random_packed(256, 256, 8);
  question.spec.rows = question.spec.columns = 256;
  question.buckets = {1};
  const std::vector<const LinearKernel*> rows{&kToySparse, &kToySlow};
  const auto bytes_of = [&] {
    const int64_t before = allocated_bytes();
    EXPECT_FALSE(plan(rows).buckets[0].dense);
    return allocated_bytes() - before;
  };
  constexpr int64_t kDense = 256 * 256 * 4;
  EXPECT_GT(bytes_of(), 3 * kDense) << "measured";
  EXPECT_LT(bytes_of(), 2 * kDense) << "known from this process";
  question.kernel = "toy_slow";
  EXPECT_LT(bytes_of(), 2 * kDense) << "asked for by name";
}

TEST_F(PlannerTest, EachFormatIsPreparedOnceAndTheUnusedFreed) {
  const int64_t before = toy_prepared();
  const Plan p = plan({&kToySlow, &kToy});
  EXPECT_EQ(before + 2, toy_prepared()) << "one for the sparse, one for the dense weights, of all buckets and kernels";
  EXPECT_EQ(p.buckets[0].dense == p.buckets[1].dense, p.buckets[0].weights == p.buckets[1].weights);
}

TEST_F(PlannerTest, EqualQuestionsAreMeasuredOncePerProcess) {
  const Plan first = plan({&kToy, &kToySlow});
  const int64_t runs = toy_runs();
  const Plan second = plan({&kToy, &kToySlow});
  EXPECT_EQ(runs, toy_runs());
  EXPECT_EQ(Source::process, second.buckets[0].source);
  EXPECT_EQ(first.buckets[0].timed[0].seconds, second.buckets[0].timed[0].seconds);
  plan({&kToy, &kToySlow, &kToyDense});
  EXPECT_LT(runs, toy_runs()) << "another set of kernels is another question";
  const int64_t more = toy_runs();
  question.residual = true;
  plan({&kToy, &kToySlow});
  EXPECT_LT(more, toy_runs());
}

TEST_F(PlannerTest, PlanFileIsReused) {
  question.plan_file = path;
  const Plan first = plan({&kToy, &kToySlow});
  EXPECT_EQ("new; written, 3 choices added", first.plan_file_status);
  forget_all();
  const int64_t runs = toy_runs();
  const Plan second = plan({&kToy, &kToySlow});
  EXPECT_EQ(runs, toy_runs());
  EXPECT_EQ("read, 3 choices for this machine", second.plan_file_status);
  EXPECT_EQ(Source::file, second.buckets[2].source);
  EXPECT_STREQ(first.buckets[2].kernel.name(), second.buckets[2].kernel.name());
  EXPECT_EQ(first.buckets[2].timed.size(), second.buckets[2].timed.size());

  forget_all();
  EXPECT_EQ("read, no choices for this machine, library version and set of kernels; written, 3 choices added",
            plan({&kToy, &kToyDense}).plan_file_status);
  forget_all();
  EXPECT_EQ("read, 3 choices for this machine", plan({&kToy, &kToySlow}).plan_file_status) << "merged, not replaced";
}

TEST_F(PlannerTest, AFileThatClaimsTheImpossibleIsNotBelieved) {
  question.plan_file = path;
  plan({&kToySlow, &kToy});
  std::string content = read_file();
  for (size_t at; (at = content.find("\"kernel\": \"toy\"")) != std::string::npos;) {
    content.replace(at, 15, "\"kernel\": \"gone\"");
  }
  std::ofstream(path) << content;
  forget_all();
  const Plan p = plan({&kToySlow, &kToy});
  EXPECT_EQ(Source::measured, p.buckets[0].source);
  EXPECT_STREQ("toy", p.buckets[0].kernel.name());
}

TEST_F(PlannerTest, AFileThatIsNoPlanIsLeftAlone) {
  question.plan_file = path;
  for (const std::string content : {"weights of a model", "{\"leno_plan\":2}", "{}", "[1]", "{\"leno_plan\":1}",
                                    "{\"leno_plan\":1,\"machines\":[]}", "{\"leno_plan\":{},\"machines\":{}}"}) {
    std::ofstream(path) << content;
    forget_all();
    const Plan p = plan({&kToy, &kToySlow});
    EXPECT_EQ(Source::measured, p.buckets[0].source);
    EXPECT_THAT(p.plan_file_status, HasSubstr("ignored and left alone: "));
    EXPECT_EQ(content, read_file());
  }
}

// As a temporary file is, before anything is written to it.
TEST_F(PlannerTest, AnEmptyFileIsANewPlan) {
  question.plan_file = path;
  std::ofstream(path) << "";
  EXPECT_EQ("new; written, 3 choices added", plan({&kToy, &kToySlow}).plan_file_status);
  forget_all();
  EXPECT_EQ("read, 3 choices for this machine", plan({&kToy, &kToySlow}).plan_file_status);
}

// Opening a pipe for reading waits for a writer, who may never come.
TEST_F(PlannerTest, APathThatIsNoFileIsLeftAlone) {
  ASSERT_EQ(0, mkfifo(path.c_str(), 0600));
  question.plan_file = path;
  EXPECT_THAT(plan({&kToy, &kToySlow}).plan_file_status, HasSubstr("not a regular file"));
}

TEST_F(PlannerTest, DamagedChoicesAreIgnored) {
  question.plan_file = path;
  plan({&kToy, &kToySlow});
  auto json = nlohmann::json::parse(read_file());
  for (auto& [machine, choices] : json["machines"].items()) {
    for (auto& [key, choice] : choices.items()) choice["kernel"] = 3;
  }
  std::ofstream(path) << json;
  forget_all();
  const Plan p = plan({&kToy, &kToySlow});
  EXPECT_EQ(Source::measured, p.buckets[0].source);
  EXPECT_THAT(p.plan_file_status, HasSubstr("ignored and left alone: "));
}

TEST_F(PlannerTest, AFileThatCannotBeWrittenIsToldNotThrown) {
  question.plan_file = testing::TempDir() + "no_such_folder/plan.json";
  EXPECT_THAT(plan({&kToy, &kToySlow}).plan_file_status, HasSubstr("cannot be written: No such file"));
}

TEST_F(PlannerTest, WritersAtOnceLeaveAWholeFile) {
  std::vector<std::thread> writers;
  for (int t = 0; t < 4; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        PlanFile file(path, "machine");
        file.add(text("key ", t, " ", i), {"toy", false, {}});
        file.save();
      }
    });
  }
  for (std::thread& w : writers) w.join();
  EXPECT_EQ("read, 80 choices for this machine", PlanFile(path, "machine").status());
}

TEST_F(PlannerTest, BucketsThatAreTooLargeAreTimedWithFewerTokens) {
  constexpr int64_t kColumns = 1 << 18;  // a token takes a megabyte and 4 bytes
  packed = random_packed(1, kColumns, 4);
  question.spec.rows = 1;
  question.spec.columns = kColumns;
  question.buckets = {2, 100};
  const Plan p = plan({&kToy});
  EXPECT_EQ(2, p.buckets[0].timed_tokens);
  EXPECT_EQ(63, p.buckets[1].timed_tokens);
  EXPECT_EQ(63, toy_most_tokens());
  const auto json =
      nlohmann::json::parse(explain(LinearDescription(CpuPlace::describe(device), *packed, question, false), p));
  EXPECT_EQ(63, json["buckets"][1]["timed_tokens"]);
  EXPECT_THAT(json["buckets"][1]["reason"], HasSubstr("timed with 63 tokens"));
  EXPECT_THAT(json["buckets"][0]["reason"], testing::Not(HasSubstr("timed with")));
}

TEST_F(PlannerTest, ExplainIsJsonThatTellsAll) {
  question.plan_file = path;
  const Plan p = plan({&kToySlow, &kToy, &kToyFew, &kToyAmx});
  const auto json =
      nlohmann::json::parse(explain(LinearDescription(CpuPlace::describe(device), *packed, question, false), p));
  EXPECT_EQ("linear", json["op"]);
  EXPECT_EQ(37, json["M"]);
  EXPECT_EQ(29, json["K"]);
  EXPECT_EQ("shfl-bw", json["pattern"]);
  EXPECT_EQ(8, json["V"]);
  EXPECT_NEAR(1 - packed->density(), json["sparsity"].get<double>(), 1e-4);
  EXPECT_EQ("f32", json["dtype"]);
  EXPECT_EQ("token_major", json["layout"]);
  EXPECT_EQ(path, json["plan_file"]["path"]);
  ASSERT_EQ(3u, json["buckets"].size());
  const auto& last = json["buckets"][2];
  EXPECT_EQ(20, last["tokens"]);
  EXPECT_EQ(5, last["from"]);
  EXPECT_TRUE(last["to"].is_null());
  EXPECT_EQ("measured", last["source"]);
  EXPECT_EQ(7u, last["candidates"].size()) << "a refusal for its instruction set is told once";
  EXPECT_GT(last["candidates"][0]["microseconds"], 0);
  EXPECT_EQ("toy: too many", last["candidates"][4]["refusal"]);
  EXPECT_FALSE(last["reason"].get<std::string>().empty());
}

}  // namespace
