package io.leno.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.leno.LenoIOException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFilesTest {
  @TempDir private Path folder;

  private List<Path> files() throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.sorted().toList();
    }
  }

  @Test
  void theResultIsAsReadableAsAnyNewFile() throws IOException {
    Path plain = Files.write(folder.resolve("plain"), new byte[] {1});
    Path whole = folder.resolve("whole");
    AtomicFiles.write(whole, out -> out.write(1));
    assertEquals(Files.getPosixFilePermissions(plain), Files.getPosixFilePermissions(whole));
    assertEquals(List.of(plain, whole), files());
  }

  @Test
  void aFailureLeavesTheEarlierFileAlone() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "earlier");
    assertThrows(
        LenoIOException.class,
        () ->
            AtomicFiles.write(
                file,
                out -> {
                  out.write(1);
                  throw new IOException("disk full");
                }));
    assertEquals("earlier", Files.readString(file));
    assertEquals(List.of(file), files());
  }
}
