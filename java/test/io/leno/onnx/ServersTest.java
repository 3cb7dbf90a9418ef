package io.leno.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.engine.EngineException;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.repository.zoo.Criteria;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.NoopTranslator;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.embedding.onnx.AbstractInProcessEmbeddingModel;
import dev.langchain4j.model.embedding.onnx.OnnxBertBiEncoder;
import dev.langchain4j.model.embedding.onnx.PoolingMode;
import dev.langchain4j.model.embedding.onnx.allminilml6v2.AllMiniLmL6V2EmbeddingModel;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real encoder with our operators in the servers that our users have, all of them unmodified. */
final class ServersTest {
  private static final double COSINE = 0.999;
  private static final List<String> SENTENCES =
      List.of(
          "A gauze weave whose warp threads are twisted in pairs.",
          "The quick brown fox jumps over the lazy dog.",
          "Short.",
          "Sparse matrices hold few numbers, and most of the time of a product is spent on fetching"
              + " them; so they are laid out in the order in which the processor wants them.");

  private static OrtSession session() throws Exception {
    try (SessionOptions options = Runtime.options(OptLevel.ALL_OPT)) {
      options.addConfigEntry("leno.buckets", "16"); // less to measure
      LenoOnnx.register(options);
      return Runtime.ENVIRONMENT.createSession(MiniLm.packed().toBytes(), options);
    }
  }

  private static List<float[]> rows(OrtSession session, long[][] ids) throws OrtException {
    try (OrtSession.Result result = MiniLm.run(session, ids)) {
      float[][][] states = (float[][][]) ((OnnxTensor) result.get(0)).getValue();
      return Arrays.stream(states).flatMap(Arrays::stream).toList();
    }
  }

  @Test
  void plainOnnxRuntime() throws Exception {
    long[][] ids = MiniLm.ids(2, 9);
    try (OrtSession dense = Runtime.plainSession(MiniLm.dense(), OptLevel.BASIC_OPT);
        OrtSession ours = session()) {
      assertTrue(MiniLm.cosine(rows(dense, ids), rows(ours, ids)) > COSINE);
    }
  }

  @Test
  void langChain4j() throws Exception {
    List<TextSegment> segments = SENTENCES.stream().map(TextSegment::from).toList();
    EmbeddingModel stock = new AllMiniLmL6V2EmbeddingModel();
    try (OrtSession session = session();
        InputStream tokenizer =
            ServersTest.class.getResourceAsStream("/all-minilm-l6-v2-tokenizer.json")) {
      OnnxBertBiEncoder encoder =
          new OnnxBertBiEncoder(Runtime.ENVIRONMENT, session, tokenizer, PoolingMode.MEAN);
      EmbeddingModel ours =
          new AbstractInProcessEmbeddingModel(null) {
            @Override
            protected OnnxBertBiEncoder model() {
              return encoder;
            }
          };
      assertTrue(MiniLm.cosine(embed(stock, segments), embed(ours, segments)) > COSINE);
    }
  }

  private static List<float[]> embed(EmbeddingModel model, List<TextSegment> segments) {
    return model.embedAll(segments).content().stream().map(e -> e.vector()).toList();
  }

  private static Criteria.Builder<NDList, NDList> criteria(Path file) {
    return Criteria.builder()
        .setTypes(NDList.class, NDList.class)
        .optModelPath(file)
        .optEngine("OnnxRuntime")
        .optTranslator(new NoopTranslator());
  }

  @Test
  void djl(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("minilm.onnx");
    MiniLm.packed().save(file);
    long[][] ids = MiniLm.ids(2, 9);
    List<float[]> expected;
    try (OrtSession dense = Runtime.plainSession(MiniLm.dense(), OptLevel.BASIC_OPT)) {
      expected = rows(dense, ids);
    }
    Criteria<NDList, NDList> criteria =
        criteria(file).optOption("customOpLibrary", LenoOnnx.libraryPath()).build();
    List<float[]> actual = new ArrayList<>();
    try (ZooModel<NDList, NDList> model = criteria.loadModel();
        Predictor<NDList, NDList> predictor = model.newPredictor();
        NDManager manager = model.getNDManager().newSubManager()) {
      NDArray input = named(manager, ids, "input_ids");
      NDArray mask = named(manager, ones(2, 9), "attention_mask");
      NDArray types = named(manager, new long[2][9], "token_type_ids");
      NDList output = predictor.predict(new NDList(input, mask, types));
      float[] values = output.get(0).toFloatArray();
      int features = expected.get(0).length;
      assertEquals(expected.size() * features, values.length);
      for (int row = 0; row < expected.size(); row++) {
        actual.add(Arrays.copyOfRange(values, row * features, (row + 1) * features));
      }
    }
    assertTrue(MiniLm.cosine(expected, actual) > COSINE);
  }

  private static NDArray named(NDManager manager, long[][] values, String name) {
    long[] flat = Stream.of(values).flatMapToLong(Arrays::stream).toArray();
    NDArray array =
        manager.create(flat, new ai.djl.ndarray.types.Shape(values.length, values[0].length));
    array.setName(name);
    return array;
  }

  private static long[][] ones(int samples, int tokens) {
    long[][] ones = new long[samples][tokens];
    for (long[] row : ones) {
      Arrays.fill(row, 1);
    }
    return ones;
  }

  @Test
  void djlWithoutTheLibrarySaysWhatIsMissing(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("tiny.onnx");
    LinearNodes.full().save(file);
    Exception e = assertThrows(Exception.class, () -> criteria(file).build().loadModel());
    Throwable cause = e;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    assertTrue(cause.getMessage().contains("io.leno"), cause::getMessage);
    assertTrue(e instanceof EngineException || e instanceof ai.djl.MalformedModelException);
  }
}
