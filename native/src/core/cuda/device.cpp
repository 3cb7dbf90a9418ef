#include "core/cuda/device.h"

#include <algorithm>
#include <array>
#include <map>

#include "core/cuda/context.h"

namespace leno {

using namespace cuda;

namespace {

int attribute(CUdevice device, CUdevice_attribute which) {
  int value = 0;
  const CUresult result = driver().cuDeviceGetAttribute(&value, which, device);
  require(result == CUDA_SUCCESS, LENO_ERR_DEVICE, "cuDeviceGetAttribute: ", describe(result));
  return value;
}

// Those that the driver's documentation calls the end of the process's work on the card.
bool means_lost(CUresult result) {
  switch (result) {
    case CUDA_ERROR_DEINITIALIZED:
    case CUDA_ERROR_ECC_UNCORRECTABLE:
    case CUDA_ERROR_NVLINK_UNCORRECTABLE:
    case CUDA_ERROR_CONTAINED:
    case CUDA_ERROR_ILLEGAL_ADDRESS:
    case CUDA_ERROR_LAUNCH_TIMEOUT:
    case CUDA_ERROR_CONTEXT_IS_DESTROYED:
    case CUDA_ERROR_ASSERT:
    case CUDA_ERROR_HARDWARE_STACK_ERROR:
    case CUDA_ERROR_ILLEGAL_INSTRUCTION:
    case CUDA_ERROR_MISALIGNED_ADDRESS:
    case CUDA_ERROR_INVALID_ADDRESS_SPACE:
    case CUDA_ERROR_INVALID_PC:
    case CUDA_ERROR_LAUNCH_FAILED:
    case CUDA_ERROR_TENSOR_MEMORY_LEAK:
    case CUDA_ERROR_MPS_CLIENT_TERMINATED:
    case CUDA_ERROR_EXTERNAL_DEVICE:
      return true;
    default:
      return false;
  }
}

bool is_of_capture(CUresult result) {
  return result >= CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED && result <= CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
}

// A release waits for the card, which the driver would take for a mistake while any thread captures with its defaults.
class RelaxedCapture {
 public:
  RelaxedCapture() { driver().cuThreadExchangeStreamCaptureMode(&mode_); }
  ~RelaxedCapture() { driver().cuThreadExchangeStreamCaptureMode(&mode_); }

 private:
  CUstreamCaptureMode mode_ = CU_STREAM_CAPTURE_MODE_RELAXED;
};

}  // namespace

std::shared_ptr<CudaDevice> CudaDevice::open(int ordinal) {
  require(driver_refusal().empty(), LENO_ERR_UNSUPPORTED, "CUDA cannot be used: ", driver_refusal());
  require(ordinal >= 0 && ordinal < driver().devices, LENO_ERR_INVALID_ARGUMENT, "ordinal is ", ordinal,
          ", expected 0 .. ", driver().devices - 1);
  static std::mutex& mutex = *new std::mutex();
  static auto& open_devices = *new std::map<int, std::weak_ptr<CudaDevice>>();
  const std::lock_guard lock(mutex);
  std::weak_ptr<CudaDevice>& known = open_devices[ordinal];
  std::shared_ptr<CudaDevice> device = known.lock();
  if (device == nullptr) {
    device.reset(new CudaDevice(ordinal));
    known = device;
  }
  return device;
}

CudaDevice::CudaDevice(int ordinal) : Device(Kind::cuda) {
  const Driver& d = driver();
  info_.ordinal = ordinal;
  check(d.cuDeviceGet(&device_, ordinal), "cuDeviceGet");
  std::array<char, 128> name{};
  check(d.cuDeviceGetName(name.data(), static_cast<int>(name.size()) - 1, device_), "cuDeviceGetName");
  info_.name = name.data();
  info_.arch = 10 * attribute(device_, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR) +
               attribute(device_, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  require(info_.arch >= kOldestArch, LENO_ERR_UNSUPPORTED, "device ", ordinal, " (", info_.name,
          ") has compute capability ", info_.arch / 10, ".", info_.arch % 10, ", expected 7.5 or later");
  info_.multiprocessors = attribute(device_, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  info_.l2_bytes = attribute(device_, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
  info_.shared_bytes = attribute(device_, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  size_t total = 0;
  check(d.cuDeviceTotalMem_v2(&total, device_), "cuDeviceTotalMem");
  info_.total_bytes = static_cast<int64_t>(total);

  const CUresult retained = d.cuDevicePrimaryCtxRetain(&context_, device_);
  require(retained != CUDA_ERROR_OUT_OF_MEMORY, LENO_ERR_OUT_OF_MEMORY, "device ", ordinal, " (", info_.name,
          ") has no memory left for a context");
  check(retained, "cuDevicePrimaryCtxRetain");
  try {
    const Current current(*this);
    check(d.cuStreamCreate(&transfers_, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
    modules_ = std::make_unique<Modules>(*this);
  } catch (...) {
    d.cuDevicePrimaryCtxRelease_v2(device_);
    throw;
  }
}

CudaDevice::~CudaDevice() {
  try {
    captures_.clear();  // those of wrapped streams that nobody ended
    release_waiting();
    const Current current(*this);
    modules_.reset();
    driver().cuStreamDestroy_v2(transfers_);
  } catch (const Error&) {  // the driver is gone, or the context is: all that it held went with it
  }
  driver().cuDevicePrimaryCtxRelease_v2(device_);
}

CudaDevice::Current::Current(const CudaDevice& device) {
  CUcontext current = nullptr;
  if (driver().cuCtxGetCurrent(&current) == CUDA_SUCCESS && current == device.context_) return;
  device.check(driver().cuCtxPushCurrent_v2(device.context_), "cuCtxPushCurrent");
  pushed_ = true;
}

CudaDevice::Current::~Current() {
  CUcontext popped = nullptr;
  if (pushed_) driver().cuCtxPopCurrent_v2(&popped);
}

void CudaDevice::refuse(CUresult result, const char* call) const {
  std::string message = text(call, " on device ", info_.ordinal, ": ", describe(result));
  const bool is_lost = means_lost(result);
  if (is_lost) {
    const std::lock_guard lock(mutex_);
    if (!lost_) {
      why_lost_ = message;
      lost_.store(true, std::memory_order_release);
    }
    message += text("; device ", info_.ordinal, " is lost to this process");
  }
  if (result == CUDA_ERROR_OUT_OF_MEMORY) message += free_memory();
  const int status = is_lost                              ? LENO_ERR_DEVICE_LOST
                     : is_of_capture(result)              ? LENO_ERR_INVALID_STATE
                     : result == CUDA_ERROR_OUT_OF_MEMORY ? LENO_ERR_OUT_OF_MEMORY
                                                          : LENO_ERR_DEVICE;
  throw Error(status, std::move(message));
}

void CudaDevice::refuse_lost() const {
  const std::lock_guard lock(mutex_);
  fail(LENO_ERR_DEVICE_LOST, "device ", info_.ordinal, " is lost to this process, since ", why_lost_);
}

CudaDevice::Memory CudaDevice::memory() const {
  require_usable();
  const Current current(*this);
  size_t free = 0, total = 0;
  check(driver().cuMemGetInfo_v2(&free, &total), "cuMemGetInfo");
  return {static_cast<int64_t>(free), static_cast<int64_t>(total)};
}

void CudaDevice::synchronize() {
  require_usable();
  const Current current(*this);
  require(begin_wait(), LENO_ERR_INVALID_STATE, "a stream of the device is being captured, expected none");
  const CUresult result = driver().cuCtxSynchronize();
  end_wait();
  check(result, "cuCtxSynchronize");
}

bool CudaDevice::begin_wait() {
  const std::lock_guard lock(mutex_);
  if (!captures_.empty()) return false;
  ++waits_;
  return true;
}

void CudaDevice::end_wait() noexcept {
  {
    const std::lock_guard lock(mutex_);
    --waits_;
  }
  no_waits_.notify_all();
}

std::string CudaDevice::free_memory() const {
  size_t free = 0, total = 0;
  const bool known = driver().cuMemGetInfo_v2(&free, &total) == CUDA_SUCCESS;
  return known ? text(": ", free, " of its ", total, " bytes are free") : std::string();
}

CUdeviceptr CudaDevice::allocate(int64_t bytes) {
  require_usable();
  require_no_capture_here("allocates");
  const Current current(*this);
  make_room_to_release();
  CUdeviceptr address = 0;
  const CUresult result = driver().cuMemAlloc_v2(&address, static_cast<size_t>(bytes));
  if (result != CUDA_SUCCESS) allocation_failed();
  if (result == CUDA_ERROR_OUT_OF_MEMORY)
    fail(LENO_ERR_OUT_OF_MEMORY, bytes, " bytes of device memory could not be had on device ", info_.ordinal,
         free_memory());
  check(result, "cuMemAlloc");
  return address;
}

void* CudaDevice::allocate_pinned(int64_t bytes) {
  require_usable();
  require_no_capture_here("allocates");
  const Current current(*this);
  make_room_to_release();
  void* address = nullptr;
  const CUresult result = driver().cuMemHostAlloc(&address, static_cast<size_t>(bytes), CU_MEMHOSTALLOC_PORTABLE);
  if (result != CUDA_SUCCESS) allocation_failed();
  require(result != CUDA_ERROR_OUT_OF_MEMORY, LENO_ERR_OUT_OF_MEMORY, bytes,
          " bytes of pinned host memory could not be had");
  check(result, "cuMemHostAlloc");
  return address;
}

void CudaDevice::release(CUdeviceptr address) noexcept { release({address, nullptr}); }

void CudaDevice::release_pinned(void* address) noexcept { release({0, address}); }

void CudaDevice::release(Released released) noexcept {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(released);  // room was made as it was allocated
    --allocations_;
  }
  release_waiting();
}

void CudaDevice::release_waiting() noexcept {
  const Driver& d = driver();
  for (;;) {
    Released next;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty() || !captures_.empty()) return;
      next = waiting_.back();
      waiting_.pop_back();
      ++waits_;
    }
    try {
      const Current current(*this);
      const RelaxedCapture relaxed;
      // Failures mean that the card is lost: then the memory goes with the process.
      d.cuCtxSynchronize();
      if (next.pinned != nullptr) {
        d.cuMemFreeHost(next.pinned);
      } else {
        d.cuMemFree_v2(next.address);
      }
    } catch (const Error&) {
    }
    end_wait();
    releases_.fetch_add(1, std::memory_order_release);
  }
}

void CudaDevice::make_room_to_release() {
  const std::lock_guard lock(mutex_);
  waiting_.reserve(waiting_.size() + allocations_ + 1);
  ++allocations_;
}

void CudaDevice::allocation_failed() {
  const std::lock_guard lock(mutex_);
  --allocations_;
}

void CudaDevice::require_no_capture_here(const char* what) const {
  const std::lock_guard lock(mutex_);
  for (const Capture& c : captures_) {
    require(c.thread != std::this_thread::get_id(), LENO_ERR_INVALID_STATE,
            "this thread captures a stream of the device, expected none as the call ", what);
  }
}

void CudaDevice::begin_capture(CUstream stream) {
  require_usable();
  const Current current(*this);
  {
    std::unique_lock lock(mutex_);
    no_waits_.wait(lock, [&] { return waits_ == 0; });
    for (const Capture& c : captures_) {
      require(c.stream != stream, LENO_ERR_INVALID_STATE, "stream is being captured, expected one that is not");
    }
    captures_.push_back({stream, std::this_thread::get_id()});
  }
  const CUresult result = driver().cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
  if (result != CUDA_SUCCESS) forget_capture(stream);
  check(result, "cuStreamBeginCapture");
}

CUgraph CudaDevice::end_capture(CUstream stream) {
  require_usable();
  const Current current(*this);
  CUgraph graph = nullptr;
  const CUresult result = driver().cuStreamEndCapture(stream, &graph);
  if (result != CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD) forget_capture(stream);
  require(result != CUDA_ERROR_ILLEGAL_STATE, LENO_ERR_INVALID_STATE, "stream is not being captured");
  check(result, "cuStreamEndCapture");
  return graph;
}

void CudaDevice::forget_capture(CUstream stream) noexcept {
  {
    const std::lock_guard lock(mutex_);
    const auto is_it = [&](const Capture& c) { return c.stream == stream; };
    captures_.erase(std::remove_if(captures_.begin(), captures_.end(), is_it), captures_.end());
  }
  release_waiting();
}

void CudaDevice::prepare(const char* entry, uint32_t threads, uint32_t shared_bytes) const {
  require_usable();
  require_no_capture_here("loads kernels");
  const Current current(*this);
  Function& function = modules_->function(entry);
  modules_->allow_shared(function, shared_bytes);
  modules_->require_room(function, entry, threads, shared_bytes);
}

void CudaDevice::launch(const char* entry, const uint32_t (&grid)[3], uint32_t threads, uint32_t shared_bytes,
                        const void* parameters, CUstream stream) const {
  require_usable();
  const Current current(*this);
  Function& function = modules_->function(entry);
  modules_->allow_shared(function, shared_bytes);
  void* arguments[] = {const_cast<void*>(parameters)};
  check(driver().cuLaunchKernel(function.handle, grid[0], grid[1], grid[2], threads, 1, 1, shared_bytes, stream,
                                arguments, nullptr),
        "cuLaunchKernel");
}

std::unique_ptr<Context> CudaDevice::new_context() { return std::make_unique<CudaContext>(shared_from_this()); }

}  // namespace leno
