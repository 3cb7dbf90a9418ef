package io.leno.demo;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.leno.onnx.LenoOnnx;
import io.leno.onnx.OnnxModel;
import java.nio.LongBuffer;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.DoubleConsumer;
import java.util.stream.IntStream;

/** A server of sentence embeddings: ONNX Runtime, with our operators registered where needed. */
final class Encoder implements AutoCloseable {
  private static final int BATCH = 32;

  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private final OrtSession session;
  private final Tokens tokens;

  Encoder(OnnxModel model, boolean accelerated, int threads, Tokens tokens) throws OrtException {
    this.tokens = tokens;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.BASIC_OPT);
      if (accelerated) {
        LenoOnnx.register(options, threads); // the one line that a server adds
      }
      session = environment.createSession(model.toBytes(), options);
    }
  }

  /** Embeddings of unit length, in the order of the sentences. */
  float[][] embed(List<String> sentences, DoubleConsumer progress) throws OrtException {
    float[][] embeddings = new float[sentences.size()][];
    // Sentences of like length share a batch.
    int[] order =
        IntStream.range(0, sentences.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> sentences.get(i).length()))
            .mapToInt(Integer::intValue)
            .toArray();
    for (int from = 0; from < order.length; from += BATCH) {
      int to = Math.min(order.length, from + BATCH);
      List<String> batch =
          IntStream.range(from, to).mapToObj(i -> sentences.get(order[i])).toList();
      float[][] result = embedBatch(tokens.encodings(batch));
      for (int i = from; i < to; i++) {
        embeddings[order[i]] = result[i - from];
      }
      progress.accept((double) to / order.length);
    }
    return embeddings;
  }

  private float[][] embedBatch(Encoding[] encodings) throws OrtException {
    long[] shape = {encodings.length, encodings[0].getIds().length};
    LongBuffer ids = LongBuffer.allocate((int) (shape[0] * shape[1]));
    LongBuffer mask = LongBuffer.allocate(ids.capacity());
    for (Encoding encoding : encodings) {
      ids.put(encoding.getIds());
      mask.put(encoding.getAttentionMask());
    }
    LongBuffer types = LongBuffer.allocate(ids.capacity());
    try (OnnxTensor first = OnnxTensor.createTensor(environment, ids.flip(), shape);
        OnnxTensor second = OnnxTensor.createTensor(environment, mask.flip(), shape);
        OnnxTensor third = OnnxTensor.createTensor(environment, types, shape);
        OrtSession.Result result =
            session.run(
                Map.of("input_ids", first, "attention_mask", second, "token_type_ids", third))) {
      float[][][] states = (float[][][]) result.get(0).getValue();
      float[][] embeddings = new float[encodings.length][];
      for (int i = 0; i < encodings.length; i++) {
        embeddings[i] = maskedMean(states[i], encodings[i].getAttentionMask());
      }
      return embeddings;
    }
  }

  private static float[] maskedMean(float[][] states, long[] mask) {
    float[] mean = new float[states[0].length];
    for (int token = 0; token < states.length; token++) {
      for (int i = 0; mask[token] != 0 && i < mean.length; i++) {
        mean[i] += states[token][i];
      }
    }
    double norm = Math.sqrt(Neighbours.dot(mean, mean));
    for (int i = 0; i < mean.length; i++) {
      mean[i] /= (float) norm;
    }
    return mean;
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
