package io.leno.onnx;

import java.util.Map;

/**
 * What an {@link Accelerator} made.
 *
 * @param model the accelerated model; needs {@link LenoOnnx#register} to run
 * @param masks which weights were kept, per layer name; dense layers are absent. {@link
 *     MaskFile#save} writes them
 * @param report what became of each layer and what it costs
 */
public record Acceleration(OnnxModel model, Map<String, Mask> masks, AccelerationReport report) {}
