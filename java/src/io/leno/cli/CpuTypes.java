package io.leno.cli;

import io.leno.DType;
import java.util.Arrays;
import java.util.Iterator;
import java.util.stream.Stream;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The types of stored weights that these commands can run: they run on the CPU. */
final class CpuTypes implements ITypeConverter<DType>, Iterable<String> {
  @Override
  public DType convert(String text) {
    return types()
        .filter(type -> type.name().equals(text))
        .findFirst()
        .orElseThrow(
            () ->
                new TypeConversionException(
                    "it is \"" + text + "\", expected one of " + types().toList()));
  }

  @Override
  public Iterator<String> iterator() {
    return types().map(DType::name).iterator();
  }

  private static Stream<DType> types() {
    return Arrays.stream(DType.values()).filter(DType::runsOnCpu);
  }
}
