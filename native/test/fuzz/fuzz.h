#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// A fuzz target is a file with these three functions. driver.cpp runs it where there is no libFuzzer (g++); with
// clang, -fsanitize=fuzzer takes the driver's place.
namespace leno_fuzz {

std::vector<std::vector<uint8_t>> seeds();
std::vector<std::string> dictionary();

}  // namespace leno_fuzz

// 0: accepted, worth keeping. -1: refused. Aborts on a defect.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes);
