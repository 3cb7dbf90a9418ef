package io.leno.cli.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.leno.LenoIOException;
import io.leno.internal.Check;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** JSON for programs. */
public final class Json {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private Json() {}

  /**
   * A value as indented text.
   *
   * @param value maps, lists, records, numbers, strings
   * @return JSON
   */
  public static String text(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Writes a value to a file.
   *
   * @param file replaced where it exists
   * @param value as {@link #text} takes it
   * @throws LenoIOException if the file cannot be written
   */
  public static void write(Path file, Object value) {
    try {
      Files.writeString(file, text(value) + "\n");
    } catch (IOException e) {
      throw new LenoIOException("JSON file " + file + " cannot be written: " + Check.reason(e));
    }
  }
}
