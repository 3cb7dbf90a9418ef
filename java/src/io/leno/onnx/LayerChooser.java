package io.leno.onnx;

import io.leno.Budget;
import io.leno.DType;
import io.leno.LenoArgumentException;
import io.leno.PatternFamily;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Spreads a budget over the layers, by what each candidate costs in error and in time. */
final class LayerChooser {
  static final double[] SPARSITIES = {
    0.25, 0.375, 0.5, 0.5625, 0.625, 0.6875, 0.75, 0.8, 0.85, 0.9, 0.94, 0.97
  };

  private static final double WORTHWHILE = 0.95; // of the dense time of the same type

  private final List<LinearLayer> layers;
  private final Map<LinearLayer, Map<Integer, ErrorCurve>> curves;
  private final List<LayerChoice> candidates = new ArrayList<>();
  private Alternatives alternatives = Alternatives.none();
  private LayerTimes times;
  private Map<LinearLayer, Long> tokens;
  private double[][] seconds;

  LayerChooser(
      List<LinearLayer> layers,
      Map<LinearLayer, Map<Integer, ErrorCurve>> curves,
      List<DType> dtypes,
      List<Integer> vectors,
      PatternFamily family) {
    this.layers = layers;
    this.curves = curves;
    for (DType dtype : dtypes) {
      candidates.add(LayerChoice.dense(dtype));
      for (int vector : vectors) {
        for (double sparsity : SPARSITIES) {
          candidates.add(LayerChoice.of(dtype, sparsity, vector, family));
        }
      }
    }
  }

  /** The most accurate choice that drops this share of all weights. */
  Choices overall(double sparsity) {
    double[][] cost = new double[layers.size()][candidates.size()];
    double total = 0;
    for (int l = 0; l < cost.length; l++) {
      double weights = (double) layers.get(l).rows() * layers.get(l).columns();
      total += weights;
      for (int c = 0; c < candidates.size(); c++) {
        cost[l][c] = weights * (1 - candidates.get(c).sparsity());
      }
    }
    double most = SPARSITIES[SPARSITIES.length - 1];
    if (sparsity > most) {
      throw new LenoArgumentException(
          "sparsity is " + sparsity + ", expected at most " + most + " to be spread over layers");
    }
    return choices(Budget.mostAccurate(cost, errors(), (1 - sparsity) * total * (1 + 1e-12)));
  }

  /** Measures what the candidates take, each the fastest of its alternatives. */
  void time(LayerTimes measured, Map<LinearLayer, Long> served, Alternatives among) {
    times = measured;
    tokens = served;
    alternatives = among;
    seconds = new double[layers.size()][candidates.size()];
    for (int l = 0; l < seconds.length; l++) {
      for (int c = 0; c < candidates.size(); c++) {
        LinearLayer layer = layers.get(l);
        LayerChoice choice =
            Alternatives.fastest(layer, candidates.get(c), weighed(layer, candidates.get(c)));
        double took = times.seconds(layer, choice, tokens.get(layer));
        seconds[l][c] =
            choice.isOwn(layer) || isWorthwhile(times, layer, choice, tokens.get(layer))
                ? took
                : 1.001 * dense(times, layer, choice, tokens.get(layer));
      }
    }
  }

  private List<PatternAlternative> weighed(LinearLayer layer, LayerChoice candidate) {
    return times == null ? List.of() : alternatives.of(layer, candidate, times, tokens.get(layer));
  }

  /**
   * Whether a layer gains more than the noise: else, or since dense kernels are chosen, its choice
   * is not worth any error. What convolutions have to beat is the model's own node.
   */
  static boolean isWorthwhile(
      LayerTimes times, LinearLayer layer, LayerChoice choice, long tokens) {
    if (choice.isDense() && !layer.isConvolution()) {
      return true;
    }
    return isWorthwhile(times.seconds(layer, choice, tokens) / dense(times, layer, choice, tokens));
  }

  /** Of a time over that of the dense layer. */
  static boolean isWorthwhile(double ratio) {
    return ratio < WORTHWHILE;
  }

  private static double dense(
      LayerTimes times, LinearLayer layer, LayerChoice choice, long tokens) {
    DType dtype = layer.isConvolution() ? DType.F32 : choice.dtype();
    return times.seconds(layer, LayerChoice.dense(dtype), tokens);
  }

  /** The fastest choice whose errors sum to at most an allowance, or to the least there is. */
  Choices fastest(double allowance) {
    double[][] errors = errors();
    double least = 0;
    for (double[] ofLayer : errors) {
      least += Arrays.stream(ofLayer).min().orElseThrow();
    }
    return choices(Budget.fastest(seconds, errors, Math.max(allowance, least * (1 + 1e-9))));
  }

  /** Whether these choices are the fastest that there are, whatever the allowance. */
  boolean isFastest(Choices choices) {
    return choices.byLayer().equals(fastest(Double.MAX_VALUE).byLayer());
  }

  private double[][] errors() {
    double[][] errors = new double[layers.size()][candidates.size()];
    for (int l = 0; l < errors.length; l++) {
      for (int c = 0; c < candidates.size(); c++) {
        errors[l][c] = error(layers.get(l), candidates.get(c));
      }
    }
    return errors;
  }

  private double error(LinearLayer layer, LayerChoice asked) {
    LayerChoice choice = asked.storable(layer);
    Map<Integer, ErrorCurve> ofLayer = curves.get(layer);
    ErrorCurve curve =
        choice.isDense() ? ofLayer.values().iterator().next() : ofLayer.get(asked.vector());
    return curve.error(choice);
  }

  private Choices choices(int[] chosen) {
    Map<LinearLayer, LayerChoice> byLayer = new LinkedHashMap<>();
    Map<LinearLayer, Double> sensitivity = new LinkedHashMap<>();
    Map<LinearLayer, List<PatternAlternative>> among = new LinkedHashMap<>();
    for (int l = 0; l < chosen.length; l++) {
      LinearLayer layer = layers.get(l);
      LayerChoice candidate = candidates.get(chosen[l]);
      List<PatternAlternative> weighed = weighed(layer, candidate);
      byLayer.put(layer, Alternatives.fastest(layer, candidate, weighed));
      sensitivity.put(layer, error(layer, candidate));
      if (!weighed.isEmpty()) {
        among.put(layer, weighed);
      }
    }
    return new Choices(byLayer, sensitivity, among);
  }
}
