package io.leno.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession.SessionOptions;
import io.leno.LenoException;
import io.leno.internal.Library;
import java.nio.file.Path;
import java.util.Objects;

/** Makes the operators of this library known to ONNX Runtime. */
public final class LenoOnnx {
  private LenoOnnx() {}

  /**
   * Registers the operators of the domain {@code io.leno} with a session that is about to be made;
   * they run on the calling thread alone.
   *
   * @param options options of a session
   * @throws OrtException if ONNX Runtime refuses the library
   * @throws LenoException if the native library cannot be loaded
   */
  public static void register(SessionOptions options) throws OrtException {
    register(options, 1);
  }

  /**
   * Registers the operators of the domain {@code io.leno} with a session that is about to be made.
   *
   * @param options options of a session
   * @param threads threads of the operators' own pool, 1 .. 1024; all sessions with the same number
   *     share one pool
   * @throws OrtException if ONNX Runtime refuses the library, or the number of threads
   * @throws LenoException if the native library cannot be loaded
   */
  public static void register(SessionOptions options, int threads) throws OrtException {
    register(options, threads, null);
  }

  /**
   * Registers the operators of the domain {@code io.leno} with a session that is about to be made.
   *
   * @param options options of a session
   * @param threads threads of the operators' own pool, 1 .. 1024; all sessions with the same number
   *     share one pool
   * @param planFile file that keeps the measured choices of kernels, made where it is missing; null
   *     to measure each time
   * @throws OrtException if ONNX Runtime refuses the library, or the number of threads
   * @throws LenoException if the native library cannot be loaded
   */
  public static void register(SessionOptions options, int threads, Path planFile)
      throws OrtException {
    Objects.requireNonNull(options, "options");
    // The library reads these when it is registered, so they come first.
    options.addConfigEntry("leno.threads", Integer.toString(threads));
    if (planFile != null) {
      options.addConfigEntry("leno.plan_file", planFile.toAbsolutePath().toString());
    }
    options.registerCustomOpLibrary(libraryPath());
  }

  /**
   * Path of the native library, for servers that take the path of a custom-operator library (as
   * DJL's option {@code customOpLibrary}).
   *
   * @return an absolute path
   * @throws LenoException if the native library cannot be loaded
   */
  public static String libraryPath() {
    return Library.path().toString();
  }

  /**
   * The version of the ONNX Runtime that is on the class path.
   *
   * @return as "1.29.0"
   */
  public static String runtimeVersion() {
    return Ort.environment().getVersion();
  }
}
