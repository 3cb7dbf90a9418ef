/**
 * The command line. Not an API: {@code io.leno}, {@code io.leno.op} and {@code io.leno.onnx} are.
 */
package io.leno.cli;
