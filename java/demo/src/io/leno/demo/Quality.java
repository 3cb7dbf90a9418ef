package io.leno.demo;

import io.leno.demo.Glosses.Gloss;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What an encoder's embeddings are worth, against those of the dense one. */
final class Quality {
  static final String COSINE = "cosine";
  static final String KNN = "kNN-15 accuracy";

  private final Glosses glosses;
  private final List<String> sentences = new ArrayList<>();
  private float[][] dense;

  Quality(Glosses glosses) {
    this.glosses = glosses;
    glosses.train().forEach(gloss -> sentences.add(gloss.text()));
    glosses.test().forEach(gloss -> sentences.add(gloss.text()));
  }

  List<String> sentences() {
    return sentences;
  }

  /**
   * Measures a model. The first one is the dense one.
   *
   * @param embeddings of {@link #sentences}, of unit length
   * @return cosine over the test glosses, accuracy of their classification
   */
  Map<String, Double> measure(float[][] embeddings) {
    if (dense == null) {
      dense = embeddings;
    }
    List<Gloss> train = glosses.train();
    float[][] known = java.util.Arrays.copyOfRange(embeddings, 0, train.size());
    float[][] asked = java.util.Arrays.copyOfRange(embeddings, train.size(), embeddings.length);
    Map<String, Double> measures = new LinkedHashMap<>();
    measures.put(
        COSINE,
        Neighbours.cosine(asked, java.util.Arrays.copyOfRange(dense, train.size(), dense.length)));
    measures.put(KNN, Neighbours.accuracy(train, known, glosses.test(), asked));
    return measures;
  }
}
