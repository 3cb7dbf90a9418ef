package io.leno.onnx;

import io.leno.LenoArgumentException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/** A batch of inputs and the float outputs that a model made of it. */
public final class ModelRun {
  /** Values of a tensor, row-major. */
  record Output(float[] values, long[] shape) {}

  private final ModelInputs inputs;
  private final String mask;
  private final Map<String, Output> outputs;

  ModelRun(ModelInputs inputs, String mask, Map<String, Output> outputs) {
    this.inputs = inputs;
    this.mask = mask;
    this.outputs = new LinkedHashMap<>(outputs);
  }

  /**
   * The batch.
   *
   * @return what the model was given
   */
  public ModelInputs inputs() {
    return inputs;
  }

  /**
   * Names of the float outputs.
   *
   * @return in the model's order
   */
  public Set<String> outputs() {
    return java.util.Collections.unmodifiableSet(outputs.keySet());
  }

  /**
   * Values of an output.
   *
   * @param output its name
   * @return row-major; not to be written
   * @throws LenoArgumentException if there is no float output of this name
   */
  public float[] values(String output) {
    return get(output).values();
  }

  /**
   * Axes of an output.
   *
   * @param output its name
   * @return a copy
   * @throws LenoArgumentException if there is no float output of this name
   */
  public long[] shape(String output) {
    return get(output).shape().clone();
  }

  /**
   * Which rows of a tensor belong to tokens that count.
   *
   * @param shape axes of a tensor [samples, tokens, ...]
   * @return per sample and token whether it counts; null where no mask applies to this shape
   */
  public boolean[] tokensThatCount(long[] shape) {
    return Masks.rows(inputs, mask, shape);
  }

  private Output get(String output) {
    Output found = outputs.get(output);
    if (found == null) {
      throw new LenoArgumentException(
          "output is " + output + ", expected one of " + outputs.keySet());
    }
    return found;
  }
}
