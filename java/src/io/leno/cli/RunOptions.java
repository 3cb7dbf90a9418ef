package io.leno.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/** Options of the commands that run models side by side. */
final class RunOptions {
  /** The name of an axis: any text. */
  static final class Name implements ITypeConverter<String> {
    @Override
    public String convert(String text) {
      return text;
    }
  }

  @Option(
      names = "--dim",
      paramLabel = "NAME=SIZE",
      converter = {Name.class, Numbers.Length.class},
      description = "Size of a symbolic axis, where inputs are made up.")
  final Map<String, Long> dims = new LinkedHashMap<>();

  @Option(
      names = "--rounds",
      defaultValue = "50",
      converter = Numbers.Count.class,
      description = "Rounds of the comparison, 1 or more (${DEFAULT-VALUE}).")
  int rounds;

  @Option(
      names = "--plan",
      paramLabel = "FILE",
      description = "File that keeps the choices of kernels.")
  Path plan;
}
