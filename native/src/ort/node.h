#pragma once

#include <optional>
#include <string>

#include "ort/values.h"

namespace leno::ort {

// What a model says about a node of ours, readable while the node's kernel is made. Everything throws leno::Error with
// the attribute or input, its value and what was expected.
class Node {
 public:
  Node(const Api& api, const KernelInfo* info) : api_(api), info_(info) {}

  // Attributes: nothing where the node has none of this name.
  std::optional<std::string> text(const char* name) const;
  std::optional<int64_t> integer(const char* name) const;
  std::optional<float> number(const char* name) const;

  // Whether the node has this input: optional ones may be left out.
  bool has(size_t input) const;

  // The input, which must be a constant of the model.
  Tensor constant(size_t input, const char* name, ElementType type) const;

 private:
  void refuse_other_types(const char* name, const char* expected) const;

  const Api& api_;
  const KernelInfo* info_;
};

}  // namespace leno::ort
