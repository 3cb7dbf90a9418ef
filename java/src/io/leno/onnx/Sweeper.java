package io.leno.onnx;

import io.leno.Pattern;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Fits the layers of a model in the order in which they run: each to the inputs that it gets from
 * the layers fitted before it, towards the outputs that it has in the dense model.
 */
final class Sweeper implements AutoCloseable {
  private final Chain chain;
  private final Workers workers;
  private final AcceleratorSettings settings;
  private final Map<LinearLayer, Chain.Feed> denseFeeds = new HashMap<>();

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
        LayerInputs inputs = LayerInputs.of(group, dense, same ? dense : sparse, moments);
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

  /** Runs the pass to its end with these fits. */
  List<float[]> through(Pass start, Map<LinearLayer, LayerFit> fits) {
    try (Pass pass = start.fork()) {
      finish(pass, 0, fits);
      return pass.vectors(settings.metric);
    }
  }

  /** From a group to the end, with the weights of the fits. */
  void finish(Pass pass, int group, Map<LinearLayer, LayerFit> fits) {
    for (int g = group; g < chain.groups().size(); g++) {
      step(pass, g, fits);
    }
  }

  /** Over one group, with the weights of the fits; layers that have none are dense. */
  void step(Pass pass, int group, Map<LinearLayer, LayerFit> fits) {
    Map<LinearLayer, Chain.Feed> feeds = new HashMap<>();
    List<Chain.Feed> temporary = new ArrayList<>();
    try {
      for (LinearLayer layer : chain.layersBehind(group)) {
        LayerFit fit = fits.get(layer);
        if (fit == null) {
          feeds.put(layer, denseFeeds.computeIfAbsent(layer, LayerFit::denseFeed));
        } else {
          Chain.Feed feed = fit.feed();
          temporary.add(feed);
          feeds.put(layer, feed);
        }
      }
      pass.step(group, feeds);
    } finally {
      temporary.forEach(Chain.Feed::close);
    }
  }

  @Override
  public void close() {
    denseFeeds.values().forEach(Chain.Feed::close);
    denseFeeds.clear();
  }
}
