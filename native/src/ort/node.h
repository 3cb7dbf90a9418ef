#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "leno/packed.h"
#include "ort/values.h"

namespace leno::ort {

// What a model says about a node of ours, readable while the node's kernel is made. Everything throws leno::Error with
// the attribute or input, its value and what was expected.
class Node {
 public:
  // op: the operator's name in messages, static text.
  Node(const Api& api, const KernelInfo* info, const char* op) : api_(api), info_(info), op_(op) {}

  // Attributes: nothing where the node has none of this name.
  std::optional<std::string> text(const char* name) const;
  std::optional<int64_t> integer(const char* name) const;
  std::optional<float> number(const char* name) const;
  std::optional<std::vector<int64_t>> integers(const char* name) const;

  // Attributes that our operators share. `version` must be 1; `activation` is none where it is absent.
  void require_version() const;
  int activation() const;
  double negative_slope() const { return number("negative_slope").value_or(0.01f); }

  // Whether the node has this input: optional ones may be left out.
  bool has(size_t input) const;

  // The input, which must be a constant of the model.
  Tensor constant(size_t input, const char* name, ElementType type) const;

  using Packed = std::unique_ptr<leno_packed_s, decltype(&leno_packed_destroy)>;
  // A blob of packed weights, and what is in it.
  Packed packed(size_t input, leno_packed_info* info) const;

  // A float constant of `expected` elements, which lives as long as the node's kernel; nullptr where it is absent, and
  // count as it was.
  const float* floats(size_t input, const char* name, int64_t expected, int64_t* count) const;

 private:
  template <class Get>
  size_t count(Get get, const char* name) const;
  void refuse_other_types(const char* name, const char* expected) const;

  const Api& api_;
  const KernelInfo* info_;
  const char* op_;
};

}  // namespace leno::ort
