#include "plan/plan_file.h"

#include <cstdio>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/file.h"

namespace leno::plan {
namespace {

using Json = nlohmann::json;

constexpr const char* kMagic = "leno_plan";
constexpr int kFormat = 1;

// Reads the whole document, or an empty one where there is no file or nothing in it. Throws Error where it holds
// something else.
Json read_document(const std::string& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown) && !unknown) return Json::object();
  const AlignedBuffer file = read_file(path);
  if (file.bytes() == 0) return Json::object();
  Json document = Json::parse(file.as<const char>(), file.as<const char>() + file.bytes(), nullptr, false);
  require(document.is_object() && document.contains(kMagic) && document[kMagic].is_number_integer(), LENO_ERR_FORMAT,
          "it holds no plan");
  require(document[kMagic] == kFormat, LENO_ERR_FORMAT, "its format is ", document[kMagic].dump(), ", expected ",
          kFormat);
  require(document.contains("machines") && document["machines"].is_object(), LENO_ERR_FORMAT, "it lists no machines");
  return document;
}

Json to_json(const Choice& choice) {
  Json timed = Json::array();
  for (const TimedCandidate& c : choice.timed) {
    timed.push_back({{"kernel", c.kernel},
                     {"dense", c.dense},
                     {"seconds", c.seconds},
                     {"spread", c.spread},
                     {"eliminated", c.eliminated}});
  }
  return {{"kernel", choice.kernel}, {"dense", choice.dense}, {"timed", timed}};
}

// Throws nlohmann's exceptions on missing or mistyped fields.
Choice from_json(const Json& json) {
  Choice choice{json.at("kernel").get<std::string>(), json.at("dense").get<bool>(), {}};
  for (const Json& c : json.at("timed")) {
    choice.timed.push_back({c.at("kernel").get<std::string>(), c.at("dense").get<bool>(), c.at("seconds").get<double>(),
                            c.at("spread").get<double>(), c.at("eliminated").get<bool>()});
  }
  return choice;
}

}  // namespace

PlanFile::PlanFile(std::string path, std::string machine) : path_(std::move(path)), machine_(std::move(machine)) {
  if (path_.empty()) return;
  try {
    const Json document = read_document(path_);
    if (document.empty()) {
      status_ = "new";
      return;
    }
    const Json& machines = document["machines"];
    if (machines.contains(machine_)) {
      for (const auto& [key, choice] : machines[machine_].items()) known_[key] = from_json(choice);
      status_ = text("read, ", known_.size(), " choices for this machine");
    } else {
      status_ = "read, no choices for this machine, library version and set of kernels";
    }
  } catch (const Error& e) {
    foreign_ = true;
    status_ = text("ignored and left alone: ", e.what());
  } catch (const Json::exception& e) {
    foreign_ = true;
    known_.clear();
    status_ = text("ignored and left alone: ", e.what());
  }
}

const Choice* PlanFile::find(const std::string& key) const {
  const auto at = known_.find(key);
  return at == known_.end() ? nullptr : &at->second;
}

void PlanFile::add(const std::string& key, const Choice& choice) { added_[key] = choice; }

void PlanFile::save() {
  if (path_.empty() || foreign_ || added_.empty()) return;
  static std::mutex one_at_a_time;
  std::lock_guard<std::mutex> lock(one_at_a_time);
  try {
    Json document = read_document(path_);
    document[kMagic] = kFormat;
    for (const auto& [key, choice] : added_) document["machines"][machine_][key] = to_json(choice);
    const std::string content = document.dump(1) + "\n";
    write_file(path_, {{reinterpret_cast<const std::byte*>(content.data()), static_cast<int64_t>(content.size())}});
    status_ += text("; written, ", added_.size(), " choices added");
  } catch (const std::exception& e) {
    status_ += text("; not written: ", e.what());
  }
}

std::string machine_key(const std::string& machine, const std::string& kernel_names) {
  // FNV-1a, 64 bits.
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : kernel_names) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(hash));
  return text(machine, " | leno ", LENO_VERSION, " | kernels ", digits);
}

}  // namespace leno::plan
