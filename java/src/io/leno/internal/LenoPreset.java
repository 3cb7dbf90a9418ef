package io.leno.internal;

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
            include = {"leno/base.h", "leno/device.h"},
            link = "leno",
            library = "jnileno"),
    target = "io.leno.internal",
    global = "io.leno.internal.Native")
public class LenoPreset implements InfoMapper {
  private static final String[] HANDLES = {"device", "context", "pattern", "packed", "linear"};
  private static final String[][] STRUCTS = {
    {"leno_search_options", "NativeSearchOptions"},
    {"leno_search_report", "NativeSearchReport"},
    {"leno_structure_report", "NativeStructureReport"},
    {"leno_pattern_info", "NativePatternInfo"},
    {"leno_packed_info", "NativePackedInfo"},
    {"leno_linear_options", "NativeLinearOptions"},
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
    for (String[] struct : STRUCTS) {
      map.put(new Info(struct[0]).pointerTypes(struct[1]));
    }
  }
}
