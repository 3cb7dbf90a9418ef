#include "simt/tensor_map.h"

#include <cstring>

#include "text.h"

namespace leno::simt {
namespace {

constexpr uint64_t kMagic = 0x70616d2d6f6e656c;

struct Contents {
  uint64_t magic;
  TensorMap2d of;
};
static_assert(sizeof(Contents) <= sizeof(ptx::TensorMap));

}  // namespace

std::string make_tensor_map_2d(ptx::TensorMap& map, const TensorMap2d& of) {
  const uint64_t row = of.columns * of.element_bytes, box_row = uint64_t{of.box_columns} * of.element_bytes;
  if (reinterpret_cast<uintptr_t>(&map) % 64) return "the map is not aligned to 64 bytes";
  if (of.element_bytes != 1 && of.element_bytes != 2 && of.element_bytes != 4 && of.element_bytes != 8)
    return text("elements of %u bytes", of.element_bytes);
  if (reinterpret_cast<uintptr_t>(of.base) % 16 || !of.base) return "the base is not aligned to 16 bytes";
  if (of.columns == 0 || of.rows == 0 || of.columns > 1ull << 32 || of.rows > 1ull << 32)
    return "columns and rows are 1 to 2^32";
  if (of.pitch % 16 || of.pitch >= 1ull << 40) return "the pitch is a multiple of 16 below 2^40";
  if (of.pitch < row) return "the pitch is less than a row";
  if (of.box_columns == 0 || of.box_columns > 256 || of.box_rows == 0 || of.box_rows > 256)
    return "the box has 1 to 256 columns and rows";
  if (box_row % 16) return "a row of the box is a multiple of 16 bytes";
  constexpr uint64_t kSpan[] = {~uint64_t{0}, 128, 64, 32};
  if (box_row > kSpan[static_cast<int>(of.swizzle)]) return "a row of the box is longer than the swizzle's span";
  const Contents contents{kMagic, of};
  map = ptx::TensorMap{};
  std::memcpy(&map, &contents, sizeof contents);
  return "";
}

bool read_tensor_map_2d(const ptx::TensorMap& map, TensorMap2d& out) {
  Contents contents;
  std::memcpy(static_cast<void*>(&contents), &map, sizeof contents);
  if (contents.magic != kMagic) return false;
  out = contents.of;
  return true;
}

}  // namespace leno::simt
