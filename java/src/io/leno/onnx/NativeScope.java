package io.leno.onnx;

import java.util.function.Supplier;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.PointerScope;

/** Frees the matrices that a piece of work has made on its thread, not when the collector does. */
final class NativeScope {
  private NativeScope() {}

  /** Does the work; its result must not hold a matrix. */
  @SuppressWarnings("try")
  static <T> T call(Supplier<T> work) {
    try (PointerScope scope = new PointerScope(FloatPointer.class)) {
      return work.get();
    }
  }

  @SuppressWarnings("try")
  static void run(Runnable work) {
    try (PointerScope scope = new PointerScope(FloatPointer.class)) {
      work.run();
    }
  }
}
