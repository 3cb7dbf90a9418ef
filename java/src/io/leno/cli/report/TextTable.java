package io.leno.cli.report;

import java.util.List;

/** Rows of text as a table. */
public final class TextTable {
  private TextTable() {}

  /**
   * Columns as wide as their widest cell, numbers to the right.
   *
   * @param rows the first is the header; all have as many cells
   * @return lines, each with its end
   */
  public static String of(List<List<String>> rows) {
    int columns = rows.get(0).size();
    int[] width = new int[columns];
    for (List<String> row : rows) {
      for (int c = 0; c < columns; c++) {
        width[c] = Math.max(width[c], row.get(c).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int c = 0; c < columns; c++) {
        String cell = row.get(c);
        String padding = " ".repeat(width[c] - cell.length());
        line.append(c == 0 ? "" : "  ").append(isNumber(cell) ? padding + cell : cell + padding);
      }
      text.append(line.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  /** Whether a cell is a number, its unit included. */
  static boolean isNumber(String cell) {
    return cell.matches("-?[0-9.,]+(e-?[0-9]+)?( ?(%|x|ms|us))?");
  }
}
