#include "static/cuda_resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The checker, on logs and PTX with planted violations.
namespace leno_static {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

const std::string kName = "f16_linear_shflbw_m64n64k32_sm80";

std::string ptx(const std::string& body, int threads = 256, int blocks = 2) {
  return ".visible .entry " + kName + "(\n.param .align 64 .b8 p[8]\n)\n.maxntid " + std::to_string(threads) +
         "\n.minnctapersm " + std::to_string(blocks) + "\n{\n" + body + "ret;\n}\n";
}
const std::string kBody =
    "cp.async.cg.shared.global [%r1], [%rd1], 16, %r2;\n"
    "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%r1, %r2, %r3, %r4}, [%r5];\n"
    "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r2}, {%f1};\n";

std::string log(int registers, int stack = 0, int spills = 0, const std::string& arch = "80") {
  return "ptxas info    : 0 bytes gmem\nptxas info    : Compiling entry function '" + kName + "' for 'sm_" + arch +
         "'\nptxas info    : Function properties for " + kName + "\n    " + std::to_string(stack) +
         " bytes stack frame, " + std::to_string(spills) + " bytes spill stores, 0 bytes spill loads\n" +
         "ptxas info    : Used " + std::to_string(registers) + " registers, used 1 barriers, 360 bytes cmem[0]\n";
}

Entries read(const std::string& ptx, const std::string& log) {
  Entries entries;
  read_ptx("linear_sm80", ptx, entries);
  read_log(log, entries);
  return entries;
}

const DynamicShared kShared{{kName, {{80, 65536}}}};

TEST(CudaResources, EntryInOrderHasNoFault) {
  const Entries entries = read(ptx(kBody), log(120));
  EXPECT_THAT(faults(entries, {75, 80}, kShared), IsEmpty());
  EXPECT_THAT(table(entries, kShared),
              ElementsAre(testing::_, kName + "\t80\t256\t120\t1\t0\t65536\t2\t16\tcp.async ldmatrix mma.m16n8k16"));
}

TEST(CudaResources, PlantedViolationsAreFound) {
  EXPECT_THAT(faults(read(ptx(kBody), log(120, 0, 8)), {80}, kShared),
              ElementsAre(kName + ": 8 bytes of spills on sm_80"));
  EXPECT_THAT(faults(read(ptx(kBody), log(120, 16)), {80}, kShared),
              ElementsAre(kName + ": a stack of 16 bytes on sm_80"));
  EXPECT_THAT(faults(read(ptx(kBody), log(120)), {80, 86}, kShared), ElementsAre(kName + ": not compiled for sm_86"));
  EXPECT_THAT(faults(read(ptx(kBody), log(129)), {80}, kShared),
              ElementsAre(kName + ": registers for 1 blocks of a multiprocessor on sm_80, expected 2"));
  EXPECT_THAT(faults(read(ptx(kBody), log(120)), {80}, {{kName, {{80, 100000}}}}), IsEmpty());
  EXPECT_THAT(faults(read(ptx(kBody), log(120)), {80}, {{kName, {{80, 170000}}}}),
              ElementsAre(kName + ": not one block fits a multiprocessor on sm_80"));
  EXPECT_THAT(faults(read(ptx(kBody, 0), log(120)), {80}, kShared), Contains(kName + ": no launch bounds"));
  const std::string without = kBody.substr(0, kBody.find("ldmatrix")) + kBody.substr(kBody.find("mma"));
  EXPECT_THAT(faults(read(ptx(without), log(120)), {80}, kShared), ElementsAre(kName + ": no ldmatrix"));
  EXPECT_THAT(faults(read(ptx(kBody + "mma.sync.aligned.m16n8k8.row.col.f32 {};\n"), log(120)), {80}, kShared),
              ElementsAre(kName + ": has mma.m16n8k8"));
}

TEST(CudaResources, InstructionsUnderPredicatesAreSeen) {
  const Entries entries = read(ptx("@%p1 cp.async.cg.shared.global [%r1], [%rd1], 16, %r2;\n"), log(20));
  EXPECT_THAT(entries.at(kName).instructions, ElementsAre("cp.async"));
}

TEST(CudaResources, DeviationsOfCardsThatWereBuilt) {
  const std::vector<std::string> kept{"entry\tarch", "a\t80\t5", "a\t90\t5", "gone\t80\t1"};
  EXPECT_THAT(deviations(kept, {"entry\tarch", "a\t80\t6", "new\t80\t1"}, {80}),
              ElementsAre("- a\t80\t5", "- gone\t80\t1", "+ a\t80\t6", "+ new\t80\t1"));
  EXPECT_THAT(deviations(kept, kept, {80, 90}), IsEmpty());
}

// The figures of NVIDIA's occupancy calculator for each limit: warps, registers, shared memory, blocks.
TEST(CudaResources, BlocksPerMultiprocessor) {
  const auto blocks = [](int arch, int threads, int registers, int shared) {
    Resources r;
    r.registers = registers;
    return blocks_per_multiprocessor(arch, threads, r, shared);
  };
  EXPECT_EQ(blocks(90, 128, 32, 0), 16);
  EXPECT_EQ(blocks(86, 128, 32, 0), 12);
  EXPECT_EQ(blocks(75, 256, 32, 0), 4);
  EXPECT_EQ(blocks(80, 32, 16, 0), 32);
  EXPECT_EQ(blocks(80, 256, 128, 0), 2);
  EXPECT_EQ(blocks(80, 256, 129, 0), 1);
  EXPECT_EQ(blocks(80, 384, 168, 0), 1);
  EXPECT_EQ(blocks(90, 128, 64, 227 * 1024), 1);
  EXPECT_EQ(blocks(90, 128, 64, 113 * 1024), 2);
  EXPECT_EQ(blocks(90, 128, 64, 114 * 1024), 1);
  EXPECT_EQ(blocks(75, 128, 64, 32 * 1024), 2);
  EXPECT_EQ(blocks(86, 128, 64, 100 * 1024), 0);
}

}  // namespace
}  // namespace leno_static
