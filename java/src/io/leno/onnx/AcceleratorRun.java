package io.leno.onnx;

import io.leno.DType;
import io.leno.LenoArgumentException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The work of an {@link Accelerator}, from the dense model to the accelerated one. */
final class AcceleratorRun implements AutoCloseable {
  private static final int BATCH = 32; // samples
  private static final int GENERATED_SAMPLES = 96;
  private static final int SENSITIVITY_SAMPLES = 64;
  private static final double[] PROBED = {0.5, 0.75, 0.9};
  private static final double[] PROBED_FOR_ACCURACY = {0.25, 0.5, 0.75, 0.9}; // little is dropped
  private static final int TRIALS = 8;
  private static final int LOOKS = 40; // allowances: many give a choice that is known already
  private static final int CORRECTIONS = 3; // of which convolutions are replaced
  private static final double MARGIN = 0.98; // of the allowed error
  private static final double LEAST_GAIN = 1e-3; // of similarity, for another sweep

  private final AcceleratorSettings settings;
  private final ModelInputs calibration;
  private final ModelInputs heldOut; // what choices are made by
  private final ModelInputs
      verification; // what the result is told of, and what a budget must hold on
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
    ModelInputs unfitted;
    if (settings.heldOut == null) {
      if (given.samples() < 3) {
        throw new LenoArgumentException(
            "calibration has "
                + given.samples()
                + " samples, expected 3 or more where heldOut is not given");
      }
      int fitted = given.samples() - given.samples() / 3;
      this.calibration = given.slice(0, fitted);
      unfitted = given.slice(fitted, given.samples());
    } else {
      this.calibration = given;
      unfitted = settings.heldOut;
    }
    boolean halved = settings.goal instanceof Goal.Accuracy && unfitted.samples() > 1;
    int half = unfitted.samples() / 2;
    this.heldOut = halved ? unfitted.slice(0, half) : unfitted;
    this.verification = halved ? unfitted.slice(half, unfitted.samples()) : unfitted;
    this.mask = calibration.mask(settings.tokenMask).orElse(null);
    if (mask != null) {
      unfitted.mask(mask);
    }
    InputCheck.samples(settings.model, unfitted);
    this.batching = Batches.of(settings.model);
    stages.begin("prepare");
    this.layers = settings.model.layers(ShapeProbe.run(settings.model, calibration, mask));
    if (layers.isEmpty()) {
      throw new LenoArgumentException(
          "model has no layer that can be replaced, expected one at least; left as they"
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
    this.times =
        new LayerTimes(
            settings.servingThreads,
            planFile,
            new ConvTimes(
                settings.model, layers, heldOut.slice(0, 1), settings.servingThreads, planFile));
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
              settings.tokens > 0 && !layer.isConvolution()
                  ? settings.tokens
                  : one.tokens(group.input(0)));
        }
        sweeper.step(one, g, Map.of());
      }
    }
    return counts;
  }

  Acceleration run() {
    if (settings.goal instanceof Goal.Uniform goal) {
      LayerChoice unit = settings.units().get(0);
      LayerChoice choice =
          LayerChoice.of(settings.dtypes.get(0), goal.sparsity(), unit.vector(), unit.family());
      Map<LinearLayer, LayerChoice> choices = new LinkedHashMap<>();
      layers.forEach(layer -> choices.put(layer, choice.storable(layer)));
      return finishAndClose(candidate(worthwhile(weighed(new Choices(choices, Map.of())))));
    }
    if (settings.goal instanceof Goal.Overall goal) {
      return finishAndClose(candidate(worthwhile(weighed(chooser().overall(goal.sparsity())))));
    }
    return accuracy((Goal.Accuracy) settings.goal);
  }

  /** Each layer with the fastest pattern that retains as much importance as the one asked for. */
  private Choices weighed(Choices asked) {
    if (!settings.weighsPatterns()) {
      return asked;
    }
    Map<LinearLayer, double[]> sparsities = new LinkedHashMap<>();
    asked
        .byLayer()
        .forEach((layer, choice) -> sparsities.put(layer, new double[] {choice.sparsity()}));
    Alternatives alternatives = alternatives(sparsities);
    Map<LinearLayer, LayerChoice> choices = new LinkedHashMap<>();
    Map<LinearLayer, List<PatternAlternative>> among = new LinkedHashMap<>();
    asked
        .byLayer()
        .forEach(
            (layer, choice) -> {
              List<PatternAlternative> equal =
                  alternatives.of(layer, choice, times, tokens.get(layer));
              choices.put(layer, Alternatives.fastest(layer, choice, equal));
              if (!equal.isEmpty()) {
                among.put(layer, equal);
              }
            });
    return new Choices(choices, asked.sensitivity(), among);
  }

  private Alternatives alternatives(Map<LinearLayer, double[]> sparsities) {
    stages.begin("families");
    try (Pass dense = start(calibration)) {
      return new EqualImportance(chain, workers, sweeper, settings).find(dense, sparsities);
    }
  }

  /** Convolutions that would not be faster stay as they are. */
  private Choices worthwhile(Choices asked) {
    if (settings.replaceSlower || layers.stream().noneMatch(LinearLayer::isConvolution)) {
      return asked;
    }
    stages.begin("time");
    Map<LinearLayer, LayerChoice> choices = new LinkedHashMap<>(asked.byLayer());
    Set<LinearLayer> own = new HashSet<>();
    asked
        .byLayer()
        .forEach(
            (layer, choice) -> {
              if (layer.isConvolution()
                  && !LayerChooser.isWorthwhile(times, layer, choice, tokens.get(layer))) {
                own.add(layer);
                choices.put(layer, LayerChoice.dense(DType.F32));
              }
            });
    return new Choices(choices, asked.sensitivity(), asked.alternativesBut(own));
  }

  private Acceleration finishAndClose(Candidate made) {
    try (made) {
      return finish(made);
    }
  }

  private LayerChooser chooser() {
    stages.begin("sensitivity");
    boolean accuracy = settings.goal instanceof Goal.Accuracy;
    LayerChoice first = settings.units().get(0);
    List<Integer> vectors =
        accuracy && !settings.weighsPatterns() ? settings.vectors : List.of(first.vector());
    List<DType> dtypes = accuracy ? settings.dtypes : settings.dtypes.subList(0, 1);
    int checks = Math.max(1, Math.min(SENSITIVITY_SAMPLES, calibration.samples() / 4));
    int fits = calibration.samples() - checks;
    Map<LinearLayer, Map<Integer, ErrorCurve>> curves;
    try (Pass fitted = start(calibration.slice(0, Math.max(1, fits)));
        Pass checked = start(calibration.slice(fits, calibration.samples()))) {
      curves =
          new Sensitivity(chain, workers, sweeper, settings)
              .measure(fitted, checked, accuracy ? PROBED_FOR_ACCURACY : PROBED, vectors, dtypes);
    }
    return new LayerChooser(layers, curves, dtypes, vectors, first.family());
  }

  /** Corrects the allowance until the whole model keeps the bound, and hardly less. */
  private Acceleration accuracy(Goal.Accuracy goal) {
    LayerChooser chooser = chooser();
    Alternatives alternatives = Alternatives.none();
    if (settings.weighsPatterns()) {
      Map<LinearLayer, double[]> sparsities = new LinkedHashMap<>();
      layers.forEach(layer -> sparsities.put(layer, LayerChooser.SPARSITIES));
      alternatives = alternatives(sparsities);
    }
    stages.begin("time");
    chooser.time(times, tokens, alternatives);
    double allowed = 1 - goal.similarity();
    AllowanceSearch search = new AllowanceSearch(MARGIN * allowed);
    Map<Choices, Double> errors = new HashMap<>();
    Candidate best = null;
    try {
      for (int look = 0, trials = 0; look < LOOKS && trials < TRIALS; look++) {
        // Where nothing has kept the bound, the last trial takes the least error that there is.
        double allowance = best == null && trials == TRIALS - 1 ? 0 : search.next();
        Choices choices = chooser.fastest(allowance);
        if (errors.containsKey(choices)) {
          search.found(allowance, errors.get(choices));
          continue;
        }
        trials++;
        Candidate made = candidate(choices);
        double error = 1 - made.similarity;
        errors.put(choices, error);
        search.found(allowance, error);
        if (error > search.target()) {
          made.close();
          continue;
        }
        double unseen = 1 - verify(made.model, verification);
        if (unseen > allowed) {
          made.close();
          search.tighten(MARGIN * error * allowed / unseen);
          continue;
        }
        if (best != null) {
          best.close();
        }
        best = made.with(1 - unseen);
        if (search.isClose(error) || chooser.isFastest(choices)) {
          break;
        }
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

  /** Fitted weights, the model with them, and how alike it is. */
  private record Candidate(
      Choices choices,
      Map<LinearLayer, LayerFit> fits,
      List<Double> bySweep,
      OnnxModel model,
      double similarity)
      implements AutoCloseable {
    Candidate with(double otherSimilarity) {
      return new Candidate(choices, fits, bySweep, model, otherSimilarity);
    }

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
      OnnxModel accelerated = packed(fits);
      return new Candidate(choices, fits, bySweep, accelerated, verify(accelerated, heldOut));
    } catch (RuntimeException | Error e) {
      fits.values().forEach(LayerFit::close);
      throw e;
    }
  }

  private OnnxModel packed(Map<LinearLayer, LayerFit> fits) {
    Map<LinearLayer, byte[]> blobs = new LinkedHashMap<>();
    fits.forEach(
        (layer, fit) -> {
          if (fit.isReplaced()) {
            blobs.put(fit.rebiased(), fit.packed().toBytes());
          }
        });
    return settings.model.withPackedLayers(blobs);
  }

  /**
   * Convolutions that turn out not to be faster in the model that was made become its own again.
   */
  private Acceleration finish(Candidate made) {
    stages.begin("report");
    return finish(made, CORRECTIONS);
  }

  private Acceleration finish(Candidate made, int corrections) {
    Map<LinearLayer, PairedTimes.Pair> served = served(made);
    Map<LinearLayer, LayerFit> own = new LinkedHashMap<>();
    try {
      served.forEach(
          (layer, pair) -> {
            boolean slower = corrections > 0 && !settings.replaceSlower;
            if (slower && !LayerChooser.isWorthwhile(pair.ratio())) {
              own.put(layer, LayerFit.dense(layer, LayerChoice.dense(DType.F32), null));
            }
          });
      if (own.isEmpty()) {
        return finish(made, served);
      }
      Map<LinearLayer, LayerFit> fits = new LinkedHashMap<>(made.fits);
      fits.putAll(own);
      OnnxModel model = packed(fits);
      double similarity = verify(model, verification);
      if (settings.goal instanceof Goal.Accuracy goal && similarity < goal.similarity()) {
        return finish(made, served); // others were fitted to what these lost
      }
      Map<LinearLayer, Double> sensitivity = new LinkedHashMap<>(made.choices.sensitivity());
      own.keySet().forEach(layer -> sensitivity.computeIfPresent(layer, (l, error) -> 0.0));
      Choices choices =
          new Choices(
              made.choices.byLayer(), sensitivity, made.choices.alternativesBut(own.keySet()));
      return finish(new Candidate(choices, fits, made.bySweep, model, similarity), corrections - 1);
    } finally {
      own.values().forEach(LayerFit::close);
    }
  }

  /** What its convolutions take in the model, in turn with the model's own. */
  private Map<LinearLayer, PairedTimes.Pair> served(Candidate made) {
    List<LinearLayer> replaced =
        made.fits.values().stream()
            .filter(fit -> fit.isReplaced() && fit.layer().isConvolution())
            .map(LayerFit::layer)
            .toList();
    return times.convolutions().of(made.model, replaced);
  }

  private Acceleration finish(Candidate made, Map<LinearLayer, PairedTimes.Pair> served) {
    Map<String, Mask> masks = new LinkedHashMap<>();
    made.fits.forEach(
        (layer, fit) -> {
          if (fit.pattern() != null) {
            byte[] kept = layer.stored().inOrder(fit.pattern().mask());
            masks.put(layer.name(), new Mask(layer.rows(), layer.columns(), kept));
          }
        });
    List<LayerReport> reports;
    try (Pass fitted = start(calibration)) {
      reports =
          new LayerReports(chain, sweeper, times, served, settings)
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
        verification.samples(),
        calibration.isGenerated() || heldOut.isGenerated(),
        stages.seconds());
  }

  /** The mean cosine on these inputs, with the operators as they will be served. */
  private double verify(OnnxModel accelerated, ModelInputs inputs) {
    return Cosine.mean(vectors(settings.model, inputs), vectors(accelerated, inputs));
  }

  private List<float[]> vectors(OnnxModel model, ModelInputs inputs) {
    List<ModelInputs> batches = batching.of(inputs, BATCH, mask);
    List<List<float[]>> vectors = new ArrayList<>(Collections.nCopies(batches.size(), null));
    try (ModelSession session =
        ModelSession.openWithOperators(model, settings.servingThreads, planFile)) {
      workers.forEach(
          batches.size(),
          i -> vectors.set(i, settings.metric.vectors(Ort.run(session, batches.get(i), mask))));
    }
    return vectors.stream().flatMap(List::stream).toList();
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
    chain.close();
    workers.close();
  }
}
