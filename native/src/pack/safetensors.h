#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/file.h"

// The safetensors container: an 8-byte little-endian length, a JSON header of that length, the tensors without gaps.
// https://github.com/huggingface/safetensors
namespace leno {

struct Tensor {
  std::string name;
  std::string dtype;  // as the format spells it: F32, BF16, F16, F8_E4M3, I8, I32, U16, U8, ...
  std::vector<int64_t> shape;
  ByteRange data;
};

class Safetensors {
 public:
  // Ours are below 1 KB; the rest is room for what users add to the metadata.
  static constexpr int64_t kMaxHeaderBytes = int64_t{1} << 20;

  // Checks everything that the container promises: lengths, JSON (no key twice), dtypes, shapes, and that the tensors
  // fill the data without gap or overlap. The tensors point into blob, at any alignment.
  static Safetensors parse(ByteRange blob);

  const std::vector<Tensor>& tensors() const { return tensors_; }
  const Tensor* find(std::string_view name) const;
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  std::vector<Tensor> tensors_;
  std::map<std::string, std::string> metadata_;
};

// The length and the header, padded with spaces so that the last tensor begins at a multiple of a cache line in the
// file. The tensors follow in the order given. Same arguments, same bytes.
std::string safetensors_header(const std::vector<std::pair<std::string, std::string>>& metadata,
                               const std::vector<Tensor>& tensors);

// A piece of a file's text for a message: quoted, escaped and of bounded length.
std::string quoted(std::string_view untrusted);

}  // namespace leno
