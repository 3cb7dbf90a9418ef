package io.leno.study.convnet;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.leno.LenoIOException;
import io.leno.cli.report.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * What is done of a study, in a folder: the trained network and the accuracies so far, so that a
 * run that was ended goes on. Files are replaced whole; a run killed at any moment leaves the last
 * whole ones.
 */
final class Progress {
  /**
   * Of one way to prune.
   *
   * @param oneShot accuracy before the retraining
   * @param retrained after it, for each seed
   */
  record Accuracy(double oneShot, List<Double> retrained) {}

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Path folder; // null: nothing is kept
  private final Map<String, Accuracy> done = new LinkedHashMap<>();

  /**
   * @param folder null: nothing is kept
   */
  Progress(Path folder) {
    this.folder = folder;
    if (folder == null) {
      return;
    }
    try {
      Files.createDirectories(folder);
      if (Files.exists(accuracies())) {
        MAPPER
            .readTree(Files.readString(accuracies()))
            .fields()
            .forEachRemaining(
                entry -> {
                  List<Double> retrained = new ArrayList<>();
                  entry.getValue().get("retrained").forEach(v -> retrained.add(v.asDouble()));
                  double oneShot = entry.getValue().get("oneShot").asDouble();
                  done.put(entry.getKey(), new Accuracy(oneShot, retrained));
                });
      }
    } catch (IOException e) {
      throw new LenoIOException("folder " + folder + " cannot be used: " + e.getMessage());
    }
  }

  /** What is known of that name; null: nothing. */
  Accuracy get(String name) {
    return done.get(name);
  }

  void put(String name, Accuracy accuracy) {
    done.put(name, accuracy);
    if (folder != null) {
      Path part = folder.resolve("accuracies.part");
      Json.write(part, done);
      replace(part, accuracies());
    }
  }

  /** Fills the tensors with those of the trained network; false where none was kept. */
  boolean read(List<Tensor> tensors) {
    if (folder == null || !Files.exists(network())) {
      return false;
    }
    try (PointerScope scope = new PointerScope()) {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(network()));
      long expected = tensors.stream().mapToLong(Tensor::nbytes).sum();
      if (bytes.capacity() != expected) {
        throw new LenoIOException(
            network() + " has " + bytes.capacity() + " bytes, expected " + expected);
      }
      for (Tensor tensor : tensors) {
        byte[] values = new byte[(int) tensor.nbytes()];
        bytes.get(values);
        new BytePointer(tensor.data_ptr()).put(values);
      }
      return true;
    } catch (IOException e) {
      throw new LenoIOException(network() + " cannot be read: " + e.getMessage());
    }
  }

  /** Keeps the trained network. */
  void write(List<Tensor> tensors) {
    if (folder == null) {
      return;
    }
    try (PointerScope scope = new PointerScope()) {
      int size = tensors.stream().mapToInt(t -> (int) t.nbytes()).sum();
      ByteBuffer bytes = ByteBuffer.allocate(size);
      for (Tensor tensor : tensors) {
        byte[] values = new byte[(int) tensor.nbytes()];
        new BytePointer(tensor.data_ptr()).get(values);
        bytes.put(values);
      }
      Path part = folder.resolve("network.part");
      Files.write(part, bytes.array());
      replace(part, network());
    } catch (IOException e) {
      throw new LenoIOException(network() + " cannot be written: " + e.getMessage());
    }
  }

  private static void replace(Path part, Path file) {
    try {
      Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new LenoIOException(file + " cannot be written: " + e.getMessage());
    }
  }

  private Path accuracies() {
    return folder.resolve("accuracies.json");
  }

  private Path network() {
    return folder.resolve("network.bin");
  }
}
