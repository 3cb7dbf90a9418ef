/**
 * ONNX models: finding the linear layers of a model, replacing them by sparse operators, and
 * running the result in ONNX Runtime. Needs {@code com.microsoft.onnxruntime:onnxruntime} for
 * running and {@code org.tribuo:tribuo-util-onnx} for reading and writing models on the class path.
 */
package io.leno.onnx;
