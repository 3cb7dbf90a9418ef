package io.leno.onnx;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.leno.Matrix;
import io.leno.Truth;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The weights that make up for a lost residual satisfy their normal equations. */
final class ResidualLossTest {
  @Test
  void theAimSolvesItsEquations() {
    int rows = 24;
    int columns = 40;
    double damping = 0.01;
    TinyModel m = new TinyModel().inputShape(-1, columns);
    String product = m.node("MatMul", TinyModel.X, m.random(1, columns, rows));
    LinearLayer layer = m.output(product).build().layers(ShapeEvidence.none()).get(0);
    Matrix gram = Truth.gram(columns, 200, 2);
    Matrix target = Truth.randomMatrix(columns, columns, 3);
    Matrix lost = Truth.randomMatrix(rows, columns, 4);
    ResidualLoss loss = new ResidualLoss(new float[rows], lost);
    LayerInputs.Moments moments =
        new LayerInputs.Moments(new float[columns], new float[columns], gram, target);
    LayerInputs inputs = new LayerInputs(List.of(moments), Map.of(layer, loss));
    Matrix aim = loss.aim(layer, inputs, damping);

    double ridge = 0;
    for (int i = 0; i < columns; i++) {
      ridge += damping * gram.get(i, i) / columns;
    }
    float[] weights = layer.weights();
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        double left = ridge * aim.get(i, j);
        double right = ridge * weights[i * columns + j] + lost.get(i, j);
        for (int k = 0; k < columns; k++) {
          left += (double) aim.get(i, k) * gram.get(k, j);
          right += (double) weights[i * columns + k] * target.get(k, j);
        }
        assertEquals(right, left, 1e-3, "element " + i + ", " + j);
      }
    }
  }
}
