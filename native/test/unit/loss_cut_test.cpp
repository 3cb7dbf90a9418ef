#include "pattern/loss_cut.h"

#include <gtest/gtest.h>

namespace {

using leno::cut_losses;
using Drops = std::vector<int64_t>;

TEST(LossCut, TakesTheCheapestOverGroups) {
  EXPECT_EQ((Drops{2, 1}), cut_losses({{4, {1, 2, 9}}, {4, {2.5, 3, 4}}}, 12));
  EXPECT_EQ((Drops{0, 0}), cut_losses({{4, {1, 2, 9}}, {4, {2.5, 3, 4}}}, 0));
  EXPECT_EQ((Drops{3, 3}), cut_losses({{4, {1, 2, 9}}, {4, {2.5, 3, 4}}}, 24));
}

TEST(LossCut, ADearDropCountsAtTheMeanOfWhatItOpens) {
  // 6 then 0: 3 each, dearer than 2 and cheaper than 4.
  EXPECT_EQ((Drops{0, 1}), cut_losses({{1, {6, 0}}, {1, {2, 4}}}, 1));
  EXPECT_EQ((Drops{2, 1}), cut_losses({{1, {6, 0}}, {1, {2, 4}}}, 3));
  EXPECT_EQ((Drops{1, 1}), cut_losses({{1, {6, 0}}, {1, {2, 4}}}, 2));  // a run may be cut to meet the target
}

TEST(LossCut, ShortGroupsCompeteByLossPerWeight) {
  // One weight for 1.5 is dearer than four for 4.
  EXPECT_EQ((Drops{1, 0}), cut_losses({{4, {4}}, {1, {1.5}}}, 4));
  EXPECT_EQ((Drops{1, 1}), cut_losses({{4, {4}}, {1, {1.5}}}, 5));
}

TEST(LossCut, TiesGoToTheLowerGroup) { EXPECT_EQ((Drops{1, 0, 0}), cut_losses({{4, {1}}, {4, {1}}, {4, {1}}}, 4)); }

}  // namespace
