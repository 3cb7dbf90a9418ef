package io.leno.cli;

import ai.onnxruntime.OrtException;
import io.leno.Leno;
import io.leno.LenoException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Entry point of the command line. Exit codes: 0 done, 1 it failed, 2 the command line is wrong.
 */
@Command(
    name = "leno",
    description =
        "Sparse neural-network operators: makes ONNX models faster, and says what it costs.",
    mixinStandardHelpOptions = true,
    versionProvider = Main.Version.class,
    subcommands = {
      DoctorCommand.class,
      InspectCommand.class,
      AccelerateCommand.class,
      PackCommand.class,
      CompareCommand.class,
      BenchCommand.class
    },
    exitCodeListHeading = "Exit codes:%n",
    exitCodeList = {
      "0:done",
      "1:it failed: the message says what was wrong",
      "2:the command line is wrong: nothing was done"
    })
public final class Main implements Runnable {
  static final int FAILED = 1;

  @Spec private CommandSpec spec;

  /** The version of the native library. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"leno " + Leno.version()};
    }
  }

  /**
   * Runs a command and ends the JVM with its exit code.
   *
   * @param arguments the command line
   */
  public static void main(String[] arguments) {
    System.exit(execute(arguments));
  }

  private static int execute(String[] arguments) {
    try {
      return commandLine().execute(arguments);
    } catch (OutOfMemoryError e) {
      System.err.println(
          "error: out of memory: " + e.getMessage() + "; give Java more, for instance -Xmx8g");
      return FAILED;
    }
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setParameterExceptionHandler(Main::refuse)
        .setExecutionExceptionHandler(
            (failure, command, parsed) -> {
              report(command.getErr(), failure);
              return FAILED;
            });
  }

  /** One line that says what is wrong, and where help is. */
  private static int refuse(ParameterException wrong, String[] arguments) {
    CommandLine command = wrong.getCommandLine();
    PrintWriter err = command.getErr();
    String message = wrong.getMessage().replaceAll("\\s*\\R\\s*", " ");
    err.println("error: " + message + " (" + command.getCommandSpec().qualifiedName() + " --help)");
    err.flush();
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  /**
   * What went wrong, in the words of the one who noticed; a stack trace only for what should not
   * happen.
   */
  private static void report(PrintWriter err, Exception failure) {
    if (failure instanceof LenoException || failure instanceof OrtException) {
      err.println("error: " + failure.getMessage().replaceAll("\\s*\\R\\s*", " "));
    } else {
      err.println("error: " + failure);
      failure.printStackTrace(err);
    }
    err.flush();
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "a command is missing, expected one of " + spec.subcommands().keySet());
  }
}
