#include "machine.h"

namespace leno::simt {
namespace {

thread_local CUstreamCaptureMode thread_mode = CUstreamCaptureMode(0);  // CU_STREAM_CAPTURE_MODE_GLOBAL

}  // namespace

bool has_capture(Context& context) {
  for (const Stream& s : context.streams) {
    if (s.capture != nullptr) return true;
  }
  return false;
}

CUresult invalidate(Stream& stream, CUresult result) {
  if (stream.capture != nullptr) stream.capture->invalid = true;
  return result;
}

CUresult prohibited(Context& context) {
  if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_SUCCESS;
  for (Stream& s : context.streams) {
    if (s.capture == nullptr || s.capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED) continue;
    const bool mine = s.capture->thread == std::this_thread::get_id();
    const bool of_all = thread_mode == 0 && s.capture->mode == 0;
    if (mine || of_all) return invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
  }
  return CUDA_SUCCESS;
}

void leave_capture(Stream& stream) {
  const std::shared_ptr<Capture> capture = stream.capture;
  if (capture == nullptr) return;
  for (Context& c : machine().contexts) {
    for (Stream& s : c.streams) {
      if (s.capture == capture) s.capture = nullptr;
    }
  }
}

}  // namespace leno::simt

namespace leno::cuda {

using namespace leno::simt;

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode* mode) {
  return started("cuThreadExchangeStreamCaptureMode", [&] {
    std::swap(*mode, thread_mode);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamIsCapturing(CUstream handle, CUstreamCaptureStatus* status) {
  return in_context("cuStreamIsCapturing", [&](Context& context) {
    const Stream* stream = stream_of(context, handle);
    if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    const int value = stream->capture == nullptr ? 0 : stream->capture->invalid ? 2 : 1;
    *status = static_cast<CUstreamCaptureStatus>(value);
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamBeginCapture_v2(CUstream handle, CUstreamCaptureMode mode) {
  return in_context("cuStreamBeginCapture_v2", [&](Context& context) {
    Stream* stream = stream_of(context, handle);
    if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    if (stream == &context.streams.front()) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    if (stream->capture != nullptr) return CUDA_ERROR_ILLEGAL_STATE;
    stream->capture = std::make_shared<Capture>();
    stream->capture->graph = std::make_unique<Graph>();
    stream->capture->origin = stream;
    stream->capture->thread = std::this_thread::get_id();
    stream->capture->mode = mode;
    return CUDA_SUCCESS;
  });
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  return in_context("cuStreamEndCapture", [&](Context& context) {
    Stream* stream = stream_of(context, handle);
    if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    const std::shared_ptr<Capture> capture = stream->capture;
    if (capture == nullptr) return CUDA_ERROR_ILLEGAL_STATE;
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != std::this_thread::get_id()) {
      return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    }
    leave_capture(*stream);
    *graph = nullptr;
    if (capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    context.graphs.push_back(std::move(*capture->graph));
    *graph = reinterpret_cast<CUgraph>(&context.graphs.back());
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* executable, CUgraph handle, unsigned long long) {
  return in_context("cuGraphInstantiateWithFlags", [&](Context& context) {
    const Graph* graph = find(context.graphs, handle);
    if (graph == nullptr) return misuse("a graph that was destroyed is used", CUDA_ERROR_INVALID_VALUE);
    context.executables.push_back({&context, *graph, nullptr});
    *executable = reinterpret_cast<CUgraphExec>(&context.executables.back());
    return CUDA_SUCCESS;
  });
}

CUresult cuGraphDestroy(CUgraph handle) {
  return in_context("cuGraphDestroy", [&](Context& context) {
    return erase_handle(context.graphs, handle) ? CUDA_SUCCESS
                                                : misuse("a graph is destroyed twice", CUDA_ERROR_INVALID_VALUE);
  });
}

CUresult cuGraphExecDestroy(CUgraphExec handle) {
  return in_context("cuGraphExecDestroy", [&](Context& context) {
    return erase_handle(context.executables, handle) ? CUDA_SUCCESS
                                                     : misuse("a graph is destroyed twice", CUDA_ERROR_INVALID_VALUE);
  });
}

CUresult cuGraphLaunch(CUgraphExec handle, CUstream stream_handle) {
  return in_context("cuGraphLaunch", [&](Context& context) {
    GraphExec* executable = find(context.executables, handle);
    if (executable == nullptr) return misuse("a graph that was destroyed is launched", CUDA_ERROR_INVALID_VALUE);
    Stream* stream = stream_of(context, stream_handle);
    if (stream == nullptr) return CUDA_ERROR_INVALID_HANDLE;
    std::vector<DonePtr> after;
    if (executable->last != nullptr && stream->capture == nullptr) after.push_back(executable->last);
    const auto run = [nodes = executable->graph.nodes] {
      for (const auto& node : nodes) {
        if (const CUresult result = node(); result != CUDA_SUCCESS) return result;
      }
      return CUDA_SUCCESS;
    };
    DonePtr done;
    const CUresult result = push(*stream, run, after, &done);
    if (result == CUDA_SUCCESS && stream->capture == nullptr) executable->last = done;
    return result;
  });
}

}  // namespace leno::cuda
