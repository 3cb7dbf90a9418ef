package io.leno.cli.report;

import java.util.List;
import java.util.Map;

/**
 * All that is told about a model that was accelerated.
 *
 * @param title a line for people
 * @param facts what was measured on what: name to value, in order
 * @param models the dense model first
 * @param settings the ways in which it was accelerated
 */
public record Report(
    String title, Map<String, String> facts, List<ModelRow> models, List<Setting> settings) {
  /** Copies; the facts keep the order of the given map. */
  public Report {
    facts = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(facts));
    models = List.copyOf(models);
    settings = List.copyOf(settings);
    if (models.isEmpty()) {
      throw new IllegalArgumentException("models is empty, expected the dense model at least");
    }
  }
}
