import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes the tables of a document from the JSON of benchmarks and of the demo: {@code java scripts/Tables.java README.md
 * docs/results/*.json}. A document has some of the sections {@code demo}, {@code linear} (every kind of row, the worst
 * losses), {@code linear-brief}, {@code conv} (every kind of row, every geometry) and {@code conv-brief}; a section stands between the lines {@code <!-- linear:begin -->} and {@code
 * <!-- linear:end -->}.
 */
public final class Tables {
  private static final Pattern OBJECT = Pattern.compile("\\{[^{}]*\\}");
  private static final double LOSS = 0.98;
  private static final int SHOWN_LOSSES = 20;
  private static final String BRIEF_V = "16";
  private static final String CONV_V = "8";
  private static final long MANY = 128;

  /** One row of the benchmark: a flat JSON object. */
  private record Row(Map<String, String> fields) {
    private static final Pattern FIELD =
        Pattern.compile("\"(\\w+)\"\\s*:\\s*(?:\"((?:[^\"\\\\]|\\\\.)*)\"|([^,}\\]]+))");

    static Row parse(String line) {
      Map<String, String> fields = new LinkedHashMap<>();
      Matcher m = FIELD.matcher(line);
      while (m.find()) fields.put(m.group(1), m.group(2) != null ? m.group(2) : m.group(3).strip());
      return new Row(fields);
    }

    String text(String name) {
      String value = fields.get(name);
      if (value == null) throw new IllegalArgumentException("a row has no field " + name + ": " + fields);
      return value;
    }

    double number(String name) {
      return text(name).equals("null") ? Double.NaN : Double.parseDouble(text(name));
    }

    long whole(String name) {
      return Long.parseLong(text(name));
    }

    /** dtype, layout and V: what a line of a table stands for. */
    String kind() {
      return "%s | %s | %s".formatted(text("dtype"), text("layout").replace('_', '-'), text("V"));
    }

    /** Of a convolution: its channels, filters and geometry. */
    String shape() {
      String[] kernel = geometry(0).split("x");
      long channels = whole("K") / (Long.parseLong(kernel[0]) * Long.parseLong(kernel[1]));
      return "%d -> %s, %s".formatted(channels, text("M"), text("geometry"));
    }

    /** A word of "3x3 stride 1 size 56 batch 8". */
    String geometry(int word) {
      return text("geometry").split(" ")[word];
    }

    boolean isDenseOrOfV(String v) {
      return text("V").equals("0") || text("V").equals(v) && text("pattern").equals("shfl-bw");
    }
  }

  private Tables() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length < 2) {
      System.err.println("usage: java scripts/Tables.java DOCUMENT.md RESULTS.json...");
      System.exit(2);
    }
    Path document = Path.of(arguments[0]);
    List<List<Row>> linear = new ArrayList<>();
    List<List<Row>> conv = new ArrayList<>();
    List<List<Row>> demo = new ArrayList<>();
    for (int i = 1; i < arguments.length; i++) {
      List<Row> rows = read(Path.of(arguments[i]));
      Map<String, String> fields = rows.get(0).fields();
      (fields.containsKey("setting") ? demo : fields.containsKey("geometry") ? conv : linear).add(rows);
    }
    String text = Files.readString(document);
    text = replace(text, "demo", demo, Tables::settings);
    text = replace(text, "linear", linear, Tables::describe);
    text = replace(text, "linear-brief", linear, Tables::brief);
    text = replace(text, "conv", conv, Tables::describeConv);
    text = replace(text, "conv-brief", conv, Tables::briefConv);
    Files.writeString(document, text);
  }

  private static String replace(
      String text, String section, List<List<Row>> files, Function<List<Row>, String> describe) {
    String begin = "<!-- " + section + ":begin -->";
    int from = text.indexOf(begin);
    int to = text.indexOf("<!-- " + section + ":end -->");
    if (from < 0 || to < from || files.isEmpty()) return text;
    StringBuilder tables = new StringBuilder();
    files.forEach(rows -> tables.append(describe.apply(rows)));
    return text.substring(0, from + begin.length()) + "\n" + tables + text.substring(to);
  }

  private static List<Row> read(Path file) throws IOException {
    List<Row> rows = new ArrayList<>();
    Matcher m = OBJECT.matcher(Files.readString(file));
    while (m.find()) rows.add(Row.parse(m.group()));
    if (rows.isEmpty()) throw new IllegalArgumentException(file + " holds no rows");
    return rows;
  }

  /** The demo's settings: speed and accuracy side by side. */
  private static String settings(List<Row> rows) {
    StringBuilder out = new StringBuilder("\n**" + rows.get(0).text("cpu") + "**\n\n| setting | against dense fp32 | against the int8 model | cosine | kNN-15 |\n");
    out.append("|---|---|---|---|---|\n");
    for (Row r : rows) {
      out.append(
          format(
              "| %s | %.2f x | %.2f x | %.4f | %.1f %% (dense %.1f %%) |\n",
              r.text("setting"),
              r.number("speedup_vs_dense_fp32"),
              r.number("speedup_vs_int8"),
              r.number("cosine"),
              100 * r.number("knn_accuracy"),
              100 * r.number("knn_accuracy_dense")));
    }
    return out.append('\n').toString();
  }

  private static String title(List<Row> rows) {
    Row first = rows.get(0);
    return "\n**%s, %s, against oneDNN %s in the same run**\n\n"
        .formatted(first.text("cpu"), threads(first), first.text("onednn"));
  }

  /** Dense weights and one V: geometric means over the shapes. */
  private static String brief(List<Row> rows) {
    return title(rows)
        + ratios(
            rows.stream().filter(r -> r.text("V").equals("0") || r.text("V").equals(BRIEF_V)).toList(),
            List.of("dtype", "layout", "N"),
            r -> "| %s | %s | %s |".formatted(r.text("dtype"), r.text("layout").replace('_', '-'), r.text("N")))
        + lossCounts(rows);
  }

  private static String briefConv(List<Row> rows) {
    return title(rows)
        + ratios(
            rows.stream().filter(r -> r.isDenseOrOfV(CONV_V)).toList(),
            List.of("dtype", "layout", "kernel", "batch"),
            r -> "| %s | %s | %s | %s |".formatted(r.text("dtype"), r.text("layout"), r.geometry(0), r.geometry(6)))
        + lossCounts(rows);
  }

  private static String describeConv(List<Row> rows) {
    StringBuilder out = new StringBuilder(title(rows));
    out.append("Geometric means over the shapes:\n\n");
    out.append(
        ratios(
            rows.stream().filter(r -> r.number("sparsity") > 0).toList(),
            List.of("dtype", "layout", "pattern", "V", "kernel", "batch"),
            r ->
                "| %s | %s | %s | %s | %s | %s |"
                    .formatted(
                        r.text("dtype"), r.text("layout"), r.text("pattern"), r.text("V"), r.geometry(0), r.geometry(6))));
    for (String dtype : rows.stream().map(r -> r.text("dtype")).distinct().toList()) {
      out.append(format("Every geometry, %s, NCHW, Shfl-BW with V = %s:\n\n", dtype, CONV_V));
      out.append(
          ratios(
              rows.stream()
                  .filter(r -> r.text("dtype").equals(dtype) && r.text("layout").equals("nchw") && r.isDenseOrOfV(CONV_V))
                  .toList(),
              List.of("channels -> filters, geometry"),
              r -> "| " + r.shape() + " |"));
    }
    return out.append(lossCounts(rows)).toString();
  }

  /** A line for each value of `line`, with the mean of its rows for each sparsity. */
  private static String ratios(List<Row> rows, List<String> columns, Function<Row, String> line) {
    Map<String, List<Row>> lines = new LinkedHashMap<>();
    for (Row r : rows) lines.computeIfAbsent(line.apply(r), k -> new ArrayList<>()).add(r);
    double[] sparsities = rows.stream().mapToDouble(r -> r.number("sparsity")).distinct().sorted().toArray();
    StringBuilder out = new StringBuilder("| " + String.join(" | ", columns) + " |");
    for (double s : sparsities) out.append(s == 0 ? " dense" : percent(s)).append(" |");
    out.append('\n').append("|---".repeat(columns.size())).append('|');
    out.append("---|".repeat(sparsities.length)).append('\n');
    lines.forEach(
        (text, all) -> {
          out.append(text);
          for (double s : sparsities) {
            List<Row> of = all.stream().filter(r -> r.number("sparsity") == s).toList();
            out.append(of.isEmpty() ? " |" : format(" %.2f |", geomean(of, "ratio_to_best_dense")));
          }
          out.append('\n');
        });
    return out.append('\n').toString();
  }

  private static String lossCounts(List<Row> rows) {
    List<Row> lost = rows.stream().filter(r -> r.number("ratio_to_best_dense") < LOSS).toList();
    if (lost.isEmpty()) return format("No row of %d is below %.2f of the best dense product.\n\n", rows.size(), LOSS);
    Map<String, Integer> kinds = new TreeMap<>();
    for (Row r : lost) {
      kinds.merge((r.number("sparsity") == 0 ? "dense " : "sparse ") + r.text("dtype"), 1, Integer::sum);
    }
    List<String> parts = new ArrayList<>();
    kinds.forEach((kind, count) -> parts.add(count + " " + kind));
    double worst = lost.stream().mapToDouble(r -> r.number("ratio_to_best_dense")).min().orElseThrow();
    return format(
        "%d rows of %d (all V) are below %.2f of the best dense product: %s; the worst at %.2f.\n\n",
        lost.size(), rows.size(), LOSS, String.join(", ", parts), worst);
  }

  private static String describe(List<Row> rows) {
    StringBuilder out = new StringBuilder(title(rows));
    out.append("Times as fast as the best dense product, geometric mean over the shapes (and N); in brackets the fraction of the")
        .append(" instruction set's peak on the kept weights.\n\n");
    out.append(section("N = 1", rows, r -> r.whole("N") == 1));
    out.append(section("N = 2 to 127", rows, r -> r.whole("N") > 1 && r.whole("N") < MANY));
    out.append(section("N of 128 and more", rows, r -> r.whole("N") >= MANY));
    return out.append(peers(rows)).append('\n').append(losses(rows)).append('\n').toString();
  }

  private static String section(String title, List<Row> rows, Predicate<Row> filter) {
    if (rows.stream().noneMatch(filter)) return "";
    return title + "\n\n" + speedups(rows, filter) + "\n";
  }

  private static String threads(Row row) {
    return row.text("threads").equals("1") ? "one thread" : row.text("threads") + " threads";
  }

  private static String speedups(List<Row> all, Predicate<Row> filter) {
    TreeSet<Double> sparsities = new TreeSet<>();
    Map<String, Map<Double, List<Row>>> lines = new LinkedHashMap<>();
    for (Row r : all) {
      if (!filter.test(r)) continue;
      sparsities.add(r.number("sparsity"));
      lines.computeIfAbsent(r.kind(), k -> new TreeMap<>())
          .computeIfAbsent(r.number("sparsity"), k -> new ArrayList<>())
          .add(r);
    }
    StringBuilder out = new StringBuilder("| dtype | layout | V |");
    for (double s : sparsities) out.append(percent(s)).append(" |");
    out.append("\n|---|---|---|").append("---|".repeat(sparsities.size())).append('\n');
    lines.forEach(
        (kind, bySparsity) -> {
          out.append("| ").append(kind.replace("| 0", "| dense")).append(" |");
          for (double s : sparsities) out.append(' ').append(cell(bySparsity.get(s))).append(" |");
          out.append('\n');
        });
    return out.toString();
  }

  private static String cell(List<Row> rows) {
    if (rows == null) return "";
    return format("%.2f (%.2f)", geomean(rows, "ratio_to_best_dense"), geomean(rows, "fraction_of_peak"));
  }

  private static String peers(List<Row> rows) {
    TreeMap<Double, List<Row>> bySparsity = new TreeMap<>();
    for (Row r : rows) {
      if (r.text("dtype").equals("f32") && r.number("sparsity") > 0 && r.whole("N") >= MANY) {
        bySparsity.computeIfAbsent(r.number("sparsity"), k -> new ArrayList<>()).add(r);
      }
    }
    List<String> parts = new ArrayList<>();
    bySparsity.forEach(
        (s, list) -> parts.add(format("%.1f at %s", geomean(list, "ratio_to_best_sparse_peer"), percent(s).strip())));
    if (parts.isEmpty()) return "";
    return "Against the best sparse product of others (oneDNN and Eigen, CSR, fp32, N of 128 and more): "
        + String.join(", ", parts) + " times as fast.\n";
  }

  private static String losses(List<Row> rows) {
    List<Row> lost = new ArrayList<>(rows);
    lost.removeIf(r -> r.number("ratio_to_best_dense") >= LOSS);
    lost.sort(Comparator.comparingDouble(r -> r.number("ratio_to_best_dense")));
    if (lost.isEmpty()) return format("No row of %d is below %.2f of the best dense product.\n", rows.size(), LOSS);
    StringBuilder out = new StringBuilder();
    out.append(format("%d rows of %d are below %.2f of the best dense product", lost.size(), rows.size(), LOSS));
    out.append(lost.size() > SHOWN_LOSSES ? "; the worst " + SHOWN_LOSSES + ":\n\n" : ":\n\n");
    out.append("| M x K | N | sparsity | dtype | layout | V | ratio | lost to |\n|---|---|---|---|---|---|---|---|\n");
    for (Row r : lost.subList(0, Math.min(SHOWN_LOSSES, lost.size()))) {
      out.append(
          format(
              "| %s x %s | %s | %s | %s | %.2f | %s |\n",
              r.text("M"),
              r.text("K"),
              r.text("N"),
              percent(r.number("sparsity")).strip(),
              r.kind().replace("| 0", "| dense"),
              r.number("ratio_to_best_dense"),
              r.text("best_dense")));
    }
    return out.toString();
  }

  private static double geomean(List<Row> rows, String field) {
    return Math.exp(rows.stream().mapToDouble(r -> Math.log(r.number(field))).average().orElse(Double.NaN));
  }

  private static String percent(double share) {
    return " " + Math.round(100 * share) + " %";
  }

  private static String format(String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
