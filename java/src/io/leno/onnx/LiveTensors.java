package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The tensors of one batch that nodes behind a cut of a graph still read. Tensors are counted, so
 * that several models may go on from the same cut. Confined to one thread at a time.
 */
final class LiveTensors implements AutoCloseable {
  /** A tensor and how many sets hold it. */
  private static final class Shared {
    final OnnxTensor tensor;
    private int holders = 1;

    Shared(OnnxTensor tensor) {
      this.tensor = tensor;
    }

    synchronized Shared hold() {
      holders++;
      return this;
    }

    synchronized void release() {
      if (--holders == 0) {
        tensor.close();
      }
    }
  }

  private final Map<String, Shared> tensors = new HashMap<>();

  /** Takes over the tensor. */
  void put(String name, OnnxTensor tensor) {
    Shared before = tensors.put(name, new Shared(tensor));
    if (before != null) {
      before.release();
    }
  }

  OnnxTensor get(String name) {
    Shared shared = tensors.get(name);
    return shared == null ? null : shared.tensor;
  }

  /** The same tensors, held a second time. */
  LiveTensors copy() {
    LiveTensors copy = new LiveTensors();
    tensors.forEach((name, shared) -> copy.tensors.put(name, shared.hold()));
    return copy;
  }

  /** Lets go of all tensors but these. */
  void retain(Set<String> names) {
    tensors
        .entrySet()
        .removeIf(
            entry -> {
              boolean dead = !names.contains(entry.getKey());
              if (dead) {
                entry.getValue().release();
              }
              return dead;
            });
  }

  @Override
  public void close() {
    retain(Set.of());
  }
}
