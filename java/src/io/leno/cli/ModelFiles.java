package io.leno.cli;

import java.nio.file.Path;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The files of commands that make a model from a model. */
final class ModelFiles {
  @Parameters(paramLabel = "MODEL", description = "An ONNX file with float weights.")
  Path model;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "OUT",
      description = "Where the model with our operators goes.")
  Path out;
}
