package io.leno;

import io.leno.internal.bindings.Native;
import io.leno.internal.bindings.NativeStructureReport;

/**
 * What a dense matrix with zeros in it turned out to be.
 *
 * @param structure the structure of its zeros
 * @param zeros share of weights that are zero
 * @param stored share of weights that the lossless pattern stores, zeros within groups included
 */
public record StructureReport(Structure structure, double zeros, double stored) {
  /** Structures of zeros. */
  public enum Structure {
    /** Fewer than one weight in a hundred is zero. */
    DENSE(Native.LENO_STRUCTURE_DENSE),
    /** There are zeros, but no group of V rows shares them. */
    UNSTRUCTURED(Native.LENO_STRUCTURE_UNSTRUCTURED),
    /** V neighbouring rows share their zeros. */
    VECTOR_WISE(Native.LENO_STRUCTURE_VECTOR_WISE),
    /** Rows share their zeros in groups of V after a permutation. */
    SHFL_BW(Native.LENO_STRUCTURE_SHFL_BW);

    private final int code;

    Structure(int code) {
      this.code = code;
    }

    static Structure of(long code) {
      for (Structure structure : values()) {
        if (structure.code == code) {
          return structure;
        }
      }
      throw new LenoInternalException(
          "structure is " + code + ", expected a LENO_STRUCTURE_ number");
    }
  }

  static StructureReport of(NativeStructureReport report) {
    return new StructureReport(Structure.of(report.structure()), report.zeros(), report.stored());
  }
}
