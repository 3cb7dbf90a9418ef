package io.leno.cli;

import io.leno.LenoIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Minutes of work should not end at a file that cannot be written. */
final class Writable {
  private Writable() {}

  /**
   * Nothing is written.
   *
   * @param file null for none
   * @throws LenoIOException if the file is a folder, or its folder may not be written to
   */
  static void require(Path file) {
    if (file == null) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    if (Files.isDirectory(file)) {
      throw new LenoIOException(file + " cannot be written: it is a folder, expected a file");
    }
    if (!Files.isDirectory(folder) || !Files.isWritable(folder)) {
      throw new LenoIOException(
          file + " cannot be written: " + folder + " is no folder that may be written to");
    }
  }
}
