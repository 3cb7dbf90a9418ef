package io.leno.onnx;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.leno.LenoArgumentException;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoOutOfMemoryException;
import io.leno.internal.Check;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * Masks on disk, for retraining elsewhere: a safetensors file with one U8 tensor [M, K] per layer,
 * 1 where a weight is kept, and the metadata {@code format = leno.masks}, {@code version = 1}.
 */
public final class MaskFile {
  private static final String FORMAT = "leno.masks";
  private static final String VERSION = "1";
  private static final String METADATA = "__metadata__";
  private static final int LARGEST_HEADER = 100_000_000; // as the format's own reader has it
  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build());

  private MaskFile() {}

  /**
   * Writes masks, replacing the file in one step.
   *
   * @param path where to
   * @param masks per layer name
   * @throws LenoIOException if that fails; an earlier file is then still there
   * @throws LenoArgumentException if a layer has the name {@code __metadata__}
   */
  public static void save(Path path, Map<String, Mask> masks) {
    Objects.requireNonNull(path, "path");
    ObjectNode header = JSON.createObjectNode();
    header.putObject(METADATA).put("format", FORMAT).put("version", VERSION);
    long offset = 0;
    for (Map.Entry<String, Mask> entry : masks.entrySet()) {
      if (entry.getKey().equals(METADATA)) {
        throw new LenoArgumentException("a layer has the name " + METADATA + ", expected another");
      }
      Mask mask = entry.getValue();
      ObjectNode tensor = header.putObject(entry.getKey()).put("dtype", "U8");
      tensor.putArray("shape").add(mask.rows()).add(mask.columns());
      long end = offset + (long) mask.rows() * mask.columns();
      tensor.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + 7) / 8 * 8;
    AtomicFiles.write(
        path,
        out -> {
          out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).array());
          out.write(json);
          out.write(" ".repeat(padded - json.length).getBytes(StandardCharsets.UTF_8));
          for (Mask mask : masks.values()) {
            out.write(mask.kept());
          }
        });
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
    byte[] file;
    try {
      file = Files.readAllBytes(path);
    } catch (IOException e) {
      throw new LenoIOException("masks " + path + " cannot be read: " + Check.reason(e));
    } catch (OutOfMemoryError e) {
      throw new LenoOutOfMemoryException("masks " + path + " do not fit into memory");
    }
    try {
      return parse(file);
    } catch (LenoFormatException e) {
      throw new LenoFormatException(path + ": " + e.getMessage());
    }
  }

  private static Map<String, Mask> parse(byte[] file) {
    if (file.length < 8) {
      throw new LenoFormatException("it has " + file.length + " bytes, expected a header");
    }
    long size = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (size < 2 || size > LARGEST_HEADER || size > file.length - 8) {
      throw new LenoFormatException(
          "its header has " + size + " bytes, expected 2 .. " + (file.length - 8));
    }
    JsonNode header;
    try {
      header = JSON.readTree(new String(file, 8, (int) size, StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw new LenoFormatException("its header is no JSON: " + e.getOriginalMessage());
    }
    JsonNode metadata = header.path(METADATA);
    if (!header.isObject()
        || !metadata.path("format").asText().equals(FORMAT)
        || !metadata.path("version").asText().equals(VERSION)) {
      throw new LenoFormatException(
          "its format is "
              + metadata.path("format").asText("absent")
              + " "
              + metadata.path("version").asText("")
              + ", expected "
              + FORMAT
              + " "
              + VERSION);
    }
    Map<String, Mask> masks = new LinkedHashMap<>();
    int data = 8 + (int) size;
    long expected = 0;
    for (Map.Entry<String, JsonNode> entry : header.properties()) {
      if (!entry.getKey().equals(METADATA)) {
        Mask mask = mask(entry.getKey(), entry.getValue(), expected, file, data);
        expected += (long) mask.rows() * mask.columns();
        masks.put(entry.getKey(), mask);
      }
    }
    if (expected != file.length - data) {
      throw new LenoFormatException(
          "it holds " + (file.length - data) + " bytes of masks, expected " + expected);
    }
    return masks;
  }

  /** Tensors lie one after the other, without gaps. */
  private static Mask mask(String name, JsonNode tensor, long begin, byte[] file, int data) {
    JsonNode shape = tensor.path("shape");
    JsonNode offsets = tensor.path("data_offsets");
    if (!tensor.path("dtype").asText().equals("U8") || shape.size() != 2 || offsets.size() != 2) {
      throw new LenoFormatException("mask " + name + " is no U8 tensor with two axes");
    }
    long rows = shape.get(0).asLong(-1);
    long columns = shape.get(1).asLong(-1);
    boolean fits =
        rows >= 1
            && columns >= 1
            && rows <= Integer.MAX_VALUE / columns
            && offsets.get(0).asLong(-1) == begin
            && offsets.get(1).asLong(-1) == begin + rows * columns
            && begin + rows * columns <= file.length - data;
    if (!fits) {
      throw new LenoFormatException(
          "mask "
              + name
              + " has shape "
              + shape
              + " and data_offsets "
              + offsets
              + ", expected them to match, from "
              + begin
              + " within "
              + (file.length - data)
              + " bytes");
    }
    int from = data + (int) begin;
    byte[] kept = Arrays.copyOfRange(file, from, from + (int) (rows * columns));
    try {
      return new Mask((int) rows, (int) columns, kept);
    } catch (LenoArgumentException e) {
      throw new LenoFormatException("mask " + name + ": " + e.getMessage());
    }
  }
}
