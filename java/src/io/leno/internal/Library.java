package io.leno.internal;

import io.leno.LenoInternalException;
import io.leno.LenoUnsupportedException;
import io.leno.internal.bindings.Native;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import org.bytedeco.javacpp.Loader;

/** The native library: loaded at first use, or a clear word about why it cannot be. */
public final class Library {
  private static final System.Logger LOG = System.getLogger("io.leno");
  private static final String FAILURE = tryLoad();

  private Library() {}

  /** Makes sure that {@link Native} may be called. */
  public static void load() {
    if (FAILURE != null) {
      throw new LenoUnsupportedException(FAILURE);
    }
  }

  /** Where the native library lies: JavaCPP extracts it from the JAR into its cache. */
  public static Path path() {
    load();
    return Loader.getLoadedLibraries().values().stream()
        .map(Path::of)
        .filter(file -> file.getFileName().toString().startsWith("libleno."))
        .findFirst()
        .orElseThrow(
            () ->
                new LenoInternalException(
                    "libleno is not among the loaded libraries "
                        + Loader.getLoadedLibraries().values()));
  }

  private static String tryLoad() {
    try {
      int abi = Native.leno_abi_version();
      if (abi != Native.LENO_ABI_VERSION) {
        return "the native library has ABI version "
            + abi
            + ", expected "
            + Native.LENO_ABI_VERSION;
      }
      LOG.log(Level.DEBUG, () -> "leno " + Check.text(Native.leno_version()) + " loaded");
      return null;
    } catch (LinkageError e) {
      return "the native library could not be loaded on "
          + System.getProperty("os.name")
          + " "
          + System.getProperty("os.arch")
          + ", expected linux-x86_64: "
          + e;
    }
  }
}
