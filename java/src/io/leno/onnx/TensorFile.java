package io.leno.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import io.leno.LenoIOException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/**
 * Tensors laid aside in a temporary file, so that memory does not grow with the number of samples.
 * Any thread may use it.
 */
final class TensorFile implements AutoCloseable {
  /** Where a tensor lies. */
  record Place(OnnxJavaType type, long[] shape, long offset, int bytes) {}

  private final FileChannel file;
  private final TensorCopier copier = new TensorCopier();
  private final Map<Integer, Deque<Long>> free = new HashMap<>(); // sizes come again layer by layer
  private long end;

  TensorFile() {
    try {
      Path path = Files.createTempFile("leno", ".tensors");
      // On POSIX systems the name is gone at once, and the file with the process, however that
      // ends.
      file =
          FileChannel.open(
              path,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  Place write(OnnxTensor tensor) {
    try (NativeTensor copy = copier.copy(tensor)) {
      ByteBuffer values = copy.memory().asByteBuffer();
      int bytes = values.remaining();
      long offset = take(bytes);
      while (values.hasRemaining()) {
        file.write(values, offset + values.position());
      }
      return new Place(tensor.getInfo().type, tensor.getInfo().getShape(), offset, bytes);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  /** Fills a buffer as large as the tensor. */
  void read(Place place, ByteBuffer to) {
    try {
      while (to.hasRemaining()) {
        if (file.read(to, place.offset + to.position()) < 0) {
          throw new IOException("it ends at " + file.size() + " bytes");
        }
      }
      to.flip();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  synchronized void release(Place place) {
    free.computeIfAbsent(place.bytes, size -> new ArrayDeque<>()).push(place.offset);
  }

  private synchronized long take(int bytes) {
    Deque<Long> places = free.get(bytes);
    if (places != null && !places.isEmpty()) {
      return places.pop();
    }
    end += bytes;
    return end - bytes;
  }

  private static LenoIOException failure(IOException e) {
    return new LenoIOException(
        "a temporary file in " + System.getProperty("java.io.tmpdir") + " cannot be used: " + e);
  }

  @Override
  public void close() {
    copier.close();
    try {
      file.close();
    } catch (IOException e) {
      throw failure(e);
    }
  }
}
