package io.leno.onnx;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.leno.LenoArgumentException;
import io.leno.LenoUnsupportedException;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Runs models side by side on the same inputs: how long each takes against the first one, and how
 * far its outputs are from those of the first one.
 *
 * <p>The models run in turn, round by round, so that a change of the processor's clock meets all of
 * them alike; a ratio is taken within each round, and its median and quartiles over the rounds are
 * reported. Not for use by several threads.
 */
public final class ModelComparison {
  /**
   * What one model did.
   *
   * @param name the model's name
   * @param milliseconds median time of a run
   * @param ratio the first model's time over this one's, median: above 1 is faster
   * @param ratioLow its lower quartile
   * @param ratioHigh its upper quartile
   * @param cosine mean cosine of the output vectors (rows of the last axis) with the first model's
   * @param agreement share of those vectors whose largest element stands where the first model's
   *     has it: of class scores, how often both say the same ({@link ClassAgreement}); says little
   *     of other outputs
   * @param largestError largest absolute difference of an output element from the first model's
   */
  public record Result(
      String name,
      double milliseconds,
      double ratio,
      double ratioLow,
      double ratioHigh,
      double cosine,
      double agreement,
      double largestError) {}

  private final Map<String, Supplier<OnnxModel>> models;
  private final ModelInputs inputs;
  private int threads = 1;
  private int rounds = 50;
  private Path planFile;

  private ModelComparison(Map<String, Supplier<OnnxModel>> models, ModelInputs inputs) {
    this.models = models;
    this.inputs = Objects.requireNonNull(inputs, "inputs");
    if (models.isEmpty()) {
      throw new LenoArgumentException("models is empty, expected one at least");
    }
  }

  /**
   * Prepares a comparison.
   *
   * @param models by name; the first one is what the others are compared with; an ordered map
   * @param inputs one batch, which every run takes whole
   * @return a comparison to be configured and run
   */
  public static ModelComparison of(Map<String, OnnxModel> models, ModelInputs inputs) {
    Map<String, Supplier<OnnxModel>> given = new LinkedHashMap<>();
    Objects.requireNonNull(models, "models").forEach((name, model) -> given.put(name, () -> model));
    return new ModelComparison(given, inputs);
  }

  /**
   * Prepares a comparison of models that are read when their turn comes, and not kept.
   *
   * @param models ONNX files by name; the first one is what the others are compared with; an
   *     ordered map
   * @param inputs one batch, which every run takes whole
   * @return a comparison to be configured and run, which throws what {@link OnnxModel#load} does
   */
  public static ModelComparison ofFiles(Map<String, Path> models, ModelInputs inputs) {
    Map<String, Supplier<OnnxModel>> read = new LinkedHashMap<>();
    Objects.requireNonNull(models, "models")
        .forEach((name, path) -> read.put(name, () -> OnnxModel.load(path)));
    return new ModelComparison(read, inputs);
  }

  /**
   * Threads of a run, 1 by default.
   *
   * @param threads threads of ONNX Runtime and of our operators, 1 .. 1024
   * @return this
   */
  public ModelComparison threads(int threads) {
    if (threads < 1 || threads > 1024) {
      throw new LenoArgumentException("threads is " + threads + ", expected 1 .. 1024");
    }
    this.threads = threads;
    return this;
  }

  /**
   * Rounds that count, 50 by default; a tenth of them more come first and do not.
   *
   * @param rounds 1 or more
   * @return this
   */
  public ModelComparison rounds(int rounds) {
    if (rounds < 1) {
      throw new LenoArgumentException("rounds is " + rounds + ", expected 1 or more");
    }
    this.rounds = rounds;
    return this;
  }

  /**
   * File that keeps the choices of kernels; none by default.
   *
   * @param planFile made where it is missing
   * @return this
   */
  public ModelComparison planFile(Path planFile) {
    this.planFile = planFile;
    return this;
  }

  /**
   * Runs the models.
   *
   * @return one result per model, in their order
   * @throws LenoArgumentException if the inputs do not fit a model, or the models differ in theirs
   * @throws OrtException if ONNX Runtime refuses a model or a run fails
   */
  public List<Result> run() throws OrtException {
    Memory.giveBack();
    List<OrtSession> sessions = new ArrayList<>();
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    try {
      List<Map<String, float[]>> outputs = new ArrayList<>();
      for (Map.Entry<String, Supplier<OnnxModel>> model : models.entrySet()) {
        OrtSession session = open(model.getKey(), model.getValue().get(), tensors);
        sessions.add(session);
        Memory.giveBack(); // the model, if nobody else holds it
        outputs.add(outputs(session, tensors));
      }
      double[][] times = time(sessions, tensors);
      List<Result> results = new ArrayList<>();
      int index = 0;
      for (String name : models.keySet()) {
        results.add(result(name, times[0], times[index], outputs.get(0), outputs.get(index)));
        index++;
      }
      return results;
    } finally {
      for (OrtSession session : sessions) {
        session.close();
      }
      tensors.values().forEach(OnnxTensor::close);
    }
  }

  /** A session for the model; the first one tells which inputs there are. */
  private OrtSession open(String name, OnnxModel model, Map<String, OnnxTensor> tensors)
      throws OrtException {
    InputCheck.batch(model, inputs);
    if (tensors.isEmpty()) {
      for (String input : model.inputs()) {
        tensors.put(input, inputs.arrays().get(input).toTensor(Ort.environment()));
      }
    }
    if (!Set.copyOf(model.inputs()).equals(tensors.keySet())) {
      throw new LenoArgumentException(
          "model " + name + " has inputs " + model.inputs() + ", expected " + tensors.keySet());
    }
    return session(model);
  }

  private OrtSession session(OnnxModel model) throws OrtException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setOptimizationLevel(Ort.level(model));
      // Weights not from the arena, which grows by doubling.
      options.addConfigEntry("session.use_device_allocator_for_initializers", "1");
      if (model.importsLeno()) {
        LenoOnnx.register(options, threads, planFile);
      }
      return MappedModel.open(model, options);
    }
  }

  private double[][] time(List<OrtSession> sessions, Map<String, OnnxTensor> tensors)
      throws OrtException {
    double[][] times = new double[sessions.size()][rounds];
    int warmUp = Math.max(2, rounds / 10);
    for (int round = -warmUp; round < rounds; round++) {
      for (int i = 0; i < sessions.size(); i++) {
        long start = System.nanoTime();
        sessions.get(i).run(tensors).close();
        if (round >= 0) {
          times[i][round] = (System.nanoTime() - start) / 1e6;
        }
      }
    }
    return times;
  }

  private static Map<String, float[]> outputs(OrtSession session, Map<String, OnnxTensor> tensors)
      throws OrtException {
    Map<String, float[]> outputs = new LinkedHashMap<>();
    try (OrtSession.Result result = session.run(tensors)) {
      for (Map.Entry<String, ai.onnxruntime.OnnxValue> output : result) {
        if (output.getValue() instanceof OnnxTensor tensor) {
          FloatBuffer values = tensor.getFloatBuffer();
          if (values != null) {
            long[] shape = tensor.getInfo().getShape();
            float[] copy = new float[values.remaining()];
            values.get(copy);
            outputs.put(
                output.getKey() + '/' + (shape.length == 0 ? 1 : shape[shape.length - 1]), copy);
          }
        }
      }
    }
    if (outputs.isEmpty()) {
      throw new LenoUnsupportedException("the model has no float output, expected one to compare");
    }
    return outputs;
  }

  private static Result result(
      String name,
      double[] baseline,
      double[] times,
      Map<String, float[]> expected,
      Map<String, float[]> actual) {
    if (!expected.keySet().equals(actual.keySet())) {
      throw new LenoArgumentException(
          "model " + name + " has outputs " + actual.keySet() + ", expected " + expected.keySet());
    }
    double[] ratios = new double[times.length];
    for (int i = 0; i < times.length; i++) {
      ratios[i] = baseline[i] / times[i];
    }
    double cosines = 0;
    double alike = 0;
    long rows = 0;
    double error = 0;
    for (String output : expected.keySet()) {
      int width = Integer.parseInt(output.substring(output.lastIndexOf('/') + 1));
      float[] a = expected.get(output);
      float[] b = actual.get(output);
      for (int row = 0; row + width <= Math.min(a.length, b.length); row += Math.max(1, width)) {
        cosines += Cosine.of(a, b, row, width);
        int largest = ClassAgreement.largest(a, row, width);
        alike += largest == ClassAgreement.largest(b, row, width) ? 1 : 0;
        rows++;
      }
      for (int i = 0; i < Math.min(a.length, b.length); i++) {
        error = Math.max(error, Math.abs((double) a[i] - b[i]));
      }
    }
    return new Result(
        name,
        quantile(times, 0.5),
        quantile(ratios, 0.5),
        quantile(ratios, 0.25),
        quantile(ratios, 0.75),
        cosines / Math.max(1, rows),
        alike / Math.max(1, rows),
        error);
  }

  static double quantile(double[] values, double share) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[(int) Math.round(share * (sorted.length - 1))];
  }
}
