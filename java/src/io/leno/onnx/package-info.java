/**
 * ONNX models: finding the linear layers of a model, replacing them by sparse operators, and
 * running the result in ONNX Runtime. Needs {@code com.microsoft.onnxruntime:onnxruntime} for
 * running and {@code org.tribuo:tribuo-util-onnx} for reading and writing models on the class path.
 *
 * <p>Failures are {@link io.leno.LenoException}s, as in {@code io.leno}; those of ONNX Runtime
 * itself come as its own {@code OrtException} where a method says so.
 *
 * <p>Unless a class says otherwise, its objects are immutable and may be shared by threads, and its
 * static methods may be called from any thread.
 */
package io.leno.onnx;
