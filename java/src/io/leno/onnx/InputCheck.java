package io.leno.onnx;

import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import io.leno.LenoArgumentException;
import io.leno.LenoNotFiniteException;
import io.leno.LenoShapeException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/** Inputs fit a model, as far as its declarations tell: found here, it is told in our words. */
final class InputCheck {
  private InputCheck() {}

  /**
   * Inputs whose samples are cut into batches that suit the model.
   *
   * @throws LenoArgumentException if an input has no array, or one of another element type
   * @throws LenoShapeException if an array has other axes than the model says
   * @throws LenoNotFiniteException if an array has a number that is none
   */
  static void samples(OnnxModel model, ModelInputs inputs) {
    check(model, inputs, 1);
  }

  /** The same for inputs that the model takes as they are. */
  static void batch(OnnxModel model, ModelInputs inputs) {
    check(model, inputs, 0);
  }

  private static void check(OnnxModel model, ModelInputs inputs, int firstAxis) {
    for (ValueInfoProto input : model.inputInfos()) {
      TypeProto.Tensor type = input.getType().getTensorType();
      InputArray array = array(inputs, input.getName(), type.getElemType());
      if (type.hasShape()) {
        shape(input.getName(), type.getShape().getDimList(), array.shape(), firstAxis);
      }
      int nan = array.firstNaN();
      if (nan >= 0) {
        throw new LenoNotFiniteException(
            "input " + input.getName() + " is NaN at element " + nan + ", expected numbers");
      }
    }
  }

  /** The array for an input of this element type, as ONNX numbers them. */
  static InputArray array(ModelInputs inputs, String name, int type) {
    InputArray array = inputs.arrays().get(name);
    if (array == null) {
      throw new LenoArgumentException(
          "inputs have " + inputs.arrays().keySet() + ", expected an array for input " + name);
    }
    if (array.elementType() != type) {
      throw new LenoArgumentException(
          "input "
              + name
              + " is given as "
              + array.dtype()
              + ", expected "
              + TensorProto.DataType.forNumber(type)
              + " as the model says");
    }
    return array;
  }

  private static void shape(
      String name, List<TensorShapeProto.Dimension> expected, long[] actual, int firstAxis) {
    boolean fits = expected.size() == actual.length;
    for (int axis = firstAxis; fits && axis < actual.length; axis++) {
      long length = expected.get(axis).getDimValue();
      fits = length == 0 || length == actual[axis];
    }
    if (!fits) {
      throw new LenoShapeException(
          "input "
              + name
              + " has shape "
              + Arrays.toString(actual)
              + ", expected "
              + expected.stream().map(InputCheck::axis).collect(Collectors.joining(", ", "[", "]"))
              + " as the model says");
    }
  }

  private static String axis(TensorShapeProto.Dimension axis) {
    if (axis.getDimValue() > 0) {
      return Long.toString(axis.getDimValue());
    }
    return axis.getDimParam().isEmpty() ? "any" : axis.getDimParam();
  }
}
