package io.leno.cli;

import io.leno.onnx.Progress;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Tells people how the work goes on: one line that is written over and over on a terminal;
 * elsewhere a line per stage, and one every ten seconds while a stage goes on.
 */
public final class ProgressPrinter implements Progress {
  private static final int LINE = 78;
  private static final long REDRAW = 100_000_000L; // nanoseconds
  private static final long REMIND = 10_000_000_000L;

  private final PrintWriter out;
  private final boolean terminal;
  private final LongSupplier nanoseconds;
  private String stage = "";
  private long begun;
  private long told;
  private boolean open;

  /**
   * Progress on standard error.
   *
   * @param out a writer to standard error
   */
  public ProgressPrinter(PrintWriter out) {
    this(out, isTerminal(), System::nanoTime);
  }

  ProgressPrinter(PrintWriter out, boolean terminal, LongSupplier nanoseconds) {
    this.out = out;
    this.terminal = terminal;
    this.nanoseconds = nanoseconds;
  }

  /** Where standard error leads, as Linux tells; Java knows of standard output at most. */
  private static boolean isTerminal() {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/2")).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException | UnsupportedOperationException e) {
      return false;
    }
  }

  @Override
  public void update(String stage, String layer, double fraction) {
    long now = nanoseconds.getAsLong();
    boolean changed = !stage.equals(this.stage);
    if (changed) {
      done();
      this.stage = stage;
      begun = now;
      open = true;
    }
    if (changed || open && (now - told >= (terminal ? REDRAW : REMIND))) {
      told = now;
      line(changed, layer, fraction, now);
    }
  }

  private void line(boolean first, String layer, double fraction, long now) {
    String where = layer.length() > 44 ? "\u2026" + layer.substring(layer.length() - 43) : layer;
    if (terminal) {
      String text = String.format(Locale.ROOT, "%-12s %3.0f %%  %s", stage, 100 * fraction, where);
      out.print("\r" + text + " ".repeat(Math.max(0, LINE - text.length())));
    } else if (first) {
      out.println(stage);
    } else {
      out.printf(
          Locale.ROOT, "%s: %.0f %% after %.0f s%n", stage, 100 * fraction, (now - begun) / 1e9);
    }
    out.flush();
  }

  /** Ends the line of the stage in hand, so that other text may follow. */
  public void done() {
    if (open && terminal) {
      String text =
          String.format(
              Locale.ROOT, "%-12s done in %.1f s", stage, (nanoseconds.getAsLong() - begun) / 1e9);
      out.println("\r" + text + " ".repeat(Math.max(0, LINE - text.length())));
      out.flush();
    }
    open = false;
    stage = "";
  }
}
