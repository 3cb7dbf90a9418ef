#include "pattern/detection.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "core/error.h"
#include "core/finite.h"

namespace leno {
namespace {

using Bits = uint64_t;

// The non-zeros of every row, a bit each.
class RowMasks {
 public:
  explicit RowMasks(MatrixView<const float> w)
      : rows_(w.rows),
        columns_(w.columns),
        words_((w.columns + 63) / 64),
        bits_(static_cast<size_t>(w.rows * words_)),
        count_(static_cast<size_t>(w.rows)) {
    for (int64_t r = 0; r < rows_; ++r) {
      for (int64_t c = 0; c < columns_; ++c) {
        bits_[static_cast<size_t>(r * words_ + c / 64)] |= static_cast<Bits>(w(r, c) != 0) << (c % 64);
      }
      for (int64_t i = 0; i < words_; ++i) count_[static_cast<size_t>(r)] += std::popcount(row(r)[i]);
      total_ += count_[static_cast<size_t>(r)];
    }
  }

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  int64_t words() const { return words_; }
  int64_t total() const { return total_; }
  const Bits* row(int64_t r) const { return bits_.data() + r * words_; }
  int64_t count(int64_t r) const { return count_[static_cast<size_t>(r)]; }
  bool has(int64_t r, int64_t c) const { return (row(r)[c / 64] >> (c % 64) & 1) != 0; }

 private:
  int64_t rows_, columns_, words_, total_ = 0;
  std::vector<Bits> bits_;
  std::vector<int64_t> count_;
};

// Every column in which any row of the group has a weight.
Pattern union_pattern(const RowMasks& masks, std::vector<int32_t> permutation, int64_t vector) {
  Pattern p;
  p.rows = masks.rows();
  p.columns = masks.columns();
  p.vector = vector;
  p.permutation = std::move(permutation);
  p.offsets.push_back(0);
  std::vector<Bits> any(static_cast<size_t>(masks.words()));
  for (int64_t g = 0; g < p.groups(); ++g) {
    std::fill(any.begin(), any.end(), 0);
    for (int64_t i = 0; i < p.group_rows(g); ++i) {
      const Bits* row = masks.row(p.permutation[static_cast<size_t>(g * vector + i)]);
      for (size_t k = 0; k < any.size(); ++k) any[k] |= row[k];
    }
    for (int64_t c = 0; c < p.columns; ++c) {
      if (any[static_cast<size_t>(c / 64)] >> (c % 64) & 1) p.indices.push_back(static_cast<int32_t>(c));
    }
    p.offsets.push_back(static_cast<int64_t>(p.indices.size()));
  }
  return p;
}

// Zeros that a group of these rows stores and that its structure does not excuse. A kept vector may lack a few weights
// that merely happen to be zero, one in eight of its rows and at least one; with more it is no kept vector at all.
int64_t excess_zeros(const RowMasks& masks, const int32_t* rows, int64_t count) {
  std::vector<int32_t> weights(static_cast<size_t>(masks.columns()));
  for (int64_t i = 0; i < count; ++i) {
    for (int64_t c = 0; c < masks.columns(); ++c) weights[static_cast<size_t>(c)] += masks.has(rows[i], c);
  }
  const int64_t few = count == 1 ? 0 : std::max<int64_t>(1, count / 8);
  int64_t excess = 0;
  for (const int32_t n : weights) {
    if (n > 0 && count - n > few) excess += count - n;
  }
  return excess;
}

int64_t allowed_excess(const RowMasks& masks) { return masks.rows() * masks.columns() / 50; }

// The pattern explains the zeros: it stores hardly more than the weights, and drops most of what is zero.
bool fits(const RowMasks& masks, const Pattern& p) {
  const int64_t zeros = masks.rows() * masks.columns() - masks.total();
  if (2 * (p.kept_weights() - masks.total()) > zeros) return false;
  int64_t excess = 0;
  for (int64_t g = 0; g < p.groups(); ++g) {
    excess += excess_zeros(masks, p.permutation.data() + g * p.vector, p.group_rows(g));
  }
  return excess <= allowed_excess(masks);
}

// Rows that share their zeros, group by group: the fullest row left over leads, and the row joins that makes the group
// store the fewest zeros. Equal rows thus come together first, then rows that lack some of the group's columns; a row
// without any weight joins where no other does better.
class Grouping {
 public:
  Grouping(const RowMasks& masks, int64_t vector)
      : masks_(masks),
        vector_(vector),
        any_(static_cast<size_t>(masks.words())),
        outside_(static_cast<size_t>(masks.rows())),
        left_(outside_.size()) {
    std::iota(left_.begin(), left_.end(), 0);
    std::stable_sort(left_.begin(), left_.end(),
                     [&](int32_t a, int32_t b) { return masks_.count(a) > masks_.count(b); });
  }

  // Empty as soon as the groups store more zeros than allowed.
  std::vector<int32_t> permutation(int64_t allowed) {
    std::vector<int32_t> all, last;
    int64_t excess = 0;
    const int64_t rest = masks_.rows() % vector_;
    while (!left_.empty()) {
      std::vector<int32_t> group = grow(std::min<int64_t>(vector_, static_cast<int64_t>(left_.size())));
      // As many rows as the short group has fit together, and the others do not: this is the short group.
      const bool is_last = rest > 0 && last.empty() && static_cast<int64_t>(group.size()) > rest &&
                           clean(group.data(), rest) && !clean(group.data(), static_cast<int64_t>(group.size()));
      if (is_last) group.resize(static_cast<size_t>(rest));
      std::sort(group.begin(), group.end());
      std::erase_if(left_, [&](int32_t r) { return std::binary_search(group.begin(), group.end(), r); });
      excess += excess_zeros(masks_, group.data(), static_cast<int64_t>(group.size()));
      if (excess > allowed) return {};
      std::vector<int32_t>& to = is_last ? last : all;
      to.insert(to.end(), group.begin(), group.end());
    }
    all.insert(all.end(), last.begin(), last.end());
    return all;
  }

 private:
  std::vector<int32_t> grow(int64_t size) {
    std::fill(any_.begin(), any_.end(), 0);
    std::vector<int32_t> group, candidates = left_;
    int64_t inside = 0;  // columns of the group
    size_t next = 0;
    for (;;) {
      const int32_t joined = candidates[next];
      candidates.erase(candidates.begin() + static_cast<std::ptrdiff_t>(next));
      group.push_back(joined);
      if (static_cast<int64_t>(group.size()) == size) return group;
      bool grown = group.size() == 1;
      for (size_t k = 0; k < any_.size(); ++k) {
        const Bits now = any_[k] | masks_.row(joined)[k];
        grown |= now != any_[k];
        any_[k] = now;
      }
      if (grown) {
        inside = 0;
        for (const Bits b : any_) inside += std::popcount(b);
        for (const int32_t r : candidates) outside_[static_cast<size_t>(r)] = count_outside(r);
      }
      // Zeros that come with row r: its own in the group's columns, and the group's in its.
      int64_t fewest = INT64_MAX;
      for (size_t i = 0; i < candidates.size(); ++i) {
        const int32_t r = candidates[i];
        const int64_t outside = outside_[static_cast<size_t>(r)];
        const int64_t zeros = inside + outside - masks_.count(r) + static_cast<int64_t>(group.size()) * outside;
        if (zeros < fewest) {
          fewest = zeros;
          next = i;
        }
      }
    }
  }

  int64_t count_outside(int32_t r) const {
    const Bits* row = masks_.row(r);
    int64_t n = 0;
    for (size_t k = 0; k < any_.size(); ++k) n += std::popcount(row[k] & ~any_[k]);
    return n;
  }

  // Whether a group of these rows would store few zeros: one in eight.
  bool clean(const int32_t* rows, int64_t count) const {
    std::vector<Bits> any(any_.size());
    int64_t weights = 0, columns = 0;
    for (int64_t i = 0; i < count; ++i) {
      for (size_t k = 0; k < any.size(); ++k) any[k] |= masks_.row(rows[i])[k];
      weights += masks_.count(rows[i]);
    }
    for (const Bits b : any) columns += std::popcount(b);
    return 8 * (columns * count - weights) <= columns * count;
  }

  const RowMasks& masks_;
  const int64_t vector_;
  std::vector<Bits> any_;         // columns of the group that is growing
  std::vector<int64_t> outside_;  // per row: its weights in other columns
  std::vector<int32_t> left_;     // rows without a group, the fullest first
};

struct Finding {
  int64_t structure;
  Pattern pattern;
};

// The pattern is only given where it fits or is wanted anyway.
Finding look_for(const RowMasks& masks, int64_t vector, bool wanted_anyway) {
  std::vector<int32_t> order(static_cast<size_t>(masks.rows()));
  std::iota(order.begin(), order.end(), 0);
  Pattern plain = union_pattern(masks, std::move(order), vector);
  if (fits(masks, plain)) return {LENO_STRUCTURE_VECTOR_WISE, std::move(plain)};
  order = Grouping(masks, vector).permutation(wanted_anyway ? INT64_MAX : allowed_excess(masks));
  if (order.empty()) return {LENO_STRUCTURE_UNSTRUCTURED, {}};
  Pattern shuffled = union_pattern(masks, std::move(order), vector);
  if (fits(masks, shuffled)) return {LENO_STRUCTURE_SHFL_BW, std::move(shuffled)};
  const bool shuffle_helps = shuffled.kept_weights() < plain.kept_weights();
  return {LENO_STRUCTURE_UNSTRUCTURED, shuffle_helps ? std::move(shuffled) : std::move(plain)};
}

}  // namespace

Pattern detect_pattern(MatrixView<const float> w, int32_t vector, leno_structure_report* report) {
  if (vector != 0) check_vector(vector);
  require_finite(w, "w");
  const RowMasks masks(w);
  const double size = static_cast<double>(w.rows) * static_cast<double>(w.columns);
  const double zeros = 1 - static_cast<double>(masks.total()) / size;

  // Beyond the first V that holds all rows in one group a larger one changes nothing.
  int64_t largest = kMaxVector;
  while (largest > kMinVector && largest / 2 >= w.rows) largest /= 2;

  Finding found;
  if (zeros < 0.01) {
    std::vector<int32_t> identity(static_cast<size_t>(w.rows));
    std::iota(identity.begin(), identity.end(), 0);
    found = {LENO_STRUCTURE_DENSE, union_pattern(masks, std::move(identity), vector != 0 ? vector : largest)};
  } else if (vector != 0) {
    found = look_for(masks, vector, true);
  } else {
    for (int64_t v = largest; v >= kMinVector; v /= 2) {
      found = look_for(masks, v, v == kMinVector);
      if (found.structure != LENO_STRUCTURE_UNSTRUCTURED) break;
    }
  }
  if (report != nullptr) {
    *report = {found.structure, zeros, static_cast<double>(found.pattern.kept_weights()) / size};
  }
  return std::move(found.pattern);
}

}  // namespace leno
