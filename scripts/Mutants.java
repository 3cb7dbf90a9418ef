import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Writes mutants of kernels' sources, one change each: {@code java scripts/Mutants.java OUT COUNT SEED ROOT FILE...}.
 * Mutant 7 is the changed FILE under OUT/7/src (its path below ROOT kept) and one line in OUT/7/what. COUNT of all
 * possible mutants are drawn with SEED; the number of all is printed.
 */
public final class Mutants {
  private record Mutant(Path file, int begin, int end, String with, String why) {}

  private static final Pattern NUMBER = Pattern.compile("(?<![\\w.\"'])\\d+(?![\\w.\"'])");
  private static final Pattern CALL =
      Pattern.compile(
          "ptx::(sync_threads|sync_warp|bar_sync|bar_arrive|cp_async_\\w+|mbarrier_\\w+|fence_\\w+|wgmma_(?:fence|commit"
              + "|wait)|bulk_\\w+|tensor_\\w+|store_\\w+|stmatrix_\\w+|mma_\\w+|setmaxnreg_\\w+)\\s*(?:<[^;(]*?>)?\\(");
  private static final String[][] OPERATORS = {
    {" < ", " <= "}, {" <= ", " < "}, {" > ", " >= "}, {" >= ", " > "}, {" == ", " != "}, {" != ", " == "},
    {" + ", " - "}, {" - ", " + "}, {" * ", " + "}, {" / ", " * "}, {" % ", " / "}, {" & ", " | "}, {" | ", " & "},
    {" ^ ", " | "}, {" && ", " || "}, {" || ", " && "}, {" << ", " >> "}, {" >> ", " << "}, {" += ", " -= "}
  };

  public static void main(String[] args) throws IOException {
    Path out = Path.of(args[0]), root = Path.of(args[3]);
    List<Mutant> all = new ArrayList<>();
    for (int i = 4; i < args.length; i++) collect(Path.of(args[i]), all);
    Collections.shuffle(all, new Random(Long.parseLong(args[2])));
    int count = Math.min(all.size(), Integer.parseInt(args[1]));
    for (int i = 0; i < count; i++) write(all.get(i), root, out.resolve(Integer.toString(i)));
    System.out.println(all.size());
  }

  private static void collect(Path file, List<Mutant> all) throws IOException {
    String source = Files.readString(file);
    String code = blank(source);
    Matcher number = NUMBER.matcher(code);
    while (number.find()) {
      String more = Long.toString(Long.parseLong(number.group()) + 1);
      all.add(new Mutant(file, number.start(), number.end(), more, number.group() + " -> " + more));
    }
    for (String[] operator : OPERATORS) {
      for (int at = code.indexOf(operator[0]); at >= 0; at = code.indexOf(operator[0], at + 1)) {
        all.add(
            new Mutant(
                file, at, at + operator[0].length(), operator[1], operator[0].trim() + " -> " + operator[1].trim()));
      }
    }
    Matcher call = CALL.matcher(code);
    while (call.find()) {
      int end = call.end(), depth = 1;
      for (; depth > 0 && end < code.length(); end++) {
        if (code.charAt(end) == '(') depth++;
        if (code.charAt(end) == ')') depth--;
      }
      all.add(new Mutant(file, call.start(), end, "void(0)", "without " + call.group(1)));
    }
  }

  /** Comments, texts, directives, static_asserts and the heads of templates as spaces. */
  private static String blank(String source) {
    StringBuilder code = new StringBuilder(source);
    Matcher m =
        Pattern.compile(
                "//[^\\n]*|\"(?:[^\"\\\\\\n]|\\\\.)*\"|(?m:^\\s*#[^\\n]*)|static_assert\\([^;]*;|template <[^\\n]*>\\n")
            .matcher(source);
    while (m.find()) {
      for (int i = m.start(); i < m.end(); i++) if (code.charAt(i) != '\n') code.setCharAt(i, ' ');
    }
    return code.toString();
  }

  private static void write(Mutant mutant, Path root, Path folder) throws IOException {
    String source = Files.readString(mutant.file());
    Path to = folder.resolve("src").resolve(root.relativize(mutant.file()));
    Files.createDirectories(to.getParent());
    Files.writeString(to, source.substring(0, mutant.begin()) + mutant.with() + source.substring(mutant.end()));
    int line = (int) source.substring(0, mutant.begin()).chars().filter(c -> c == '\n').count();
    Files.writeString(
        folder.resolve("what"),
        String.format("%s:%d: %s, now | %s%n", mutant.file().getFileName(), line + 1, mutant.why(),
            Files.readString(to).lines().skip(line).findFirst().orElse("").strip()));
  }
}
