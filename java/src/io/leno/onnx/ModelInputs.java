package io.leno.onnx;

import io.leno.LenoArgumentException;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoShapeException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Samples for the inputs of a model: one array per input, all with the same number of samples in
 * their first axis. Immutable.
 */
public final class ModelInputs {
  private final Map<String, InputArray> arrays;
  private final int samples;
  private final boolean generated;

  private ModelInputs(Map<String, InputArray> arrays, boolean generated) {
    this.arrays = Collections.unmodifiableMap(new LinkedHashMap<>(arrays));
    this.generated = generated;
    if (arrays.isEmpty()) {
      throw new LenoArgumentException("arrays is empty, expected one array per input of the model");
    }
    this.samples = arrays.values().iterator().next().samples();
    arrays.forEach(
        (name, array) -> {
          if (array.samples() != samples) {
            throw new LenoShapeException(
                "input "
                    + name
                    + " has "
                    + array.samples()
                    + " samples, expected "
                    + samples
                    + " as "
                    + arrays.keySet().iterator().next());
          }
        });
  }

  /**
   * Inputs from arrays.
   *
   * @param arrays per input of the model
   * @return inputs
   * @throws LenoArgumentException if there are none
   * @throws LenoShapeException if they differ in their number of samples
   */
  public static ModelInputs of(Map<String, InputArray> arrays) {
    return new ModelInputs(Objects.requireNonNull(arrays, "arrays"), false);
  }

  static ModelInputs ofGenerated(Map<String, InputArray> arrays) {
    return new ModelInputs(arrays, true);
  }

  /**
   * Reads an NPZ file as {@code numpy.savez} and {@code savez_compressed} write it: one array per
   * input of the model, of float32, int32 or int64, in C order.
   *
   * @param path the file
   * @return inputs
   * @throws LenoIOException if the file cannot be read
   * @throws LenoFormatException if it is no such file; the message names the array
   * @throws LenoShapeException if its arrays differ in their number of samples
   */
  public static ModelInputs load(Path path) {
    return of(NpzReader.read(path));
  }

  /**
   * Makes inputs up from the model's input types: random numbers, with small ids for integers and
   * ones for masks. What is measured with them says little about real inputs.
   *
   * @param model the model
   * @param dims lengths of axes with a name and no length, such as {@code sequence_length}; 32
   *     where absent; the first axis of each input counts samples, and its entry is not used
   * @param samples how many, at least 1
   * @param seed equal seeds give equal inputs
   * @return inputs
   * @throws LenoArgumentException if an input has a type that cannot be made up, or {@code dims}
   *     has a name that no axis has, or a length below 1
   */
  public static ModelInputs generate(
      OnnxModel model, Map<String, Long> dims, int samples, long seed) {
    return InputGenerator.generate(model, dims, samples, seed);
  }

  /**
   * The arrays.
   *
   * @return by name of the input, unmodifiable
   */
  public Map<String, InputArray> arrays() {
    return arrays;
  }

  /**
   * How many samples there are.
   *
   * @return at least 1
   */
  public int samples() {
    return samples;
  }

  /**
   * Whether these inputs were made up.
   *
   * @return true for what {@link #generate} gave
   */
  public boolean isGenerated() {
    return generated;
  }

  /**
   * Some of the samples.
   *
   * @param from the first, 0 or more
   * @param to behind the last, above {@code from}
   * @return inputs of their own
   * @throws LenoArgumentException if that is no part of the samples
   */
  public ModelInputs slice(int from, int to) {
    if (from < 0 || to > samples || from >= to) {
      throw new LenoArgumentException(
          "from and to are " + from + " and " + to + ", expected a part of 0 .. " + samples);
    }
    return select(IntStream.range(from, to).toArray(), Integer.MAX_VALUE, null);
  }

  /**
   * All samples, cut into batches of similar length: samples are ordered by how many tokens their
   * mask has, and columns behind a batch's last token are cut off.
   *
   * @param batch most samples of a batch, at least 1
   * @param tokens most tokens of a batch of several samples, padding included, where there is a
   *     mask
   * @param mask name of the token mask, [samples, tokens]; null for none: no ordering, no cutting
   * @return batches, with no sample left out
   */
  List<ModelInputs> batches(int batch, int tokens, String mask) {
    Integer[] order = IntStream.range(0, samples).boxed().toArray(Integer[]::new);
    int[] lengths = null;
    if (mask != null) {
      lengths = lengths(arrays.get(mask));
      java.util.Arrays.sort(order, Comparator.comparingInt(lengthOf(lengths)));
    }
    List<ModelInputs> batches = new ArrayList<>();
    int from = 0;
    while (from < samples) {
      int to = from + 1;
      int longest = mask == null ? Integer.MAX_VALUE : Math.max(1, lengths[order[from]]);
      while (to < samples && to < from + batch) {
        if (mask != null) {
          int next = Math.max(longest, lengths[order[to]]);
          if ((long) next * (to + 1 - from) > tokens) {
            break;
          }
          longest = next;
        }
        to++;
      }
      batches.add(select(IntStream.range(from, to).map(i -> order[i]).toArray(), longest, mask));
      from = to;
    }
    return batches;
  }

  private static java.util.function.ToIntFunction<Integer> lengthOf(int[] lengths) {
    return sample -> lengths[sample];
  }

  /** Up to and with the last token of each sample. */
  private static int[] lengths(InputArray mask) {
    int width = (int) mask.shape()[1];
    int[] lengths = new int[mask.samples()];
    for (int sample = 0; sample < lengths.length; sample++) {
      int length = width;
      while (length > 0 && !mask.isSet(sample * width + length - 1)) {
        length--;
      }
      lengths[sample] = length;
    }
    return lengths;
  }

  /** Arrays whose first two axes are the mask's are cut to {@code length}; others stay whole. */
  private ModelInputs select(int[] chosen, int length, String mask) {
    Map<String, InputArray> selected = new LinkedHashMap<>();
    long width = mask == null ? 0 : arrays.get(mask).shape()[1];
    arrays.forEach(
        (name, array) -> {
          long[] shape = array.shape();
          boolean cut = mask != null && shape.length >= 2 && shape[1] == width;
          selected.put(name, array.select(chosen, cut ? length : Integer.MAX_VALUE));
        });
    return new ModelInputs(selected, generated);
  }

  /**
   * The input that says which tokens count: an array [samples, tokens] of this name.
   *
   * @param name a name, or null for {@code attention_mask} where there is one
   * @return the name of the mask, or nothing where none is named and none found
   */
  Optional<String> mask(String name) {
    if (name == null) {
      InputArray usual = arrays.get("attention_mask");
      return usual != null && usual.shape().length == 2
          ? Optional.of("attention_mask")
          : Optional.empty();
    }
    InputArray mask = arrays.get(name);
    if (mask == null || mask.shape().length != 2) {
      throw new LenoArgumentException(
          "tokenMask is "
              + name
              + ", expected the name of an input [samples, tokens], one of "
              + arrays.keySet());
    }
    return Optional.of(name);
  }
}
