package io.leno.cli;

import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Options that are numbers: what is out of range is a wrong command line, told before any work. */
final class Numbers {
  private Numbers() {}

  /** How many threads: 1 .. 1024. */
  static final class Threads implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return (int) whole(text, 1, 1024);
    }
  }

  /** How many of something that is counted in int: 1 .. 2^31 - 1. */
  static final class Count implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return (int) whole(text, 1, Integer.MAX_VALUE);
    }
  }

  /** How many tokens, or how long an axis is: 1 .. 2^30. */
  static final class Length implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      return whole(text, 1, 1 << 30);
    }
  }

  /** V: a power of two, 4 .. 128. */
  static final class Vector implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      try {
        int vector = Integer.parseInt(text);
        if (vector >= 4 && vector <= 128 && Integer.bitCount(vector) == 1) {
          return vector;
        }
      } catch (NumberFormatException e) {
        // Refused below.
      }
      throw new TypeConversionException(
          "it is \"" + text + "\", expected a power of two, 4 .. 128");
    }
  }

  /** A share of the weights: at least 0 and below 1. */
  static final class Sparsity implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      return real(text, 0, "a number of at least 0 and below 1");
    }
  }

  /** A cosine to keep: above 0 and below 1. */
  static final class Cosine implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      return real(text, Double.MIN_VALUE, "a number above 0 and below 1");
    }
  }

  private static double real(String text, double least, String expected) {
    try {
      double value = Double.parseDouble(text);
      if (value >= least && value < 1) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Refused below.
    }
    throw new TypeConversionException("it is \"" + text + "\", expected " + expected);
  }

  private static long whole(String text, long least, long most) {
    try {
      long value = Long.parseLong(text);
      if (value >= least && value <= most) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Refused below.
    }
    throw new TypeConversionException(
        "it is \"" + text + "\", expected a whole number, " + least + " .. " + most);
  }
}
