package io.leno;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A JVM of its own, with the class path and the native libraries of this one. */
public final class ChildJvm {
  private static final String CACHE = "org.bytedeco.javacpp.cachedir";

  private ChildJvm() {}

  /**
   * Starts it.
   *
   * @param log where its output goes
   * @param options of the JVM
   * @param main the class to run
   * @param arguments of the class
   */
  public static Process start(Path log, List<String> options, Class<?> main, List<String> arguments)
      throws IOException {
    return start(log, options, main, arguments, Map.of());
  }

  /**
   * Starts it.
   *
   * @param environment variables that differ from this JVM's; an empty value removes one
   */
  public static Process start(
      Path log,
      List<String> options,
      Class<?> main,
      List<String> arguments,
      Map<String, String> environment)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    // Without it, builds of different folders would overwrite each other's libraries while they
    // run.
    command.add("-D" + CACHE + "=" + System.getProperty(CACHE, log.getParent().toString()));
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(arguments);
    ProcessBuilder process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
    environment.forEach(
        (name, value) -> {
          process.environment().remove(name);
          if (!value.isEmpty()) {
            process.environment().put(name, value);
          }
        });
    return process.start();
  }
}
