package io.leno.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;

/**
 * The tensors of one batch that nodes behind a cut of a graph still read. Tensors are counted, so
 * that several models may go on from the same cut. Confined to one thread at a time.
 */
final class LiveTensors implements AutoCloseable {
  private static final int LARGE = 1 << 14; // bytes; smaller tensors stay in memory

  /** A tensor, in memory or laid aside, and how many sets hold it. */
  private static final class Shared {
    private OnnxTensor tensor; // null once it is laid aside
    private TensorFile file;
    private TensorFile.Place place;
    private int holders = 1;

    Shared(OnnxTensor tensor) {
      this.tensor = tensor;
    }

    synchronized Shared hold() {
      holders++;
      return this;
    }

    synchronized void release() {
      if (--holders > 0) {
        return;
      }
      if (tensor != null) {
        tensor.close();
      } else {
        file.release(place);
      }
    }

    synchronized void layAside(TensorFile to) {
      if (tensor == null || tensor.getInfo().type == OnnxJavaType.STRING) {
        return;
      }
      if (tensor.getInfo().getNumElements() * tensor.getInfo().type.size >= LARGE) {
        place = to.write(tensor);
        file = to;
        tensor.close();
        tensor = null;
      }
    }

    synchronized long[] shape() {
      return tensor != null ? tensor.getInfo().getShape() : place.shape();
    }

    synchronized FloatPointer floats() {
      if (tensor != null) {
        return new FloatPointer(tensor.getFloatBuffer().array());
      }
      FloatPointer values = new FloatPointer(place.bytes() / 4);
      file.read(place, new BytePointer(values).capacity(place.bytes()).asByteBuffer());
      return values;
    }
  }

  /** Tensors to run a session with. */
  static final class Loan implements AutoCloseable {
    final Map<String, OnnxTensor> tensors = new HashMap<>();
    private final List<NativeTensor> temporary = new ArrayList<>();

    private void add(String name, Shared shared) {
      synchronized (shared) {
        if (shared.tensor != null) {
          tensors.put(name, shared.tensor);
          return;
        }
        TensorFile.Place place = shared.place;
        NativeTensor copy =
            NativeTensor.of(
                place.type(), place.shape(), place.bytes(), to -> shared.file.read(place, to));
        temporary.add(copy);
        tensors.put(name, copy.tensor());
      }
    }

    @Override
    public void close() {
      temporary.forEach(NativeTensor::close);
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

  boolean has(String name) {
    return tensors.containsKey(name);
  }

  long[] shape(String name) {
    return tensors.get(name).shape();
  }

  /** The values; the caller's own. */
  FloatPointer floats(String name) {
    return tensors.get(name).floats();
  }

  /** These tensors in memory; those that are not there are left out. */
  Loan lend(Iterable<String> names) {
    Loan loan = new Loan();
    try {
      for (String name : names) {
        if (tensors.containsKey(name)) {
          loan.add(name, tensors.get(name));
        }
      }
      return loan;
    } catch (RuntimeException | Error e) {
      loan.close();
      throw e;
    }
  }

  /** Moves large tensors to the file. */
  void layAside(TensorFile file) {
    tensors.values().forEach(shared -> shared.layAside(file));
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
