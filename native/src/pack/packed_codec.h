#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/file.h"
#include "pack/packed_weights.h"

namespace leno {

// dense, vector-wise, shfl-bw or warp-skip: what files and accounts call the pattern.
const char* pattern_name(const PackedWeights& packed);

// Packed weights as a safetensors blob or file. docs/formats.md describes it.
class PackedCodec {
 public:
  static int64_t blob_size(const PackedWeights& packed);
  static void write_blob(const PackedWeights& packed, std::byte* blob, int64_t capacity);
  static void save(const PackedWeights& packed, const std::string& path);

  // Everything in the blob is checked before it is used. The blob is not needed afterwards.
  static std::shared_ptr<const PackedWeights> read_blob(ByteRange blob);
  static std::shared_ptr<const PackedWeights> load(const std::string& path);

 private:
  struct Parts;
  static Parts encode(const PackedWeights& packed);
};

}  // namespace leno
