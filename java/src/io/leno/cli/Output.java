package io.leno.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.leno.LenoIOException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where a command's result goes: text for people, JSON for programs. */
final class Output {
  private static final ObjectMapper MAPPER =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  @Spec(Spec.Target.MIXEE)
  private CommandSpec spec;

  @Option(
      names = "--json",
      arity = "0..1",
      fallbackValue = "-",
      paramLabel = "FILE",
      description = "Write the result as JSON, to a file or, without one, instead of the text.")
  private String json;

  /** Whether the text is wanted: not where JSON takes its place. */
  boolean text() {
    return !"-".equals(json);
  }

  PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /** Progress and remarks, beside the result. */
  PrintWriter err() {
    return spec.commandLine().getErr();
  }

  void printf(String format, Object... arguments) {
    if (text()) {
      out().printf(java.util.Locale.ROOT, format, arguments);
      out().flush();
    }
  }

  /** Writes the result as JSON, if the user wants it. */
  void json(Object result) {
    if (json == null) {
      return;
    }
    String text = toJson(result);
    if (json.equals("-")) {
      out().println(text);
      out().flush();
      return;
    }
    try {
      Files.writeString(Path.of(json), text + "\n");
    } catch (IOException e) {
      throw new LenoIOException("--json " + json + " cannot be written: " + e);
    }
  }

  static String toJson(Object value) {
    try {
      return MAPPER.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Rows of text in columns as wide as their widest cell, numbers to the right. */
  static String table(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] width = new int[columns];
    for (List<String> row : rows) {
      for (int c = 0; c < columns; c++) {
        width[c] = Math.max(width[c], row.get(c).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < columns; c++) {
        String cell = row.get(c);
        String padding = " ".repeat(width[c] - cell.length());
        boolean number = cell.matches("-?[0-9.,]+( ?[%x]|ms|us)?");
        line.append(c == 0 ? "" : "  ").append(number ? padding + cell : cell + padding);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }
}
