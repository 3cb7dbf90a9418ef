package io.leno.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ProgressPrinterTest {
  private final StringWriter text = new StringWriter();
  private long now;

  private ProgressPrinter printer(boolean terminal) {
    return new ProgressPrinter(new PrintWriter(text), terminal, () -> now);
  }

  @Test
  void elsewhereALinePerStageAndOneEveryTenSeconds() {
    ProgressPrinter printer = printer(false);
    for (int i = 0; i < 25; i++) {
      printer.update("prune", "layer" + i, i / 25.0);
      now += 1_000_000_000L;
    }
    printer.update("time", "", 0);
    printer.done();
    assertEquals("prune\nprune: 40 % after 10 s\nprune: 80 % after 20 s\ntime\n", text.toString());
  }

  @Test
  void onATerminalTheLineIsOverwritten() {
    ProgressPrinter printer = printer(true);
    printer.update("prune", "a", 0);
    now += 50_000_000L;
    printer.update("prune", "not yet", 0.1);
    now += 100_000_000L;
    printer.update("prune", "b", 0.5);
    printer.done();
    String[] lines = text.toString().split("\r");
    assertEquals(4, lines.length, text.toString());
    assertTrue(lines[2].startsWith("prune         50 %  b"), lines[2]);
    assertTrue(lines[3].startsWith("prune        done in 0.2 s"), lines[3]);
    assertTrue(lines[1].length() == lines[2].length(), "a shorter line leaves a rest behind");
  }

  @Test
  void longNamesKeepTheirEnd() {
    ProgressPrinter printer = printer(true);
    printer.update("prune", "x".repeat(200) + "/query", 0);
    assertTrue(text.toString().contains("\u2026"), text.toString());
    assertTrue(text.toString().stripTrailing().endsWith("/query"), text.toString());
    assertTrue(text.toString().length() < 80, text.toString());
  }
}
