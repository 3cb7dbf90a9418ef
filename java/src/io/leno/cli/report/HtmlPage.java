package io.leno.cli.report;

import java.util.Base64;
import java.util.List;
import java.util.Map;

/** A report as one page that needs nothing from elsewhere, pictures included. */
final class HtmlPage {
  private static final String STYLE =
      """
      :root { color-scheme: light dark; --ink: #1f2933; --faint: #66727f; --line: #d5dae0; --back: #fff; }
      @media (prefers-color-scheme: dark) {
        :root { --ink: #e6e9ed; --faint: #9aa5b1; --line: #3b4754; --back: #14191f; }
      }
      body { margin: 0 auto; max-width: 76rem; padding: 1rem; color: var(--ink); background: var(--back);
             font: 16px/1.5 system-ui, sans-serif; }
      h1 { font-size: 1.5rem; line-height: 1.2; } h2 { font-size: 1.2rem; margin-top: 2.5rem; }
      dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: .9rem; }
      dt { color: var(--faint); } dd { margin: 0; overflow-wrap: anywhere; }
      .scroll { overflow-x: auto; }
      table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
      th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
      th { color: var(--faint); font-weight: 600; } td.number { text-align: right; }
      th:first-child, td:first-child { position: sticky; left: 0; background: var(--back);
             max-width: 46vw; overflow: hidden; text-overflow: ellipsis; }
      figure { margin: 1rem 0; overflow-x: auto; } img { max-width: 100%; height: auto; border-radius: 4px; }
      figcaption, .note { color: var(--faint); font-size: .9rem; }
      @media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dd { margin-bottom: .4rem; }
             img { max-width: none; width: 40rem; } }
      """;

  private final StringBuilder html = new StringBuilder();

  private HtmlPage() {}

  /**
   * Writes the page.
   *
   * @param report what to tell
   * @param plot the plot of speed and accuracy, or null
   * @param masks per setting's key the picture of a mask; absent where there is none
   * @param note what is missing and why, or an empty string
   * @return HTML
   */
  static String of(Report report, byte[] plot, Map<String, byte[]> masks, String note) {
    HtmlPage page = new HtmlPage();
    page.head(report);
    page.html.append("<h2>Whole model</h2>\n");
    page.table(ReportTables.models(report.models()));
    page.html.append(
        "<p class=\"note\">Speed-up: the dense model's time over this one's, median over rounds in"
            + " which all run in turn. It is worth as much as the accuracy beside it.</p>\n");
    if (plot != null) {
      page.figure(plot, "Speed-up over cosine", "The same as a plot.");
    }
    if (!note.isEmpty()) {
      page.paragraph(note);
    }
    for (Setting setting : report.settings()) {
      page.setting(setting, masks.get(setting.key()));
    }
    page.html.append("</body>\n</html>\n");
    return page.html.toString();
  }

  private void head(Report report) {
    html.append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
        .append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
        .append("<title>")
        .append(escape(report.title()))
        .append("</title>\n")
        .append("<style>\n")
        .append(STYLE)
        .append("</style>\n</head>\n<body>\n")
        .append("<h1>")
        .append(escape(report.title()))
        .append("</h1>\n<dl>\n");
    report
        .facts()
        .forEach(
            (name, value) ->
                html.append("<dt>")
                    .append(escape(name))
                    .append("</dt><dd>")
                    .append(escape(value))
                    .append("</dd>\n"));
    html.append("</dl>\n");
  }

  private void setting(Setting setting, byte[] mask) {
    html.append("<h2>").append(escape(setting.title())).append("</h2>\n");
    paragraph(ReportTables.summary(setting.report()) + ".");
    if (mask != null) {
      figure(
          mask,
          "Kept weights of a layer before and after the shuffle",
          "One layer's kept weights: scattered over the rows as the model has them, and gathered"
              + " into groups that a kernel can load at once.");
    }
    table(ReportTables.layers(setting.report()));
    html.append(
        "<p class=\"note\">dense: the fastest kernel for the dense float32 weights; ours: the"
            + " kernel that was chosen; for as many tokens as are served at once. error: |(W - W')"
            + " X|\u00b2 / |W X|\u00b2 on calibration inputs.</p>\n");
    setting
        .report()
        .skipped()
        .forEach((name, reason) -> paragraph("Left as it is: " + name + ": " + reason));
  }

  private void table(List<List<String>> rows) {
    html.append("<div class=\"scroll\"><table>\n<thead><tr>");
    rows.get(0).forEach(cell -> html.append("<th>").append(escape(cell)).append("</th>"));
    html.append("</tr></thead>\n<tbody>\n");
    for (List<String> row : rows.subList(1, rows.size())) {
      html.append("<tr>");
      for (String cell : row) {
        html.append(TextTable.isNumber(cell) ? "<td class=\"number\">" : "<td>")
            .append(escape(cell))
            .append("</td>");
      }
      html.append("</tr>\n");
    }
    html.append("</tbody></table></div>\n");
  }

  private void figure(byte[] png, String alternative, String caption) {
    html.append("<figure><img alt=\"")
        .append(escape(alternative))
        .append("\" src=\"data:image/png;base64,")
        .append(Base64.getEncoder().encodeToString(png))
        .append("\"><figcaption>")
        .append(escape(caption))
        .append("</figcaption></figure>\n");
  }

  private void paragraph(String text) {
    html.append("<p class=\"note\">").append(escape(text)).append("</p>\n");
  }

  static String escape(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
