package io.leno.onnx;

import java.util.List;

/**
 * What became of one layer.
 *
 * @param name name of the layer, {@link LinearLayer#name()}
 * @param fused what the operator does besides the product, {@link LinearLayer#fused()}
 * @param rows M, output features; of a convolution its filters
 * @param columns K, input features; of a convolution the weights of a filter
 * @param choice dtype, target sparsity and V
 * @param pattern dense, vector-wise, shfl-bw or warp-skip
 * @param sparsity share of weights that are dropped, as it came out
 * @param bytes memory of the packed weights
 * @param keptImportance share of the dense weights' second-order importance that the pattern keeps,
 *     0 .. 1; low where other weights make up for the dropped ones; 1 for dense
 * @param efficacy what the row permutation is worth: (kept - identity) / (unstructured - identity),
 *     were columns chosen by that importance alone; 0 for dense, vector-wise and warp-skip
 * @param tokens tokens for which the times hold; of a convolution pixels of one sample's output
 * @param kernel kernel that this machine chose for so many tokens, or {@code the model's own} for a
 *     convolution that stays as it was
 * @param seconds time of the layer's product with that kernel; of a convolution that of its
 *     operator in the accelerated model, with what is fused into it, and its share of conversions
 *     of layouts
 * @param denseSeconds time of the fastest kernel for dense float32 weights, where the layer's are
 *     float32 timed in turn with its own; of a convolution that of the model's own nodes in ONNX
 *     Runtime, in turn with the accelerated model
 * @param error relative error of the layer's own output on calibration inputs: |(W - W') X|^2 / |W
 *     X|^2 with X the dense model's inputs
 * @param sensitivity what the model's output loses (1 - mean cosine) when this layer alone takes
 *     its choice, as measured or interpolated; NaN where it was not asked for
 * @param alternatives patterns that retain as much, of which this is the fastest; empty where there
 *     was but one
 */
public record LayerReport(
    String name,
    String fused,
    long rows,
    long columns,
    LayerChoice choice,
    String pattern,
    double sparsity,
    long bytes,
    double keptImportance,
    double efficacy,
    long tokens,
    String kernel,
    double seconds,
    double denseSeconds,
    double error,
    double sensitivity,
    List<PatternAlternative> alternatives) {}
