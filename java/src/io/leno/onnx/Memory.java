package io.leno.onnx;

import org.bytedeco.javacpp.Pointer;

/** What the process holds and does not need. */
final class Memory {
  private Memory() {}

  /**
   * Gives it back. A JVM begins with a heap of a 64th of the machine's memory, which shrinks to a
   * few times its use when it is collected; and native memory that buffers own goes with them.
   */
  static void giveBack() {
    System.gc();
    Pointer.trimMemory();
  }
}
