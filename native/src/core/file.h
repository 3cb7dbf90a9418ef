#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace leno {

// Bytes that somebody else owns.
struct ByteRange {
  const std::byte* data = nullptr;
  int64_t bytes = 0;
};

// Below this a file is copied, from it on it is mapped: a copy cannot be truncated under its reader, a map costs no
// memory and is shared between processes.
constexpr int64_t kMapFromBytes = int64_t{1} << 20;

// The whole of a file, copied or mapped read-only; aligned to a cache line.
struct FileContents {
  ByteRange range;
  std::shared_ptr<const void> owner;  // keeps range alive, also once the file is unlinked
  bool mapped = false;
};
FileContents read_file(const std::string& path, int64_t map_from_bytes = kMapFromBytes);

// Writes the parts one after the other to a temporary file beside path, which then takes the name path. Readers see the
// old file or the new one; after a failure the old one, and the temporary file is gone.
void write_file(const std::string& path, const std::vector<ByteRange>& parts);

}  // namespace leno
