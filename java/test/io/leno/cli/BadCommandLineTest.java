package io.leno.cli;

import static io.leno.onnx.NpzFiles.floats;
import static io.leno.onnx.NpzFiles.header;
import static io.leno.onnx.NpzFiles.longs;
import static io.leno.onnx.NpzFiles.npy;
import static io.leno.onnx.NpzFiles.zip;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What users get wrong: an exit code, one line to act on, no stack trace, nothing written. */
final class BadCommandLineTest {
  private static final int SAMPLES = 6;

  @TempDir private Path folder;
  private List<String> before;

  @BeforeEach
  void makeFiles() throws IOException {
    Path model = folder.resolve("m.onnx");
    AccelerateCommandTest.perceptron().save(model);
    Files.write(folder.resolve("cut.onnx"), Arrays.copyOf(Files.readAllBytes(model), 300));
    Files.createFile(folder.resolve("empty.onnx"));
    Files.writeString(folder.resolve("text.npz"), "no archive");
    Files.createDirectory(folder.resolve("folder"));
    float[] numbers = new float[SAMPLES * 32];
    numbers[5] = 1;
    array("good", "x", "<f4", 32, floats(numbers));
    array("names", "y", "<f4", 32, floats(numbers));
    array("shapes", "x", "<f4", 31, floats(Arrays.copyOf(numbers, SAMPLES * 31)));
    array("doubles", "x", "<f8", 16, floats(numbers));
    array("ids", "x", "<i8", 32, longs(new long[SAMPLES * 32]));
    numbers[40] = Float.NaN;
    array("nan", "x", "<f4", 32, floats(numbers));
    before = files();
  }

  private void array(String file, String name, String type, int columns, byte[] data)
      throws IOException {
    String shape = "(" + SAMPLES + ", " + columns + ")";
    byte[] npz = zip(Map.of(name + ".npy", npy(header(type, shape), data)));
    Files.write(folder.resolve(file + ".npz"), npz);
  }

  private List<String> files() throws IOException {
    try (Stream<Path> walk = Files.walk(folder)) {
      return walk.map(Path::toString).sorted().toList();
    }
  }

  /** Words that begin with @ are files of the folder. */
  private void fails(int code, String message, String words) throws IOException {
    List<String> arguments = new ArrayList<>();
    for (String word : words.isBlank() ? new String[0] : words.trim().split(" +")) {
      arguments.add(word.startsWith("@") ? folder.resolve(word.substring(1)).toString() : word);
    }
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int actual =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments.toArray(new String[0]));
    String told = err.toString();
    assertEquals(code, actual, told);
    List<String> errors = told.lines().filter(line -> line.startsWith("error: ")).toList();
    assertEquals(1, errors.size(), told);
    assertTrue(told.endsWith(errors.get(0) + System.lineSeparator()), told);
    assertTrue(errors.get(0).contains(message), told + " does not say " + message);
    assertEquals("", out.toString());
    assertEquals(before, files());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          inspect @cut.onnx                    | cut.onnx: no ONNX model
          inspect @empty.onnx                  | it has no graph with nodes
          inspect @folder                      | Is a directory
          inspect @none.onnx                   | there is no such file
          inspect @m.onnx --json @no/x.json    | is no folder that may be written to
          compare @m.onnx @cut.onnx            | cut.onnx: no ONNX model
          compare @m.onnx @m.onnx --json @folder        | it is a folder, expected a file
          compare @m.onnx @m.onnx --plan @no/plan       | is no folder that may be written to
          compare @m.onnx @m.onnx --inputs @text.npz    | text.npz is no NPZ file
          compare @m.onnx @m.onnx --inputs @folder      | is no file, expected an NPZ file
          compare @m.onnx @m.onnx --inputs @names.npz   | [y], expected an array for input x
          compare @m.onnx @m.onnx --inputs @shapes.npz  | shape [6, 31], expected [d0, 32]
          compare @m.onnx @m.onnx --inputs @doubles.npz | dtype <f8, expected little-endian float32
          compare @m.onnx @m.onnx --inputs @ids.npz     | given as int64, expected FLOAT
          compare @m.onnx @m.onnx --inputs @nan.npz     | input x is NaN at element 40
          compare @m.onnx @m.onnx --dim foo=3           | dims has foo, expected names of the model's axes, [d0]
          bench --rows 99999999 --columns 99999999      | numbers could not be had
          bench --tokens 5,3                            | expected 6 .. 2^30
          pack @m.onnx -o @folder                       | it is a folder, expected a file
          pack @m.onnx -o @no/out.onnx                  | is no folder that may be written to
          pack @cut.onnx -o @out.onnx                   | cut.onnx: no ONNX model
          pack @m.onnx -o @out.onnx --inputs @shapes.npz | shape [6, 31], expected [d0, 32]
          doctor --json @no/x.json                      | is no folder that may be written to
          """)
  void whatFails(String words, String message) throws IOException {
    fails(1, message, words);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          --calibrate @none.npz                       | is no file, expected an NPZ file
          --calibrate @text.npz                       | text.npz is no NPZ file
          --calibrate @names.npz                      | [y], expected an array for input x
          --calibrate @shapes.npz                     | 31], expected [d0, 32] as the model says
          --calibrate @doubles.npz                    | dtype <f8, expected
          --calibrate @ids.npz                        | given as int64, expected FLOAT
          --calibrate @nan.npz                        | input x is NaN at element
          --calibrate @good.npz --held-out @shapes.npz | 31], expected [d0, 32] as the model says
          --masks @no/masks                           | is no folder that may be written to
          --masks @folder                             | it is a folder, expected a file
          --plan @folder                              | it is a folder, expected a file
          --json @folder                              | it is a folder, expected a file
          --report @m.onnx                            | there is a file of that name
          --dim foo=3                                 | expected names of the model's axes, [d0]
          """)
  void whatAccelerateFailsAt(String words, String message) throws IOException {
    fails(1, message, "accelerate @m.onnx -o @out.onnx --sparsity 0.5 --threads 1 " + words);
  }

  @Test
  void outputsThatCannotBe() throws IOException {
    fails(1, "it is a folder, expected a file", "accelerate @m.onnx -o @folder");
    fails(1, "is no folder that may be written to", "accelerate @m.onnx -o @no/out.onnx");
    fails(1, "cut.onnx: no ONNX model", "accelerate @cut.onnx -o @out.onnx");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          --sparsity 1.5         | '--sparsity': it is "1.5", expected a number of at least 0 and below 1
          --sparsity 1           | it is "1", expected a number of at least 0
          --sparsity NaN         | it is "NaN", expected a number of at least 0
          --sparsity half        | it is "half", expected a number
          --budget 2             | '--budget': it is "2", expected a number above 0 and below 1
          --budget 0             | it is "0", expected a number above 0
          --budget 0.9 --sparsity 0.5 | --budget and --sparsity are both given
          --uniform              | --uniform is given without --sparsity
          --vector 3             | '--vector' (V): it is "3", expected a power of two, 4 .. 128
          --vector 8,256         | it is "256", expected a power of two
          --family both          | --family is both, expected shfl-bw, warp-skip or auto
          --family warp-skip --vector 4,8 | --vector is [4, 8], expected 8 to 128 with --family warp-skip
          --family auto --vector 4 | --vector is [4], expected 8 to 128 with --family auto
          --dtype F64            | expected one of [F32, BF16, I8]
          --dtype F32,F16        | it is "F16", expected one of [F32, BF16, I8]
          --metric median        | --metric is median, expected rows or mean:OUTPUT
          --metric mean:         | --metric is mean:, expected rows or mean:OUTPUT
          --metric mean:zz       | --metric names output zz, expected one of [matmul
          --dim sequence         | should be in KEY=VALUE format but was sequence
          --dim sequence=x       | it is "x", expected a whole number, 1 ..
          --dim sequence=-3      | it is "-3", expected a whole number, 1 ..
          --threads 0            | it is "0", expected a whole number, 1 .. 1024
          --serving-threads 2000 | it is "2000", expected a whole number, 1 .. 1024
          --tokens 0             | it is "0", expected a whole number
          --rounds 0             | it is "0", expected a whole number
          --seed one             | 'one' is not an int
          --foo                  | Unknown option: '--foo'
          """)
  void wrongOptionsOfAccelerate(String words, String message) throws IOException {
    fails(2, message, "accelerate @m.onnx -o @out.onnx " + words);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          ``                             | a command is missing, expected one of
          frob                           | Unmatched argument at index 0: 'frob'
          inspect                        | Missing required parameter: 'MODEL'
          accelerate @m.onnx             | Missing required option: '--output=OUT'
          compare @m.onnx                | Missing required parameter: 'SPARSE'
          compare @m.onnx @m.onnx --batch 0 | it is "0", expected a whole number
          pack @m.onnx                   | Missing required option: '--output=OUT'
          pack @m.onnx -o @out.onnx --vector 5 | it is "5", expected a power of two
          bench --rows 0                 | it is "0", expected a whole number
          bench --sparsity 2             | it is "2", expected a number of at least 0
          bench --vector 3               | it is "3", expected a power of two
          bench --tokens 0               | it is "0", expected a whole number
          bench --layout ROW             | expected one of [TOKEN_MAJOR, FEATURE_MAJOR]
          doctor x                       | Unmatched argument at index 1: 'x'
          """)
  void wrongCommandLines(String words, String message) throws IOException {
    fails(2, message, words);
  }
}
