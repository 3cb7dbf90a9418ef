#include "ort/session_config.h"

#include <charconv>
#include <optional>

#include "core/error.h"
#include "leno/device.h"

namespace leno::ort {
namespace {

std::optional<std::string> entry(const Api& api, const SessionOptions* options, const char* key) {
  int present = 0;
  if (Status* status = api.has_session_config(options, key, &present)) {
    api.release_status(status);
    return std::nullopt;
  }
  if (!present) return std::nullopt;
  size_t size = 0;
  if (Status* status = api.session_config(options, key, nullptr, &size)) api.release_status(status);
  std::string value(size, '\0');
  if (Status* status = api.session_config(options, key, value.data(), &size)) {
    api.release_status(status);
    fail(LENO_ERR_INVALID_ARGUMENT, "session option ", key, " cannot be read");
  }
  if (!value.empty() && value.back() == '\0') value.pop_back();
  return value;
}

int64_t parse_count(const char* key, std::string_view word, int64_t largest) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  require(error == std::errc() && end == word.data() + word.size() && value >= 1 && value <= largest,
          LENO_ERR_INVALID_ARGUMENT, "session option ", key, " holds \"", word, "\", expected a number from 1 to ",
          largest);
  return value;
}

int parse_isa(const std::string& name) {
  for (int isa :
       {LENO_ISA_AUTO, LENO_ISA_PORTABLE, LENO_ISA_AVX2, LENO_ISA_AVX512, LENO_ISA_AVX512_DOT, LENO_ISA_AMX}) {
    if (name == leno_isa_name(isa)) return isa;
  }
  fail(LENO_ERR_INVALID_ARGUMENT, "session option leno.isa is \"", name,
       "\", expected auto, portable, avx2, avx512, avx512_dot or amx");
}

}  // namespace

SessionConfig read_session_config(const Api& api, const SessionOptions* options) {
  SessionConfig config;
  if (auto value = entry(api, options, "leno.threads")) {
    config.threads = static_cast<int>(parse_count("leno.threads", *value, 1024));
  }
  if (auto value = entry(api, options, "leno.isa")) config.isa = parse_isa(*value);
  if (auto value = entry(api, options, "leno.plan_file")) config.plan_file = *value;
  if (auto value = entry(api, options, "leno.buckets")) {
    config.buckets.clear();
    std::string_view rest = *value;
    for (;;) {
      const size_t comma = rest.find(',');
      config.buckets.push_back(parse_count("leno.buckets", rest.substr(0, comma), INT32_MAX));
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  return config;
}

}  // namespace leno::ort
