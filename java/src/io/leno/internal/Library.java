package io.leno.internal;

import io.leno.LenoUnsupportedException;
import io.leno.internal.bindings.Native;
import java.lang.System.Logger.Level;

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
