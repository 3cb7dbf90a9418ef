package io.leno.internal.bindings;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Tells JavaCPP how the C headers become Java. Handles are plain {@code long}s: no object per
 * handle, and a call with addresses costs what a call with numbers costs. No C++ exception leaves
 * the C API, so none is caught here either.
 */
@Properties(
    value =
        @Platform(
            value = "linux-x86_64",
            include = {
              "leno/base.h",
              "leno/budget.h",
              "leno/calibration.h",
              "leno/device.h",
              "leno/linear.h",
              "leno/conv.h",
              "leno/packed.h",
              "leno/pattern.h",
              "leno/stream.h",
              "leno/tensor.h"
            },
            link = "leno",
            library = "jnileno"),
    target = "io.leno.internal.bindings",
    global = "io.leno.internal.bindings.Native")
public class LenoPreset implements InfoMapper {
  private static final String[] HANDLES = {
    "device", "context", "pattern", "packed", "linear", "conv2d", "stream", "event", "graph",
    "tensor", "pinned"
  };
  private static final String[][] STRUCTS = {
    {"leno_search_options", "NativeSearchOptions"},
    {"leno_search_report", "NativeSearchReport"},
    {"leno_structure_report", "NativeStructureReport"},
    {"leno_pattern_info", "NativePatternInfo"},
    {"leno_packed_info", "NativePackedInfo"},
    {"leno_linear_options", "NativeLinearOptions"},
    {"leno_conv2d_options", "NativeConv2dOptions"},
    {"leno_cuda_info", "NativeCudaInfo"},
  };

  /** Functions whose void pointers are plain numbers in Java, as device addresses are. */
  private static final String[][] ON_ADDRESSES = {
    {
      "leno_context_stream",
      "@Cast(\"void*\") long leno_context_stream(@Cast(\"leno_context\") long context);"
    },
    {
      "leno_stream_wrap",
      "int leno_stream_wrap(@Cast(\"leno_device\") long device, @Cast(\"void*\") long custream,"
          + " @Cast(\"leno_stream*\") long[] out);"
    },
    {
      "leno_stream_handle",
      "@Cast(\"void*\") long leno_stream_handle(@Cast(\"leno_stream\") long stream);"
    },
    {
      "leno_tensor_address",
      "@Cast(\"void*\") long leno_tensor_address(@Cast(\"leno_tensor\") long tensor);"
    },
    {
      "leno_tensor_write",
      "int leno_tensor_write(@Cast(\"leno_tensor\") long tensor, @Cast(\"int64_t\") long offset,"
          + " @Cast(\"const void*\") long host, @Cast(\"int64_t\") long bytes,"
          + " @Cast(\"leno_stream\") long stream);"
    },
    {
      "leno_tensor_read",
      "int leno_tensor_read(@Cast(\"leno_tensor\") long tensor, @Cast(\"int64_t\") long offset,"
          + " @Cast(\"void*\") long host, @Cast(\"int64_t\") long bytes,"
          + " @Cast(\"leno_stream\") long stream);"
    },
    {
      "leno_pinned_address",
      "@Cast(\"void*\") long leno_pinned_address(@Cast(\"leno_pinned\") long pinned);"
    },
  };

  @Override
  public void map(InfoMap map) {
    map.put(new Info("LENO_API").skip().annotations("@NoException(true)"));
    for (String handle : HANDLES) {
      String type = "leno_" + handle;
      map.put(new Info(type + "_s").skip());
      map.put(
          new Info(type)
              .valueTypes("@Cast(\"" + type + "\") long")
              .pointerTypes("@Cast(\"" + type + "*\") long[]"));
    }
    map.put(
        new Info("leno_linear_forward")
            .javaText(
                forward(
                    "leno_linear",
                    "tokens",
                    "x, @Cast(\"int64_t\") long ldx",
                    "residual, @Cast(\"int64_t\") long ldresidual",
                    "y, @Cast(\"int64_t\") long ldy")));
    map.put(
        new Info("leno_conv2d_forward")
            .javaText(
                forward(
                    "leno_conv2d",
                    "batch, @Cast(\"int64_t\") long height, @Cast(\"int64_t\") long width",
                    "x",
                    "residual",
                    "y")));
    for (String[] function : ON_ADDRESSES) {
      map.put(
          new Info(function[0]).javaText("@NoException(true) public static native " + function[1]));
    }
    for (String[] struct : STRUCTS) {
      map.put(new Info(struct[0]).pointerTypes(struct[1]));
    }
  }

  /** The hot path, on raw addresses; and the same call for those who hold their data otherwise. */
  private static String forward(String op, String size, String x, String residual, String y) {
    StringBuilder text = new StringBuilder();
    String[][] kinds = {
      {"@Cast(\"const void*\") long", "@Cast(\"void*\") long"},
      {"@Const Pointer", "Pointer"},
      {"@Const FloatBuffer", "FloatBuffer"},
      {"@Const float[]", "float[]"},
    };
    for (String[] kind : kinds) {
      text.append("@NoException(true) public static native int " + op + "_forward(")
          .append("@Cast(\"" + op + "\") long op, @Cast(\"leno_context\") long context, ")
          .append("@Cast(\"int64_t\") long " + size + ", ")
          .append(kind[0] + " " + x + ", ")
          .append(kind[0] + " " + residual + ", ")
          .append(kind[1] + " " + y + ");\n");
    }
    return text.toString();
  }
}
