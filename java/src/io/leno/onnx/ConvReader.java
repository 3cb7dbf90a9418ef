package io.leno.onnx;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import io.leno.LenoUnsupportedException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Reads the geometry of a {@code Conv} node. */
final class ConvReader {
  private static final long MOST = 1 << 24; // of an extent, as the operator has it
  private static final int LEAST_ROWS = 4; // of a pattern's groups, which stay within one of these

  private ConvReader() {}

  /**
   * The geometry.
   *
   * @param weights of three or four dimensions
   * @throws LenoUnsupportedException if the operator does not have it; the message is the reason,
   *     as {@link OnnxModel#skippedLayers} tells it
   */
  static Convolution read(NodeProto node, TensorProto weights) {
    int dimensions = weights.getDimsCount() - 2;
    List<Long> kernel = weights.getDimsList().subList(2, dimensions + 2);
    long groups = Graph.intAttribute(node, "group", 1);
    long filters = weights.getDims(0);
    if (groups < 1 || filters % groups != 0 || groups > 1 && weights.getDims(1) == 1) {
      throw no(
          groups < 1 || filters % groups != 0
              ? "its " + filters + " filters are not in " + groups + " equal groups"
              : "it is depthwise");
    }
    if (groups > 1 && filters / groups % LEAST_ROWS != 0) {
      throw no("its groups have " + filters / groups + " filters, not a multiple of " + LEAST_ROWS);
    }
    if (!numbers(node, "kernel_shape", kernel).equals(kernel)) {
      throw no("its kernel_shape is not that of its weights");
    }
    List<Long> ones = Collections.nCopies(dimensions, 1L);
    List<Long> strides = numbers(node, "strides", ones);
    List<Long> dilations = numbers(node, "dilations", ones);
    List<Long> pads = pads(node, kernel, strides, dilations);
    if (strides.size() != dimensions
        || dilations.size() != dimensions
        || pads.size() != 2 * dimensions) {
      throw no("its strides, dilations and pads are not those of " + dimensions + " dimensions");
    }
    for (int d = 0; d < dimensions; d++) {
      long extent = dilations.get(d) * (kernel.get(d) - 1) + 1;
      long begin = pads.get(d);
      long end = pads.get(d + dimensions);
      if (!within(kernel.get(d), 1)
          || !within(strides.get(d), 1)
          || !within(dilations.get(d), 1)
          || extent > MOST) {
        throw no("its kernel, strides or dilations are out of range");
      }
      if (begin < 0 || end < 0 || begin >= extent || end >= extent) {
        throw no("its pads are " + pads + ", not from 0 to less than its kernel's extent");
      }
    }
    int last = dimensions - 1;
    return new Convolution(
        dimensions,
        (int) (weights.getDims(1) * groups),
        (int) groups,
        last == 0 ? 1 : kernel.get(0).intValue(),
        kernel.get(last).intValue(),
        last == 0 ? 1 : strides.get(0).intValue(),
        strides.get(last).intValue(),
        last == 0 ? 1 : dilations.get(0).intValue(),
        dilations.get(last).intValue(),
        last == 0 ? 0 : pads.get(0).intValue(),
        pads.get(last).intValue(),
        last == 0 ? 0 : pads.get(2).intValue(),
        pads.get(2 * dimensions - 1).intValue());
  }

  /** The explicit ones, or what auto_pad comes to where the image's size does not count. */
  private static List<Long> pads(
      NodeProto node, List<Long> kernel, List<Long> strides, List<Long> dilations) {
    int dimensions = kernel.size();
    String auto =
        Graph.attribute(node, "auto_pad").map(a -> a.getS().toStringUtf8()).orElse("NOTSET");
    List<Long> none = Collections.nCopies(2 * dimensions, 0L);
    if (auto.equals("NOTSET") || auto.isEmpty()) {
      return numbers(node, "pads", none);
    }
    if (auto.equals("VALID")) {
      return none;
    }
    if (!auto.startsWith("SAME_") || strides.stream().anyMatch(s -> s != 1)) {
      throw no("its auto_pad is " + auto + (auto.startsWith("SAME_") ? " with a stride" : ""));
    }
    List<Long> pads = new ArrayList<>(none);
    for (int d = 0; d < dimensions && dilations.size() == dimensions; d++) {
      long total = dilations.get(d) * (kernel.get(d) - 1);
      long less = total / 2;
      boolean upper = auto.equals("SAME_UPPER");
      pads.set(d, upper ? less : total - less);
      pads.set(d + dimensions, upper ? total - less : less);
    }
    return pads;
  }

  private static boolean within(long value, long least) {
    return value >= least && value <= MOST;
  }

  private static List<Long> numbers(NodeProto node, String name, List<Long> absent) {
    return Graph.attribute(node, name)
        .map(AttributeProto::getIntsList)
        .filter(list -> !list.isEmpty())
        .orElse(absent);
  }

  private static LenoUnsupportedException no(String reason) {
    return new LenoUnsupportedException(reason);
  }
}
