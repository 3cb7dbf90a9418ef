package io.leno.onnx;

import static io.leno.onnx.TinyModel.X;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.leno.LenoShapeException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ClassAgreementTest {
  @Test
  void positionsThatHaveTheSameLargestScoreAreCounted() {
    float[] a = {1, 5, 2, /**/ 9, 8, 7, /**/ -1, -3, -2, /**/ 0, 0, 1};
    float[] b = {0, 1, 0, /**/ 7, 8, 9, /**/ -5, -7, -9, /**/ 4, 4, 4};
    assertEquals(0.5, ClassAgreement.of(a, b, 3));
    assertEquals(1, ClassAgreement.of(a, a, 3));
    assertEquals(1, ClassAgreement.of(a, b, 1));
    assertEquals(1, ClassAgreement.of(new float[0], new float[0], 3));
    assertEquals(0, ClassAgreement.largest(b, 9, 3));
  }

  @Test
  void countsThatDoNotFitAreRefused() {
    float[] six = new float[6];
    assertThrows(LenoShapeException.class, () -> ClassAgreement.of(six, new float[3], 3));
    assertThrows(LenoShapeException.class, () -> ClassAgreement.of(six, six, 4));
    assertThrows(LenoShapeException.class, () -> ClassAgreement.of(six, six, 0));
  }

  /** Two of four tokens have their features in another order. */
  @Test
  void comparisonsTellIt() throws Exception {
    TinyModel same = new TinyModel(17).inputShape(-1, 3);
    same.output(
        same.node("MatMul", X, same.constant(new float[] {1, 0, 0, 0, 1, 0, 0, 0, 1}, 3, 3)));
    TinyModel other = new TinyModel(17).inputShape(-1, 3);
    other.output(
        other.node("MatMul", X, other.constant(new float[] {1, 0, 0, 0, 0, 1, 0, 1, 0}, 3, 3)));
    Map<String, OnnxModel> models = new LinkedHashMap<>();
    models.put("same", same.build());
    models.put("other", other.build());
    float[] x = {3, 1, 2, /**/ 1, 3, 2, /**/ 1, 2, 3, /**/ 3, 2, 1};
    ModelInputs inputs = ModelInputs.of(Map.of(X, InputArray.of(x, 4, 3)));
    List<ModelComparison.Result> results = ModelComparison.of(models, inputs).rounds(1).run();
    assertEquals(1, results.get(0).agreement());
    assertEquals(0.5, results.get(1).agreement());
  }
}
