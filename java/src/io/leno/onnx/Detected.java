package io.leno.onnx;

import io.leno.Matrix;
import io.leno.Pattern;
import io.leno.StructureReport;
import io.leno.StructureReport.Structure;
import java.util.ArrayList;
import java.util.List;

/**
 * The pattern of weights that were pruned elsewhere, and what it was found to be.
 *
 * @param pattern the caller closes it
 */
record Detected(Pattern pattern, StructureReport report) {
  /**
   * Looks for a pattern whose groups of rows stay within the groups of a convolution.
   *
   * @param vector rows of a group, V; 0 for the largest that fits
   */
  static Detected in(Matrix weights, int vector, int groups) {
    if (groups == 1) {
      Pattern pattern = Pattern.detect(weights, vector);
      return new Detected(pattern, pattern.structureReport().orElseThrow());
    }
    int most = Integer.lowestOneBit((int) (weights.rows() / groups));
    int largest = Math.min(most, vector == 0 ? 128 : vector);
    for (int lower = largest; vector == 0 && lower > 4; lower /= 2) {
      Detected found = inParts(weights, lower, groups);
      if (found.report.structure() != Structure.UNSTRUCTURED) {
        return found;
      }
      found.pattern.close();
    }
    return inParts(weights, vector == 0 ? 4 : largest, groups);
  }

  /** Unstructured where one part is, else as the last part that is not dense. */
  private static Detected inParts(Matrix weights, int vector, int groups) {
    List<Pattern> parts = new ArrayList<>();
    Structure structure = Structure.DENSE;
    double zeros = 0;
    double stored = 0;
    try {
      for (Matrix rows : RowGroups.of(weights, groups)) {
        Pattern part = Pattern.detect(rows, vector);
        parts.add(part);
        StructureReport report = part.structureReport().orElseThrow();
        if (structure != Structure.UNSTRUCTURED && report.structure() != Structure.DENSE) {
          structure = report.structure();
        }
        zeros += report.zeros() / groups;
        stored += report.stored() / groups;
      }
      return new Detected(RowGroups.join(parts), new StructureReport(structure, zeros, stored));
    } finally {
      parts.forEach(Pattern::close);
    }
  }
}
