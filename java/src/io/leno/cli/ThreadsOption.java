package io.leno.cli;

import picocli.CommandLine.Option;

/** How many threads run what is measured. */
final class ThreadsOption {
  @Option(
      names = "--threads",
      converter = Numbers.Threads.class,
      defaultValue = "1",
      description = "Threads (${DEFAULT-VALUE}).")
  int threads;
}
