package io.leno.onnx;

import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import java.nio.file.Path;
import java.util.Map;

/**
 * Masks on disk, for retraining elsewhere: a safetensors file with one U8 tensor [M, K] per layer,
 * 1 where a weight is kept, and the metadata {@code format = leno.masks}, {@code version = 1}.
 */
public final class MaskFile {
  private MaskFile() {}

  /**
   * Writes masks, replacing the file in one step.
   *
   * @param path where to
   * @param masks per layer name
   * @throws LenoIOException if that fails; an earlier file is then still there
   */
  public static void save(Path path, Map<String, Mask> masks) {
    throw new UnsupportedOperationException();
  }

  /**
   * Reads masks.
   *
   * @param path a file that {@link #save} has written
   * @return per layer name, in the file's order
   * @throws LenoIOException if the file cannot be read
   * @throws LenoFormatException if it is not what it claims to be
   */
  public static Map<String, Mask> load(Path path) {
    throw new UnsupportedOperationException();
  }
}
