package io.leno;

import io.leno.internal.bindings.NativeSearchReport;

/**
 * How good a pattern is that a search has found.
 *
 * @param total importance of all weights
 * @param kept importance that the pattern keeps
 * @param identity what the vector-wise pattern of the same sparsity keeps, that is, without a row
 *     permutation
 * @param unstructured what the unstructured mask of the same sparsity keeps: no pattern keeps more
 * @param efficacy (kept - identity) / (unstructured - identity); 0 where the denominator is 0
 */
public record SearchReport(
    double total, double kept, double identity, double unstructured, double efficacy) {
  static SearchReport of(NativeSearchReport report) {
    return new SearchReport(
        report.total(), report.kept(), report.identity(), report.unstructured(), report.efficacy());
  }
}
