#include "core/cuda/stream.h"

namespace leno::cuda {
namespace {

// CU_STREAM_LEGACY and CU_STREAM_PER_THREAD: names of streams in whatever context is current.
bool is_special(CUstream stream) { return reinterpret_cast<uintptr_t>(stream) <= 2; }

void require_device(const CudaDevice& expected, const Stream& stream) {
  require(&expected == &stream.device(), LENO_ERR_INVALID_ARGUMENT, "stream is of device ",
          stream.device().info().ordinal, ", expected one of device ", expected.info().ordinal);
}

// Whether what the driver was asked about is done.
bool done(const CudaDevice& device, CUresult result, const char* call) {
  if (result == CUDA_ERROR_NOT_READY) return false;
  device.check(result, call);
  return true;
}

}  // namespace

Stream::Stream(std::shared_ptr<CudaDevice> device) : device_(std::move(device)), owned_(true) {
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  device_->check(driver().cuStreamCreate(&handle_, CU_STREAM_NON_BLOCKING), "cuStreamCreate");
}

Stream::Stream(std::shared_ptr<CudaDevice> device, CUstream handle)
    : device_(std::move(device)), handle_(handle), owned_(false) {
  if (is_special(handle)) return;
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  CUcontext context = nullptr;
  const CUresult result = driver().cuStreamGetCtx(handle, &context);
  require(result != CUDA_ERROR_INVALID_HANDLE && result != CUDA_ERROR_INVALID_VALUE, LENO_ERR_INVALID_ARGUMENT,
          "custream is ", static_cast<const void*>(handle), ", expected a stream");
  device_->check(result, "cuStreamGetCtx");
  require(context == device_->handle(), LENO_ERR_INVALID_ARGUMENT,
          "custream belongs to another CUDA context, expected one of the primary context of device ",
          device_->info().ordinal);
}

Stream::~Stream() {
  if (!owned_) return;
  try {
    const CudaDevice::Current current(*device_);
    driver().cuStreamDestroy_v2(handle_);
  } catch (const Error&) {  // gone with its context
  }
  device_->forget_capture(handle_);
}

bool Stream::capturing() const {
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  CUstreamCaptureStatus status = CU_STREAM_CAPTURE_STATUS_NONE;
  device_->check(driver().cuStreamIsCapturing(handle_, &status), "cuStreamIsCapturing");
  return status != CU_STREAM_CAPTURE_STATUS_NONE;
}

void Stream::synchronize() const {
  require(!capturing(), LENO_ERR_INVALID_STATE, "stream is being captured, expected one that is not");
  const CudaDevice::Current current(*device_);
  device_->check(driver().cuStreamSynchronize(handle_), "cuStreamSynchronize");
}

bool Stream::query() const {
  require(!capturing(), LENO_ERR_INVALID_STATE, "stream is being captured, expected one that is not");
  const CudaDevice::Current current(*device_);
  return done(*device_, driver().cuStreamQuery(handle_), "cuStreamQuery");
}

Event::Event(std::shared_ptr<CudaDevice> device, bool timing) : device_(std::move(device)), timing_(timing) {
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  const unsigned flags = timing ? CU_EVENT_DEFAULT : CU_EVENT_DISABLE_TIMING;
  device_->check(driver().cuEventCreate(&handle_, flags), "cuEventCreate");
}

Event::~Event() {
  try {
    const CudaDevice::Current current(*device_);
    driver().cuEventDestroy_v2(handle_);
  } catch (const Error&) {  // gone with its context
  }
}

void Event::record(const Stream& stream) {
  require_device(*device_, stream);
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  device_->check(driver().cuEventRecord(handle_, stream.handle()), "cuEventRecord");
}

void Event::wait(const Stream& stream) const {
  const CudaDevice& device = stream.device();
  device.require_usable();
  const CudaDevice::Current current(device);
  device.check(driver().cuStreamWaitEvent(stream.handle(), handle_, 0), "cuStreamWaitEvent");
}

void Event::synchronize() const {
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  device_->check(driver().cuEventSynchronize(handle_), "cuEventSynchronize");
}

bool Event::query() const {
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  return done(*device_, driver().cuEventQuery(handle_), "cuEventQuery");
}

double Event::elapsed_ms(const Event& start, const Event& end) {
  const CudaDevice& device = end.device();
  require(&start.device() == &device, LENO_ERR_INVALID_ARGUMENT, "start is of device ", start.device().info().ordinal,
          ", expected one of device ", device.info().ordinal, " as end");
  require(start.timing() && end.timing(), LENO_ERR_INVALID_ARGUMENT, start.timing() ? "end" : "start",
          " was created without timing, expected an event with it");
  device.require_usable();
  const CudaDevice::Current current(device);
  float milliseconds = 0;
  const CUresult result = driver().cuEventElapsedTime_v2(&milliseconds, start.handle_, end.handle_);
  require(result != CUDA_ERROR_NOT_READY, LENO_ERR_INVALID_STATE,
          "one of the events has not happened yet, expected both to have");
  require(result != CUDA_ERROR_INVALID_HANDLE, LENO_ERR_INVALID_STATE,
          "one of the events was never recorded, expected both to have happened");
  device.check(result, "cuEventElapsedTime");
  return milliseconds;
}

Graph::Graph(const Stream& captured) : device_(captured.shared_device()) {
  const CUgraph graph = device_->end_capture(captured.handle());
  const CudaDevice::Current current(*device_);
  const CUresult result = driver().cuGraphInstantiateWithFlags(&handle_, graph, 0);
  driver().cuGraphDestroy(graph);
  device_->check(result, "cuGraphInstantiate");
}

Graph::~Graph() {
  try {
    const CudaDevice::Current current(*device_);
    driver().cuGraphExecDestroy(handle_);
  } catch (const Error&) {  // gone with its context
  }
}

void Graph::launch(const Stream& stream) const {
  require_device(*device_, stream);
  device_->require_usable();
  const CudaDevice::Current current(*device_);
  device_->check(driver().cuGraphLaunch(handle_, stream.handle()), "cuGraphLaunch");
}

}  // namespace leno::cuda
