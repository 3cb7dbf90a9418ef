#include "leno/packed.h"

#include "capi/arguments.h"
#include "capi/guard.h"
#include "capi/handles.h"
#include "pack/packed_codec.h"

using leno::PackedCodec;
using leno::PackedWeights;
using leno::require;
using leno::capi::guard;
using leno::capi::require_not_null;

int leno_packed_create(leno_pattern pattern, const float* w, int64_t ldw, int32_t dtype, leno_packed* out) {
  return guard(__func__, [&] {
    require_not_null(pattern, "pattern");
    require_not_null(out, "out");
    const leno::Pattern& p = *pattern->pattern;
    leno::capi::require_matrix(w, "w", p.rows, p.columns, ldw, "ldw");
    const leno::DType type = leno::capi::require_weight_dtype(dtype);
    *out = new leno_packed_s{PackedWeights::pack(p, {w, p.rows, p.columns, ldw}, type)};
  });
}

int leno_packed_create_dense(const float* w, int64_t rows, int64_t columns, int64_t ldw, int32_t dtype,
                             leno_packed* out) {
  return guard(__func__, [&] {
    require_not_null(out, "out");
    leno::capi::require_extent(rows, "rows");
    leno::capi::require_extent(columns, "columns");
    leno::capi::require_matrix(w, "w", rows, columns, ldw, "ldw");
    const leno::DType type = leno::capi::require_weight_dtype(dtype);
    *out = new leno_packed_s{PackedWeights::pack_dense({w, rows, columns, ldw}, type)};
  });
}

int leno_packed_convert(leno_packed packed, int32_t dtype, leno_packed* out) {
  return guard(__func__, [&] {
    require_not_null(packed, "packed");
    require_not_null(out, "out");
    *out = new leno_packed_s{PackedWeights::convert(*packed->packed, leno::capi::require_weight_dtype(dtype))};
  });
}

void leno_packed_destroy(leno_packed packed) { delete packed; }

int leno_packed_get_info(leno_packed packed, leno_packed_info* info) {
  return guard(__func__, [&] {
    require_not_null(packed, "packed");
    require_not_null(info, "info");
    const PackedWeights& p = *packed->packed;
    *info = {.rows = p.rows(),
             .columns = p.columns(),
             .vector = p.dense() ? 0 : p.vector(),
             .dtype = static_cast<int64_t>(p.dtype()),
             .kept_vectors = p.kept_vectors(),
             .kept_weights = p.kept_weights(),
             .bytes = p.bytes(),
             .identity = p.identity(),
             .family = static_cast<int64_t>(p.family()),
             .memory_columns = p.memory_columns()};
  });
}

int leno_packed_get_pattern(leno_packed packed, leno_pattern* out) {
  return guard(__func__, [&] {
    require_not_null(packed, "packed");
    require_not_null(out, "out");
    *out = new leno_pattern_s{std::make_shared<const leno::Pattern>(packed->packed->pattern())};
  });
}

int leno_packed_to_dense(leno_packed packed, float* w, int64_t ldw, int64_t capacity) {
  return guard(__func__, [&] {
    require_not_null(packed, "packed");
    const PackedWeights& p = *packed->packed;
    const int64_t needed = leno::capi::require_matrix(w, "w", p.rows(), p.columns(), ldw, "ldw");
    require(capacity >= needed, LENO_ERR_BUFFER_TOO_SMALL, "capacity is ", capacity, ", expected at least ", needed);
    p.to_dense({w, p.rows(), p.columns(), ldw});
  });
}

int leno_packed_blob_size(leno_packed packed, int64_t* bytes) {
  return guard(__func__, [&] {
    require_not_null(packed, "packed");
    require_not_null(bytes, "bytes");
    *bytes = PackedCodec::blob_size(*packed->packed);
  });
}

int leno_packed_write_blob(leno_packed packed, void* blob, int64_t capacity_bytes) {
  return guard(__func__, [&] {
    require_not_null(packed, "packed");
    require_not_null(blob, "blob");
    PackedCodec::write_blob(*packed->packed, static_cast<std::byte*>(blob), capacity_bytes);
  });
}

int leno_packed_read_blob(const void* blob, int64_t bytes, leno_packed* out) {
  return guard(__func__, [&] {
    require_not_null(blob, "blob");
    require_not_null(out, "out");
    require(bytes >= 0, LENO_ERR_INVALID_ARGUMENT, "bytes is ", bytes, ", expected >= 0");
    *out = new leno_packed_s{PackedCodec::read_blob({static_cast<const std::byte*>(blob), bytes})};
  });
}

int leno_packed_save(leno_packed packed, const char* path) {
  return guard(__func__, [&] {
    require_not_null(packed, "packed");
    require_not_null(path, "path");
    PackedCodec::save(*packed->packed, path);
  });
}

int leno_packed_load(const char* path, leno_packed* out) {
  return guard(__func__, [&] {
    require_not_null(path, "path");
    require_not_null(out, "out");
    *out = new leno_packed_s{PackedCodec::load(path)};
  });
}
