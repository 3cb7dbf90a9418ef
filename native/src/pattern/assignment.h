#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace leno {

// Rows shared out to groups of fixed size: `vector` rows each, the last group what is left over.
class Assignment {
 public:
  Assignment(int64_t rows, int64_t vector);
  static Assignment from_permutation(const std::vector<int32_t>& permutation, int64_t vector);

  // Gives every row to a group so that the sum of value[row * groups + group] is large: best pairs first.
  void assign_greedily(const float* value);
  // Exchanges rows between groups while that raises the sum. Returns how many exchanges were made.
  int64_t improve_by_swaps(const float* value);

  void swap(int64_t group_a, int64_t slot_a, int64_t group_b, int64_t slot_b);
  int32_t row(int64_t group, int64_t slot) const { return rows_[static_cast<size_t>(group * vector_ + slot)]; }
  int64_t group_rows(int64_t g) const { return g + 1 < groups_ ? vector_ : count_ - g * vector_; }
  int64_t groups() const { return groups_; }
  const std::vector<int32_t>& order() const { return rows_; }

  // The groups one after the other, rows ascending inside each.
  std::vector<int32_t> permutation() const;

 private:
  int64_t count_, vector_, groups_;
  std::vector<int32_t> rows_;  // group by group
};

}  // namespace leno
