package io.leno.study.convnet;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.pytorch.BatchNorm2dImpl;
import org.bytedeco.pytorch.BatchNormOptions;
import org.bytedeco.pytorch.Conv2dImpl;
import org.bytedeco.pytorch.Conv2dOptions;
import org.bytedeco.pytorch.LinearImpl;
import org.bytedeco.pytorch.Module;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * A convnet in the manner of VGG for images of 32 x 32: seven convolutions of 3 x 3, each with
 * batch normalisation and ReLU, in four sizes. All but the first are pruned: 571 000 of its 573 000
 * weights.
 */
final class ConvNet extends Module {
  /** A convolution: channels, filters, and the side of its image. */
  record Shape(int channels, int filters, int side) {}

  /** Where the side halves, the largest of two by two pixels goes on. */
  static final List<Shape> SHAPES =
      List.of(
          new Shape(Cifar10.CHANNELS, 32, 32),
          new Shape(32, 64, 16),
          new Shape(64, 64, 16),
          new Shape(64, 128, 8),
          new Shape(128, 128, 8),
          new Shape(128, 128, 4),
          new Shape(128, 128, 4));

  private final List<Conv2dImpl> convolutions = new ArrayList<>();
  private final List<BatchNorm2dImpl> norms = new ArrayList<>();
  private final LinearImpl head;

  ConvNet() {
    super("convnet");
    for (int i = 0; i < SHAPES.size(); i++) {
      Shape shape = SHAPES.get(i);
      Conv2dOptions options =
          new Conv2dOptions(shape.channels(), shape.filters(), new LongPointer(3, 3));
      options.padding().put(new LongPointer(1, 1));
      options.bias().put(false);
      convolutions.add(register_module("conv" + i, new Conv2dImpl(options)));
      norms.add(
          register_module("norm" + i, new BatchNorm2dImpl(new BatchNormOptions(shape.filters()))));
    }
    int last = SHAPES.get(SHAPES.size() - 1).filters();
    head = register_module("head", new LinearImpl(last, Cifar10.CLASSES));
  }

  /** Weights of a convolution, filters x channels x 3 x 3. */
  Tensor weight(int layer) {
    return convolutions.get(layer).weight();
  }

  /** Logarithms of the probabilities of images x classes. */
  Tensor forward(Tensor images) {
    Tensor x = images;
    for (int i = 0; i < SHAPES.size(); i++) {
      if (i > 0 && SHAPES.get(i).side() < SHAPES.get(i - 1).side()) {
        x = torch.max_pool2d(x, 2, 2);
      }
      x = torch.relu(norms.get(i).forward(convolutions.get(i).forward(x)));
    }
    x = x.mean(2, 3);
    return torch.log_softmax(head.forward(x), 1);
  }
}
