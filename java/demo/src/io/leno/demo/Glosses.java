package io.leno.demo;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

/**
 * WordNet's noun glosses, each with the lexicographer's file that it is from (animals, food, time,
 * ...): 21 classes with 500 glosses or more. Drawn with a fixed seed, no gloss twice.
 *
 * @param train glosses that are voted with
 * @param test glosses to classify
 * @param calibration glosses to fit weights to
 * @param heldOut glosses to measure on while weights are fitted
 */
record Glosses(
    List<Gloss> train, List<Gloss> test, List<String> calibration, List<String> heldOut) {
  private static final int LEAST = 500;
  private static final int CALIBRATION = 512;
  private static final int HELD_OUT = 512;

  /** A text and its class. */
  record Gloss(String text, int label) {}

  /** Reads {@code data.noun}; draws so many of each class. */
  static Glosses read(Path file, int trainPerClass, int testPerClass) throws IOException {
    Map<Integer, List<Gloss>> classes = new TreeMap<>();
    for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
      int bar = line.indexOf("| ");
      if (line.startsWith("  ") || bar < 0) {
        continue; // the licence
      }
      int label = Integer.parseInt(line.split(" ", 3)[1]);
      String definition = line.substring(bar + 2).split("; \"", 2)[0].strip();
      classes.computeIfAbsent(label, l -> new ArrayList<>()).add(new Gloss(definition, label));
    }
    classes.values().removeIf(glosses -> glosses.size() < LEAST);
    Random random = new Random(2022);
    List<Gloss> train = new ArrayList<>();
    List<Gloss> test = new ArrayList<>();
    List<Gloss> rest = new ArrayList<>();
    for (List<Gloss> glosses : classes.values()) {
      Collections.shuffle(glosses, random);
      train.addAll(glosses.subList(0, trainPerClass));
      test.addAll(glosses.subList(trainPerClass, trainPerClass + testPerClass));
      rest.addAll(glosses.subList(trainPerClass + testPerClass, glosses.size()));
    }
    Collections.shuffle(rest, random);
    List<String> texts = rest.stream().map(Gloss::text).toList();
    return new Glosses(
        train,
        test,
        texts.subList(0, CALIBRATION),
        texts.subList(CALIBRATION, CALIBRATION + HELD_OUT));
  }

  int classes() {
    return (int) train.stream().map(Gloss::label).distinct().count();
  }
}
