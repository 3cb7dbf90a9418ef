#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "core/aligned_buffer.h"

namespace leno {

// Bytes that somebody else owns.
struct ByteRange {
  const std::byte* data = nullptr;
  int64_t bytes = 0;
};

// The whole of a regular file. Copied, never mapped: a map that somebody truncates kills its reader (SIGBUS), and one
// that somebody overwrites changes after it was checked.
AlignedBuffer read_file(const std::string& path);

// Writes the parts one after the other to a temporary file beside path, which then takes the name path. Readers see the
// old file or the new one; after a failure the old one, and the temporary file is gone.
void write_file(const std::string& path, const std::vector<ByteRange>& parts);

}  // namespace leno
