#pragma once

#include <memory>

#include "core/cuda/device.h"

namespace leno::cuda {

// A queue of work on a card: of our own, or somebody else's.
class Stream {
 public:
  explicit Stream(std::shared_ptr<CudaDevice> device);
  // handle: a stream of the card's primary context, nullptr for the legacy default one.
  Stream(std::shared_ptr<CudaDevice> device, CUstream handle);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  CudaDevice& device() const { return *device_; }
  const std::shared_ptr<CudaDevice>& shared_device() const { return device_; }
  CUstream handle() const { return handle_; }
  void synchronize() const;
  bool query() const;
  bool capturing() const;

 private:
  const std::shared_ptr<CudaDevice> device_;
  CUstream handle_ = nullptr;
  const bool owned_;
};

class Event {
 public:
  Event(std::shared_ptr<CudaDevice> device, bool timing);
  ~Event();
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  CudaDevice& device() const { return *device_; }
  bool timing() const { return timing_; }
  void record(const Stream& stream);
  void wait(const Stream& stream) const;
  void synchronize() const;
  bool query() const;
  static double elapsed_ms(const Event& start, const Event& end);

 private:
  const std::shared_ptr<CudaDevice> device_;
  CUevent handle_ = nullptr;
  const bool timing_;
};

// What was captured from a stream, ready to be put on one again.
class Graph {
 public:
  // Ends the stream's capture.
  explicit Graph(const Stream& captured);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  CudaDevice& device() const { return *device_; }
  void launch(const Stream& stream) const;

 private:
  const std::shared_ptr<CudaDevice> device_;
  CUgraphExec handle_ = nullptr;
};

}  // namespace leno::cuda
