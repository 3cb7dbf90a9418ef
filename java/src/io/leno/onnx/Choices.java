package io.leno.onnx;

import java.util.Map;

/**
 * What each layer shall become.
 *
 * @param byLayer a choice per layer
 * @param sensitivity the error that the choice was expected to cost when taken alone; absent where
 *     nobody asked
 */
record Choices(Map<LinearLayer, LayerChoice> byLayer, Map<LinearLayer, Double> sensitivity) {}
