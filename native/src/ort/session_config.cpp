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

// As leno_linear_create has them.
constexpr size_t kMaxBuckets = 16;
constexpr int64_t kMaxTokens = int64_t{1} << 30;

// A number from 1 to `largest`, or nothing.
std::optional<int64_t> parse_count(std::string_view word, int64_t largest) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool good = error == std::errc() && end == word.data() + word.size() && value >= 1 && value <= largest;
  return good ? std::optional(value) : std::nullopt;
}

int parse_threads(const std::string& text) {
  const auto threads = parse_count(text, 1024);
  require(threads.has_value(), LENO_ERR_INVALID_ARGUMENT, "session option leno.threads is \"", text,
          "\", expected a number from 1 to 1024");
  return static_cast<int>(*threads);
}

int parse_isa(const std::string& name) {
  for (int isa :
       {LENO_ISA_AUTO, LENO_ISA_PORTABLE, LENO_ISA_AVX2, LENO_ISA_AVX512, LENO_ISA_AVX512_DOT, LENO_ISA_AMX}) {
    if (name == leno_isa_name(isa)) return isa;
  }
  fail(LENO_ERR_INVALID_ARGUMENT, "session option leno.isa is \"", name,
       "\", expected auto, portable, avx2, avx512, avx512_dot or amx");
}

int parse_cuda(const std::string& text) {
  if (text == "0") return 0;
  const auto ordinal = parse_count(text, 1023);
  require(ordinal.has_value(), LENO_ERR_INVALID_ARGUMENT, "session option leno.cuda is \"", text,
          "\", expected the ordinal of a CUDA device");
  return static_cast<int>(*ordinal);
}

int parse_cuda_weights(const std::string& name) {
  if (name == "bf16") return LENO_BF16;
  if (name == "f16") return LENO_F16;
  fail(LENO_ERR_INVALID_ARGUMENT, "session option leno.cuda_weights is \"", name, "\", expected bf16 or f16");
}

std::vector<int64_t> parse_buckets(const std::string& value) {
  std::vector<int64_t> buckets;
  std::string_view rest = value;
  bool good = true;
  for (size_t comma = 0; good && comma != std::string_view::npos;) {
    comma = rest.find(',');
    const int64_t tokens = parse_count(rest.substr(0, comma), kMaxTokens).value_or(0);
    good = tokens > (buckets.empty() ? 0 : buckets.back()) && buckets.size() < kMaxBuckets;
    buckets.push_back(tokens);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  require(good, LENO_ERR_INVALID_ARGUMENT, "session option leno.buckets is \"", value, "\", expected up to ",
          kMaxBuckets, " ascending numbers from 1 to ", kMaxTokens, ", separated by commas");
  return buckets;
}

}  // namespace

SessionConfig read_session_config(const Api& api, const SessionOptions* options) {
  SessionConfig config;
  if (auto value = entry(api, options, "leno.threads")) config.threads = parse_threads(*value);
  if (auto value = entry(api, options, "leno.isa")) config.isa = parse_isa(*value);
  if (auto value = entry(api, options, "leno.cuda")) config.cuda = parse_cuda(*value);
  if (auto value = entry(api, options, "leno.cuda_weights")) config.cuda_weights = parse_cuda_weights(*value);
  if (auto value = entry(api, options, "leno.plan_file")) config.plan_file = *value;
  if (auto value = entry(api, options, "leno.buckets")) config.buckets = parse_buckets(*value);
  return config;
}

}  // namespace leno::ort
