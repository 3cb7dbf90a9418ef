package io.leno.onnx;

import io.leno.Pattern;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * Fits the layers of a model in the order in which they run: each to the inputs that it gets from
 * the layers fitted before it, towards the outputs that it has in the dense model.
 */
final class Sweeper {
  private final Chain chain;
  private final Workers workers;
  private final AcceleratorSettings settings;

  Sweeper(Chain chain, Workers workers, AcceleratorSettings settings) {
    this.chain = chain;
    this.workers = workers;
    this.settings = settings;
  }

  /**
   * One sweep.
   *
   * @param start calibration inputs before the first group; stays the caller's
   * @param choices per layer
   * @param before the fits of the sweep before, whose patterns are kept; empty for none
   * @return a fit per layer, in the order in which they run
   */
  Map<LinearLayer, LayerFit> sweep(
      Pass start, Map<LinearLayer, LayerChoice> choices, Map<LinearLayer, LayerFit> before) {
    Map<LinearLayer, LayerFit> fits = new LinkedHashMap<>();
    List<GraphCutter.Group> groups = chain.groups();
    try (Pass dense = start.fork();
        Pass sparse = start.fork()) {
      boolean same = true; // until a layer has other weights
      for (int g = 0; g < groups.size(); g++) {
        GraphCutter.Group group = groups.get(g);
        settings.progress.update("prune", group.layers().get(0).name(), (double) g / groups.size());
        boolean moments = group.layers().stream().anyMatch(l -> !choices.get(l).isDense());
        try (LayerInputs inputs = LayerInputs.of(group, dense, same ? dense : sparse, moments)) {
          LayerFit[] made = new LayerFit[group.layers().size()];
          workers.forEach(
              made.length,
              i -> {
                LinearLayer layer = group.layers().get(i);
                LayerFit previous = before.get(layer);
                made[i] =
                    fit(
                        layer,
                        choices.get(layer),
                        inputs,
                        previous == null ? null : previous.pattern());
              });
          for (LayerFit fit : made) {
            fits.put(fit.layer(), fit);
          }
        }
        same = false;
        step(dense, g, Map.of());
        step(sparse, g, fits);
      }
      settings.progress.update("prune", "", 1);
      return fits;
    } catch (RuntimeException | Error e) {
      fits.values().forEach(LayerFit::close);
      throw e;
    }
  }

  private LayerFit fit(LinearLayer layer, LayerChoice choice, LayerInputs inputs, Pattern keep) {
    return choice.isDense()
        ? LayerFit.dense(layer, choice, inputs)
        : LayerFit.pruned(
            layer,
            choice,
            inputs,
            keep,
            settings.damping,
            settings.searchOptions(choice, workers.threads()));
  }

  /** What the metric compares when the pass goes on to the end from its start with these fits. */
  List<float[]> through(Pass start, Map<LinearLayer, LayerFit> fits) {
    return vectors(start, tensors -> {}, 0, fits);
  }

  /**
   * What the metric compares when the pass goes on to the end; the pass stays where it is.
   *
   * @param first what is done before
   * @param group where the weights of the fits begin to count
   */
  List<float[]> vectors(
      Pass pass, Consumer<LiveTensors> first, int group, Map<LinearLayer, LayerFit> fits) {
    int end = chain.groups().size();
    try (Feeds feeds = new Feeds(group, end, fits)) {
      return pass.vectors(
          settings.metric,
          tensors -> {
            first.accept(tensors);
            for (int g = group; g < end; g++) {
              chain.step(tensors, g, feeds.byLayer);
            }
          });
    }
  }

  /** Over one group, with the weights of the fits; layers that have none are dense. */
  void step(Pass pass, int group, Map<LinearLayer, LayerFit> fits) {
    try (Feeds feeds = new Feeds(group, group + 1, fits)) {
      pass.step(group, feeds.byLayer);
    }
  }

  /** The weights of some groups. */
  private final class Feeds implements AutoCloseable {
    final Map<LinearLayer, Chain.Feed> byLayer = new HashMap<>();

    Feeds(int from, int to, Map<LinearLayer, LayerFit> fits) {
      try {
        for (int g = from; g < to; g++) {
          for (LinearLayer layer : chain.layersBehind(g)) {
            LayerFit fit = fits.get(layer);
            byLayer.put(layer, fit == null ? LayerFit.denseFeed(layer) : fit.feed());
          }
        }
      } catch (RuntimeException | Error e) {
        close();
        throw e;
      }
    }

    @Override
    public void close() {
      byLayer.values().forEach(Chain.Feed::close);
    }
  }
}
