#pragma once

#include <dlfcn.h>

#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace leno_cuda_bench {

// A library that may be missing. Looked for in the folders of LENO_CUDA_LIBRARIES (with colons between), then where the
// system looks.
class Library {
 public:
  // The names of its versions, the first that is found.
  explicit Library(const std::vector<std::string>& files) : file_(files.front()) {
    const char* folders = std::getenv("LENO_CUDA_LIBRARIES");
    std::istringstream list(folders == nullptr ? "" : folders);
    for (std::string folder; std::getline(list, folder, ':');) {
      for (const std::string& file : files) open(folder + "/" + file);
    }
    for (const std::string& file : files) open(file);
  }
  bool there() const { return handle_ != nullptr; }

  template <class Function>
  void load(Function*& function, const char* name) const {
    function = reinterpret_cast<Function*>(dlsym(handle_, name));
    if (function == nullptr) throw std::runtime_error(file_ + " has no " + name);
  }

 private:
  void open(const std::string& file) {
    if (handle_ == nullptr) handle_ = dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL);
  }
  std::string file_;
  void* handle_ = nullptr;
};

// cudaDataType_t
constexpr int kCudaF16 = 2, kCudaBf16 = 14, kCudaF32 = 0;

inline void check_status(int status, const char* call) {
  if (status != 0) throw std::runtime_error(std::string(call) + " returned " + std::to_string(status));
}

}  // namespace leno_cuda_bench
