package io.leno.demo;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.leno.onnx.InputArray;
import io.leno.onnx.ModelInputs;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Turns sentences into inputs of the encoder, padded to the longest. */
final class Tokens implements AutoCloseable {
  static final int MOST = 128;

  private final HuggingFaceTokenizer tokenizer;

  Tokens() throws IOException {
    try (InputStream in = Tokens.class.getResourceAsStream("/all-minilm-l6-v2-tokenizer.json")) {
      tokenizer =
          HuggingFaceTokenizer.newInstance(
              in, Map.of("padding", "longest", "truncation", "true", "maxLength", "" + MOST));
    }
  }

  Encoding[] encodings(List<String> sentences) {
    return tokenizer.batchEncode(sentences);
  }

  ModelInputs encode(List<String> sentences) {
    Encoding[] encodings = encodings(sentences);
    int width = encodings[0].getIds().length;
    long[] ids = new long[sentences.size() * width];
    long[] mask = new long[ids.length];
    for (int i = 0; i < encodings.length; i++) {
      System.arraycopy(encodings[i].getIds(), 0, ids, i * width, width);
      System.arraycopy(encodings[i].getAttentionMask(), 0, mask, i * width, width);
    }
    Map<String, InputArray> arrays = new LinkedHashMap<>();
    arrays.put("input_ids", InputArray.of(ids, sentences.size(), width));
    arrays.put("attention_mask", InputArray.of(mask, sentences.size(), width));
    arrays.put("token_type_ids", InputArray.of(new long[ids.length], sentences.size(), width));
    return ModelInputs.of(arrays);
  }

  /** One sample that fills the encoder: sentences one after the other, cut at the end. */
  ModelInputs full(List<String> sentences) {
    ModelInputs inputs = encode(List.of(String.join("; ", sentences.subList(0, 64))));
    long width = inputs.arrays().get("input_ids").shape()[1];
    if (width != MOST) {
      throw new IllegalStateException("the long sample has " + width + " tokens, not " + MOST);
    }
    return inputs;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
