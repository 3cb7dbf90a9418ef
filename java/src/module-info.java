/**
 * Sparse neural-network operators: {@code io.leno} has devices, patterns and packed weights, {@code
 * io.leno.op} has operators.
 */
module io.leno {
  requires transitive org.bytedeco.javacpp;
  requires org.bytedeco.javacpp.linux.x86_64;
  requires static com.fasterxml.jackson.databind;
  requires static com.google.protobuf;
  requires static com.microsoft.onnxruntime;
  requires static info.picocli;
  requires static java.desktop;
  requires static org.tribuo.util.onnx;

  exports io.leno;
  exports io.leno.op;
  exports io.leno.onnx;

  opens io.leno.cli to
      info.picocli;
  opens io.leno.internal.bindings to
      org.bytedeco.javacpp;
}
