package io.leno.onnx;

import io.leno.LenoIOException;
import io.leno.internal.Check;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Files that are there as a whole or not at all. */
final class AtomicFiles {
  /** Writes what the file shall hold. */
  interface Content {
    void writeTo(OutputStream out) throws IOException;
  }

  private AtomicFiles() {}

  static void write(Path path, Content content) {
    Path target = path.toAbsolutePath();
    if (Files.isDirectory(target)) { // an empty one would give way to the file
      throw new LenoIOException(
          "file " + path + " cannot be written: it is a folder, expected a file");
    }
    try {
      // Not createTempFile: what that makes only its owner may read, and so would the result be.
      Path temporary =
          target.resolveSibling(target.getFileName() + "." + UUID.randomUUID() + ".tmp");
      try {
        try (OutputStream out =
            new BufferedOutputStream(
                Files.newOutputStream(temporary, StandardOpenOption.CREATE_NEW))) {
          content.writeTo(out);
        }
        Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(temporary);
      }
    } catch (IOException e) {
      throw new LenoIOException("file " + path + " cannot be written: " + Check.reason(e));
    }
  }
}
