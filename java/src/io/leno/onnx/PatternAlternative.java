package io.leno.onnx;

import io.leno.PatternFamily;

/**
 * A pattern that was weighed for a layer. Those of one layer retain as much of its importance as
 * the first one; the fastest is taken.
 *
 * @param family of patterns
 * @param vector rows of a group, V
 * @param sparsity with which it retains that much
 * @param keptImportance share of the dense weights' second-order importance that the best such
 *     pattern retains
 * @param seconds time of the layer with it, from measurements at a few sparsities
 */
public record PatternAlternative(
    PatternFamily family, int vector, double sparsity, double keptImportance, double seconds) {}
