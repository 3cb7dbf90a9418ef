package io.leno.cli;

import io.leno.cli.report.Json;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Where a command's result goes: text for people, JSON for programs. */
final class Output {
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

  /** The file that JSON goes to, or null. */
  Path file() {
    return json == null || !text() ? null : Path.of(json);
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
    if (text()) {
      Json.write(Path.of(json), result);
    } else {
      out().println(Json.text(result));
      out().flush();
    }
  }
}
