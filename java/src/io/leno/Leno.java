package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Handle;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;

/** What there is to know about the library as a whole. */
public final class Leno {
  private Leno() {}

  /**
   * The version of the native library.
   *
   * @return as "0.1.0"
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static String version() {
    Library.load();
    return Check.text(Native.leno_version());
  }

  /**
   * The processor's name as it reports it.
   *
   * @return as "AMD EPYC 9B45"
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static String cpuName() {
    Library.load();
    return Check.text(Native.leno_cpu_name());
  }

  /**
   * Whether this build holds CUDA kernels. Does not touch the driver.
   *
   * @return true where it does
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static boolean cudaBuilt() {
    Library.load();
    return Native.leno_cuda_built() != 0;
  }

  /**
   * Has the C library hand large blocks of native memory back to the operating system as soon as
   * they are freed, in the whole process and from now on. For tools that work in large blocks on
   * many threads; a server has no use for it.
   *
   * @return false where the C library has no such setting
   * @throws LenoUnsupportedException if the native library cannot be loaded on this machine
   */
  public static boolean returnFreedMemory() {
    Library.load();
    return Native.leno_return_freed_memory() != 0;
  }

  /**
   * How many devices, contexts, patterns, packed weights and operators the garbage collector found
   * that nobody had closed. Their memory was freed then; a program that always closes sees 0. Each
   * is logged once as a warning by the logger "io.leno".
   *
   * @return a count since the start of the JVM
   */
  public static long leakedHandles() {
    return Handle.leaked();
  }
}
