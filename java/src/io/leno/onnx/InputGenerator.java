package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import io.leno.LenoArgumentException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;

/** Makes inputs up from the types that a graph states for its inputs. */
final class InputGenerator {
  private static final long DEFAULT_LENGTH = 32;
  private static final int LARGEST_ID = 1000; // smaller than any vocabulary worth the name

  private InputGenerator() {}

  static ModelInputs generate(OnnxModel model, Map<String, Long> dims, int samples, long seed) {
    if (samples < 1) {
      throw new LenoArgumentException("samples is " + samples + ", expected 1 or more");
    }
    requireKnown(model, dims);
    Random random = new Random(seed);
    Map<String, InputArray> arrays = new LinkedHashMap<>();
    for (ValueInfoProto input : model.inputInfos()) {
      arrays.put(input.getName(), array(input, dims, samples, random));
    }
    return ModelInputs.ofGenerated(arrays);
  }

  private static void requireKnown(OnnxModel model, Map<String, Long> dims) {
    Set<String> names = new TreeSet<>();
    for (ValueInfoProto input : model.inputInfos()) {
      input.getType().getTensorType().getShape().getDimList().stream()
          .map(TensorShapeProto.Dimension::getDimParam)
          .filter(name -> !name.isEmpty())
          .forEach(names::add);
    }
    dims.forEach(
        (name, length) -> {
          if (!names.contains(name)) {
            throw new LenoArgumentException(
                "dims has " + name + ", expected names of the model's axes, " + names);
          }
          if (length < 1) {
            throw new LenoArgumentException(
                "dims has " + name + " = " + length + ", expected 1 or more");
          }
        });
  }

  private static InputArray array(
      ValueInfoProto input, Map<String, Long> dims, int samples, Random random) {
    String name = input.getName();
    TypeProto.Tensor type = input.getType().getTensorType();
    TensorShapeProto shape = type.getShape();
    if (!input.getType().hasTensorType() || shape.getDimCount() == 0) {
      throw new LenoArgumentException(
          "input " + name + " is no tensor with axes: it cannot be made up, expected an array");
    }
    long[] axes = new long[shape.getDimCount()];
    axes[0] = samples;
    long count = samples;
    for (int i = 1; i < axes.length; i++) {
      TensorShapeProto.Dimension dim = shape.getDim(i);
      axes[i] =
          dim.getDimValue() > 0
              ? dim.getDimValue()
              : dims.getOrDefault(dim.getDimParam(), DEFAULT_LENGTH);
      count *= axes[i];
    }
    if (count > Integer.MAX_VALUE / 8) {
      throw new LenoArgumentException(
          "input " + name + " would have " + count + " numbers, expected fewer than 2^28");
    }
    int size = (int) count;
    switch (type.getElemType()) {
      case TensorProto.DataType.FLOAT_VALUE:
        float[] floats = new float[size];
        for (int i = 0; i < size; i++) {
          floats[i] = isMask(name) ? 1 : (float) random.nextGaussian();
        }
        return InputArray.of(floats, axes);
      case TensorProto.DataType.INT64_VALUE:
        long[] longs = new long[size];
        for (int i = 0; i < size; i++) {
          longs[i] = integer(name, random);
        }
        return InputArray.of(longs, axes);
      case TensorProto.DataType.INT32_VALUE:
        int[] ints = new int[size];
        for (int i = 0; i < size; i++) {
          ints[i] = integer(name, random);
        }
        return InputArray.of(ints, axes);
      default:
        throw new LenoArgumentException(
            "input "
                + name
                + " has element type "
                + type.getElemType()
                + ": it cannot be made up, expected float32, int32 or int64");
    }
  }

  private static int integer(String name, Random random) {
    if (isMask(name)) {
      return 1;
    }
    return name.contains("type") ? 0 : random.nextInt(LARGEST_ID);
  }

  private static boolean isMask(String name) {
    return name.contains("mask");
  }
}
