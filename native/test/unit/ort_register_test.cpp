// What happens when ONNX Runtime registers the library: its configuration, its failures, and what is kept.
#include <gmock/gmock.h>

#include "ort/session_config.h"
#include "ort/values.h"
#include "ort_fake.h"

namespace leno::ort {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

class OrtRegister : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(FakeRuntime::statuses.size(), 0u) << "a status was not released";
    FakeRuntime::failing.clear();
    FakeRuntime::newest = kApiVersion;
  }

  static std::string refusal(const std::string& key, const std::string& value) {
    SessionOptions options{{{key, value}}, {}};
    const auto [code, message] = FakeRuntime::take(RegisterCustomOps(&options, FakeRuntime::base()));
    EXPECT_EQ(code, kInvalidArgument) << key << " = " << value;
    EXPECT_TRUE(options.domains.empty());
    return message;
  }

  static SessionConfig config(std::map<std::string, std::string> entries) {
    const SessionOptions options{std::move(entries), {}};
    return read_session_config(*FakeRuntime::api(), &options);
  }
};

TEST_F(OrtRegister, AddsTheDomainWithTheOperator) {
  SessionOptions options;
  ASSERT_EQ(RegisterCustomOps(&options, FakeRuntime::base()), nullptr);
  ASSERT_EQ(options.domains.size(), 1u);
  EXPECT_EQ(options.domains[0]->name, "io.leno");
  ASSERT_EQ(options.domains[0]->ops.size(), 2u);
  const CustomOp* op = options.domains[0]->ops[0];
  EXPECT_EQ(op->version, kApiVersion);
  EXPECT_STREQ(op->get_name(op), "Linear");
  EXPECT_EQ(op->get_start_version(op), 1);
  EXPECT_EQ(op->get_end_version(op), 1);
  ASSERT_EQ(op->get_input_type_count(op), 6u);
  for (size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(op->get_input_type(op, i), i == 1 ? kUint8 : kFloat);
    EXPECT_EQ(op->get_input_characteristic(op, i), i <= 1 ? kRequired : kOptional);
  }
  EXPECT_EQ(op->get_output_type_count(op), 1u);
  EXPECT_EQ(op->get_output_type(op, 0), kFloat);
  const CustomOp* conv = options.domains[0]->ops[1];
  EXPECT_STREQ(conv->get_name(conv), "Conv");
  EXPECT_EQ(conv->get_execution_provider_type(conv), nullptr);
  ASSERT_EQ(conv->get_input_type_count(conv), 4u);
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(conv->get_input_type(conv, i), i == 1 ? kUint8 : kFloat);
    EXPECT_EQ(conv->get_input_characteristic(conv, i), i <= 1 ? kRequired : kOptional);
  }
}

TEST_F(OrtRegister, AddsOperatorsOfTheCudaProviderWhereASessionNamesACard) {
  SessionOptions options{{{"leno.cuda", "0"}}, {}};
  ASSERT_EQ(RegisterCustomOps(&options, FakeRuntime::base()), nullptr);
  const auto& ops = options.domains.at(0)->ops;
  ASSERT_EQ(ops.size(), 5u);
  EXPECT_EQ(ops[0]->get_execution_provider_type(ops[0]), nullptr);
  EXPECT_EQ(ops[0]->get_input_memory_type(ops[0], 1), kOnDevice);
  EXPECT_EQ(ops[1]->get_execution_provider_type(ops[1]), nullptr);  // convolutions
  for (size_t i : {2, 3, 4}) {
    const CustomOp* op = ops[i];
    const ElementType io = i == 2 ? kFloat : i == 3 ? kFloat16 : kBfloat16;
    EXPECT_STREQ(op->get_name(op), "Linear");
    EXPECT_STREQ(op->get_execution_provider_type(op), "CUDAExecutionProvider");
    EXPECT_EQ(op->get_output_type(op, 0), io);
    const ElementType types[] = {io, kUint8, kFloat, io, kFloat, kFloat};
    const MemoryType places[] = {kOnDevice, kOnHost, kOnHost, kOnDevice, kOnHost, kOnHost};
    for (size_t input = 0; input < 6; ++input) {
      EXPECT_EQ(op->get_input_type(op, input), types[input]);
      EXPECT_EQ(op->get_input_memory_type(op, input), places[input]);
    }
  }
  EXPECT_EQ(3, config({{"leno.cuda", "3"}}).cuda);
  EXPECT_EQ(-1, config({}).cuda);
  EXPECT_EQ(LENO_BF16, config({}).cuda_weights);
  EXPECT_EQ(LENO_BF16, config({{"leno.cuda_weights", "bf16"}}).cuda_weights);
  EXPECT_EQ(LENO_F16, config({{"leno.cuda_weights", "f16"}}).cuda_weights);
  for (const char* bad : {"", "f32", "auto", "F16"}) {
    EXPECT_THAT(refusal("leno.cuda_weights", bad), HasSubstr("expected bf16 or f16"));
  }
  for (const char* bad : {"", "-1", "one", "1024", "0 "}) {
    EXPECT_THAT(refusal("leno.cuda", bad), HasSubstr("expected the ordinal of a CUDA device"));
  }
}

TEST_F(OrtRegister, KeepsOneRegistrationForEachConfiguration) {
  SessionOptions plain;
  SessionOptions again;
  SessionOptions threads{{{"leno.threads", "2"}}, {}};
  SessionOptions threads_again{{{"leno.threads", "2"}, {"leno.isa", "auto"}}, {}};
  for (SessionOptions* options : {&plain, &again, &threads, &threads_again}) {
    ASSERT_EQ(RegisterCustomOps(options, FakeRuntime::base()), nullptr);
  }
  EXPECT_EQ(plain.domains, again.domains);
  EXPECT_EQ(threads.domains, threads_again.domains);
  EXPECT_NE(plain.domains, threads.domains);
  const size_t kept = FakeRuntime::domains.size();
  for (int i = 0; i < 1000; ++i) {
    SessionOptions options{{{"leno.threads", i % 2 == 0 ? "1" : "2"}}, {}};
    ASSERT_EQ(RegisterCustomOps(&options, FakeRuntime::base()), nullptr);
  }
  EXPECT_EQ(FakeRuntime::domains.size(), kept);
}

TEST_F(OrtRegister, ReadsTheConfiguration) {
  const SessionConfig absent = config({});
  EXPECT_EQ(absent.threads, 1);
  EXPECT_EQ(absent.isa, 0);
  EXPECT_EQ(absent.plan_file, "");
  EXPECT_THAT(absent.buckets, ElementsAre(1, 16, 128));
  const SessionConfig given = config({{"leno.threads", "1024"},
                                      {"leno.isa", "portable"},
                                      {"leno.plan_file", "/a b/ü.json"},
                                      {"leno.buckets", "3,5,1073741824"}});
  EXPECT_EQ(given.threads, 1024);
  EXPECT_EQ(given.isa, LENO_ISA_PORTABLE);
  EXPECT_EQ(given.plan_file, "/a b/ü.json");
  EXPECT_THAT(given.buckets, ElementsAre(3, 5, 1073741824));
  EXPECT_THAT(config({{"leno.buckets", "7"}}).buckets, ElementsAre(7));
}

TEST_F(OrtRegister, RefusesBadEntriesByKeyAndValue) {
  for (const char* value : {"", "0", "1025", "-1", "+1", " 1", "1 ", "0x1", "two", "99999999999999999999"}) {
    EXPECT_THAT(refusal("leno.threads", value),
                AllOf(HasSubstr("leno.threads is \"" + std::string(value) + "\""), HasSubstr("1 to 1024")));
  }
  for (const char* value : {"", "foo", "AVX2", "avx2 "}) {
    EXPECT_THAT(refusal("leno.isa", value),
                AllOf(HasSubstr("leno.isa is \"" + std::string(value) + "\""), HasSubstr("avx512_dot")));
  }
  for (const char* value : {"", ",", "5,x", "5,", ",5", "0", "4,4", "16,4", "1073741825", "1;2",
                            "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"}) {
    EXPECT_THAT(refusal("leno.buckets", value),
                AllOf(HasSubstr("leno.buckets is \"" + std::string(value) + "\""), HasSubstr("ascending")));
  }
}

TEST_F(OrtRegister, HandsOnFailuresAndKeepsNothingOfThem) {
  const size_t kept = FakeRuntime::domains.size();
  for (int slot : {26, 27, 28}) {
    FakeRuntime::failing = {slot};
    // A configuration of its own: what is registered already needs neither domain nor operator.
    SessionOptions options{{{"leno.buckets", "31"}}, {}};
    const auto [code, message] = FakeRuntime::take(RegisterCustomOps(&options, FakeRuntime::base()));
    EXPECT_EQ(code, kFail) << slot;
    EXPECT_TRUE(options.domains.empty());
    if (slot != 28) {
      EXPECT_EQ(FakeRuntime::domains.size(), kept);
    }
  }
  FakeRuntime::failing = {238};
  SessionOptions unreadable{{{"leno.isa", "auto"}}, {}};
  EXPECT_THAT(FakeRuntime::take(RegisterCustomOps(&unreadable, FakeRuntime::base())).second, HasSubstr("leno.isa"));
  FakeRuntime::failing.clear();
  SessionOptions options{{{"leno.buckets", "31"}}, {}};
  ASSERT_EQ(RegisterCustomOps(&options, FakeRuntime::base()), nullptr);
  EXPECT_EQ(FakeRuntime::domains.size(), kept + 1);
}

TEST_F(OrtRegister, LeavesARuntimeAloneThatIsTooOld) {
  FakeRuntime::newest = kApiVersion - 1;
  SessionOptions options;
  EXPECT_EQ(RegisterCustomOps(&options, FakeRuntime::base()), nullptr);
  EXPECT_TRUE(options.domains.empty());
}

}  // namespace
}  // namespace leno::ort
