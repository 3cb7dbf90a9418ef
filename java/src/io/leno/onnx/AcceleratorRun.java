package io.leno.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import io.leno.DType;
import io.leno.LenoArgumentException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The work of an {@link Accelerator}, from the dense model to the accelerated one. */
final class AcceleratorRun implements AutoCloseable {
  private static final int BATCH = 32; // samples: large enough for the products, small in memory
  private static final int GENERATED_SAMPLES = 96;
  private static final int SENSITIVITY_SAMPLES = 64;
  private static final double[] PROBED = {0.5, 0.75, 0.9};
  private static final int TRIALS = 6;
  private static final double MARGIN = 0.98; // of the allowed error
  private static final double AIM = 0.94; // of the allowed error
  private static final double CLOSE = 0.9; // of the allowed error: no further trial
  private static final double LEAST_GAIN = 1e-3; // of similarity, for another sweep

  private final AcceleratorSettings settings;
  private final ModelInputs calibration;
  private final ModelInputs heldOut;
  private final String mask;
  private final Batches batching;
  private final List<LinearLayer> layers;
  private final Workers workers;
  private final Chain chain;
  private final Sweeper sweeper;
  private final LayerTimes times;
  private final Stages stages;
  private final Map<LinearLayer, Long> tokens;
  private final Path planFile;

  AcceleratorRun(AcceleratorSettings settings) {
    this.settings = settings;
    this.stages = new Stages(settings.progress);
    ModelInputs given = settings.calibration;
    if (given == null) {
      given = ModelInputs.generate(settings.model, Map.of(), GENERATED_SAMPLES, settings.seed);
    }
    if (settings.heldOut == null) {
      if (given.samples() < 3) {
        throw new LenoArgumentException(
            "calibration has "
                + given.samples()
                + " samples, expected 3 or more where heldOut is not given");
      }
      int fitted = given.samples() - given.samples() / 3;
      this.calibration = given.slice(0, fitted);
      this.heldOut = given.slice(fitted, given.samples());
    } else {
      this.calibration = given;
      this.heldOut = settings.heldOut;
    }
    this.mask = calibration.mask(settings.tokenMask).orElse(null);
    if (mask != null) {
      heldOut.mask(mask);
    }
    InputCheck.samples(settings.model, heldOut);
    this.batching = Batches.of(settings.model);
    stages.begin("prepare");
    this.layers = settings.model.layers(ShapeProbe.run(settings.model, calibration, mask));
    if (layers.isEmpty()) {
      throw new LenoArgumentException(
          "model has no linear layer that can be replaced, expected one at least; left as they"
              + " are: "
              + settings.model.skippedLayers());
    }
    this.workers = new Workers(settings.threads);
    try {
      this.chain = new Chain(settings.model.proto(), layers);
    } catch (RuntimeException | Error e) {
      workers.close();
      throw e;
    }
    this.sweeper = new Sweeper(chain, workers, settings);
    this.planFile = settings.planFile;
    this.times = new LayerTimes(settings.servingThreads, planFile);
    this.tokens = tokens();
    stages.end();
  }

  /** Per layer, as set or as one held-out sample has them. */
  private Map<LinearLayer, Long> tokens() {
    Map<LinearLayer, Long> counts = new HashMap<>();
    try (Pass one = Pass.start(chain, workers, List.of(heldOut.slice(0, 1)), mask)) {
      for (int g = 0; g < chain.groups().size(); g++) {
        GraphCutter.Group group = chain.groups().get(g);
        for (LinearLayer layer : group.layers()) {
          counts.put(
              layer,
              settings.tokens > 0 ? settings.tokens : one.tokens(group.input(), layer.columns()));
        }
        sweeper.step(one, g, Map.of());
      }
    }
    return counts;
  }

  Acceleration run() {
    if (settings.goal instanceof Goal.Uniform goal) {
      LayerChoice choice =
          LayerChoice.of(settings.dtypes.get(0), goal.sparsity(), settings.vectors.get(0));
      Map<LinearLayer, LayerChoice> choices = new LinkedHashMap<>();
      layers.forEach(layer -> choices.put(layer, choice));
      return finishAndClose(candidate(new Choices(choices, Map.of())));
    }
    if (settings.goal instanceof Goal.Overall goal) {
      return finishAndClose(candidate(chooser().overall(goal.sparsity())));
    }
    return accuracy((Goal.Accuracy) settings.goal);
  }

  private Acceleration finishAndClose(Candidate made) {
    try (made) {
      return finish(made);
    }
  }

  private LayerChooser chooser() {
    stages.begin("sensitivity");
    boolean accuracy = settings.goal instanceof Goal.Accuracy;
    List<Integer> vectors = accuracy ? settings.vectors : settings.vectors.subList(0, 1);
    List<DType> dtypes = accuracy ? settings.dtypes : settings.dtypes.subList(0, 1);
    int checks = Math.max(1, Math.min(SENSITIVITY_SAMPLES, calibration.samples() / 4));
    int fits = calibration.samples() - checks;
    Map<LinearLayer, Map<Integer, ErrorCurve>> curves;
    try (Pass fitted = start(calibration.slice(0, Math.max(1, fits)));
        Pass checked = start(calibration.slice(fits, calibration.samples()))) {
      curves =
          new Sensitivity(chain, workers, sweeper, settings)
              .measure(fitted, checked, PROBED, vectors, dtypes);
    }
    return new LayerChooser(layers, curves, dtypes, vectors);
  }

  /** Corrects the allowance until the whole model keeps the bound, and hardly less. */
  private Acceleration accuracy(Goal.Accuracy goal) {
    LayerChooser chooser = chooser();
    stages.begin("time");
    chooser.time(times, tokens);
    double allowed = 1 - goal.similarity();
    double allowance = allowed;
    double within = 0; // the largest allowance that kept the bound
    double beyond = Double.POSITIVE_INFINITY;
    Candidate best = null;
    try {
      for (int trial = 0; trial < TRIALS; trial++) {
        Candidate made = candidate(chooser.fastest(allowance));
        double error = 1 - made.similarity;
        if (error <= MARGIN * allowed) {
          if (best != null) {
            best.close();
          }
          best = made;
          within = allowance;
          if (error > CLOSE * allowed || chooser.isFastest(made.choices)) {
            break;
          }
        } else {
          made.close();
          beyond = allowance;
        }
        // Where nothing has kept the bound, the last trial takes the least error that there is.
        boolean lastHope = best == null && trial == TRIALS - 2;
        allowance = lastHope ? 0 : next(allowance, error / allowed, within, beyond);
      }
      if (best == null) {
        throw new LenoArgumentException(
            "goal is a similarity of "
                + goal.similarity()
                + ", expected one that a choice among "
                + settings.dtypes
                + " reaches");
      }
      return finish(best);
    } finally {
      if (best != null) {
        best.close();
      }
    }
  }

  /** Errors grow about as fast as the allowance; where that leaves the bracket, halve it. */
  private static double next(double allowance, double used, double within, double beyond) {
    double scaled = allowance * Math.min(4, AIM / Math.max(used, 1e-3));
    if (scaled > within && scaled < beyond) {
      return scaled;
    }
    return beyond < Double.POSITIVE_INFINITY ? (within + beyond) / 2 : 2 * allowance;
  }

  /** Fitted weights, the model with them, and how alike it is. */
  private record Candidate(
      Choices choices,
      Map<LinearLayer, LayerFit> fits,
      List<Double> bySweep,
      OnnxModel model,
      double similarity)
      implements AutoCloseable {
    @Override
    public void close() {
      fits.values().forEach(LayerFit::close);
    }
  }

  private Candidate candidate(Choices choices) {
    List<Double> bySweep = new ArrayList<>();
    Map<LinearLayer, LayerFit> fits = fit(choices.byLayer(), bySweep);
    try {
      stages.begin("verify");
      Map<LinearLayer, byte[]> blobs = new LinkedHashMap<>();
      fits.forEach((layer, fit) -> blobs.put(fit.rebiased(), fit.packed().toBytes()));
      OnnxModel accelerated = settings.model.withPackedLayers(blobs);
      return new Candidate(choices, fits, bySweep, accelerated, verify(accelerated));
    } catch (RuntimeException | Error e) {
      fits.values().forEach(LayerFit::close);
      throw e;
    }
  }

  private Acceleration finish(Candidate made) {
    stages.begin("report");
    Map<String, Mask> masks = new LinkedHashMap<>();
    made.fits.forEach(
        (layer, fit) -> {
          if (fit.pattern() != null) {
            masks.put(layer.name(), new Mask(layer.rows(), layer.columns(), fit.pattern().mask()));
          }
        });
    List<LayerReport> reports;
    try (Pass fitted = start(calibration)) {
      reports =
          new LayerReports(chain, sweeper, times, settings)
              .of(fitted, made.fits, made.choices, tokens);
    }
    stages.end();
    return new Acceleration(made.model, masks, report(reports, made.similarity, made.bySweep));
  }

  private AccelerationReport report(
      List<LayerReport> reports, double similarity, List<Double> bySweep) {
    double weights = 0;
    double dropped = 0;
    long packed = 0;
    for (LayerReport layer : reports) {
      double count = (double) layer.rows() * layer.columns();
      weights += count;
      dropped += count * layer.sparsity();
      packed += layer.bytes();
    }
    return new AccelerationReport(
        settings.goal,
        reports,
        settings.model.skippedLayers(),
        settings.metric.name(),
        similarity,
        List.copyOf(bySweep),
        dropped / weights,
        (long) (4 * weights),
        packed,
        calibration.samples(),
        heldOut.samples(),
        calibration.isGenerated() || heldOut.isGenerated(),
        stages.seconds());
  }

  /** The mean cosine on held-out inputs, with the operators as they will be served. */
  private double verify(OnnxModel accelerated) {
    List<ModelInputs> batches = batching.of(heldOut, BATCH, mask);
    return Cosine.mean(vectors(settings.model, batches), vectors(accelerated, batches));
  }

  private List<float[]> vectors(OnnxModel model, List<ModelInputs> batches) {
    try (OrtSession session = Ort.openWithOperators(model, settings.servingThreads, planFile)) {
      List<List<float[]>> vectors = new ArrayList<>();
      batches.forEach(batch -> vectors.add(null));
      workers.forEach(
          batches.size(),
          i -> vectors.set(i, settings.metric.vectors(Ort.run(session, batches.get(i), mask))));
      return vectors.stream().flatMap(List::stream).toList();
    } catch (OrtException e) {
      throw Ort.failure(e);
    }
  }

  /** Sweeps over the layers until that stops helping on held-out inputs. */
  private Map<LinearLayer, LayerFit> fit(
      Map<LinearLayer, LayerChoice> choices, List<Double> bySweep) {
    stages.begin("prune");
    Map<LinearLayer, LayerFit> best = Map.of();
    try (Pass fitted = start(calibration);
        Pass checked = start(heldOut)) {
      List<float[]> dense = sweeper.through(checked, Map.of());
      for (int sweep = 0; sweep < settings.sweeps; sweep++) {
        Map<LinearLayer, LayerFit> fits = sweeper.sweep(fitted, choices, best);
        double similarity = Cosine.mean(dense, sweeper.through(checked, fits));
        double before = bySweep.isEmpty() ? 0 : bySweep.get(bySweep.size() - 1);
        bySweep.add(similarity);
        if (sweep > 0 && similarity < before) {
          fits.values().forEach(LayerFit::close);
          break;
        }
        best.values().forEach(LayerFit::close);
        best = fits;
        if (similarity - before < LEAST_GAIN) {
          break;
        }
      }
    }
    return best;
  }

  private Pass start(ModelInputs inputs) {
    return Pass.start(chain, workers, batching.of(inputs, BATCH, mask), mask);
  }

  @Override
  public void close() {
    times.close();
    sweeper.close();
    chain.close();
    workers.close();
  }
}
