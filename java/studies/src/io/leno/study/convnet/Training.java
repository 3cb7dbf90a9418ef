package io.leno.study.convnet;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.SGD;
import org.bytedeco.pytorch.SGDOptions;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Trains a network by stochastic gradient descent, with masks that hold throughout, and tests it.
 */
final class Training {
  private static final int BATCH = 128;
  private static final int TEST_BATCH = 500;
  private static final double MOMENTUM = 0.9;
  private static final double WEIGHT_DECAY = 5e-4;

  private final ConvNet net;
  private final Cifar10 train;
  private final Cifar10 test;
  private final int images; // of the training set that an epoch sees

  Training(ConvNet net, Cifar10 train, Cifar10 test, int images) {
    this.net = net;
    this.train = train;
    this.test = test;
    this.images = images;
  }

  /**
   * Some epochs with a learning rate that rises for a tenth of the steps and falls to zero as a
   * cosine.
   *
   * @param masks of the convolutions' weights, null where nothing is masked
   */
  void run(double epochs, double rate, Tensor[] masks, long seed) {
    int perEpoch = Math.max(1, images / BATCH);
    int steps = (int) Math.round(epochs * perEpoch);
    Random random = new Random(seed);
    int[] order = new int[train.count()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    net.train(true);
    try (PointerScope scope = new PointerScope()) {
      SGDOptions options = new SGDOptions(rate);
      options.momentum().put(MOMENTUM);
      options.weight_decay().put(WEIGHT_DECAY);
      SGD optimizer = new SGD(net.parameters(), options);
      for (int step = 0; step < steps; step++) {
        if (step % perEpoch == 0) {
          shuffle(order, random);
        }
        optimizer.param_groups().get(0).options().set_lr(rate * schedule(step / (double) steps));
        step(optimizer, order, step % perEpoch * BATCH, random);
        apply(masks);
      }
    }
  }

  /** Share of the test images that are told right. */
  double accuracy() {
    net.train(false);
    long right = 0;
    float[] pixels = new float[TEST_BATCH * Cifar10.CHANNELS * Cifar10.SIDE * Cifar10.SIDE];
    long[] labels = new long[TEST_BATCH];
    for (int first = 0; first < test.count(); first += TEST_BATCH) {
      for (int i = 0; i < TEST_BATCH; i++) {
        test.copy(first + i, pixels, i);
        labels[i] = test.label(first + i);
      }
      try (PointerScope scope = new PointerScope();
          NoGradGuard guard = new NoGradGuard()) {
        Tensor told = torch.argmax(net.forward(images(pixels)), one(), false);
        right += told.eq(labels(labels)).sum().item().toLong();
      }
    }
    return right / (double) test.count();
  }

  /** Sets masked weights to zero. */
  void apply(Tensor[] masks) {
    if (masks == null) {
      return;
    }
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      for (int i = 0; i < masks.length; i++) {
        if (masks[i] != null) {
          net.weight(i).mul_(masks[i]);
        }
      }
    }
  }

  /** Copies of all parameters and running means. */
  List<Tensor> state() {
    List<Tensor> copies = new ArrayList<>();
    try (NoGradGuard guard = new NoGradGuard()) {
      for (TensorVector tensors : List.of(net.parameters(), net.buffers())) {
        for (long i = 0; i < tensors.size(); i++) {
          copies.add(tensors.get(i).clone());
        }
      }
    }
    return copies;
  }

  void restore(List<Tensor> copies) {
    int next = 0;
    try (PointerScope scope = new PointerScope();
        NoGradGuard guard = new NoGradGuard()) {
      for (TensorVector tensors : List.of(net.parameters(), net.buffers())) {
        for (long i = 0; i < tensors.size(); i++) {
          tensors.get(i).copy_(copies.get(next++));
        }
      }
    }
  }

  private void step(SGD optimizer, int[] order, int first, Random random) {
    float[] pixels = new float[BATCH * Cifar10.CHANNELS * Cifar10.SIDE * Cifar10.SIDE];
    long[] labels = new long[BATCH];
    for (int i = 0; i < BATCH; i++) {
      int image = order[(first + i) % order.length];
      train.copyChanged(image, pixels, i, random);
      labels[i] = train.label(image);
    }
    try (PointerScope scope = new PointerScope()) {
      optimizer.zero_grad();
      torch.nll_loss(net.forward(images(pixels)), labels(labels)).backward();
      optimizer.step();
    }
  }

  private static double schedule(double progress) {
    double rise = 0.1;
    return progress < rise
        ? progress / rise
        : 0.5 * (1 + Math.cos(Math.PI * (progress - rise) / (1 - rise)));
  }

  private static void shuffle(int[] order, Random random) {
    for (int i = order.length - 1; i > 0; i--) {
      int other = random.nextInt(i + 1);
      int kept = order[i];
      order[i] = order[other];
      order[other] = kept;
    }
  }

  private static Tensor images(float[] pixels) {
    int side = Cifar10.SIDE;
    long count = pixels.length / (Cifar10.CHANNELS * side * side);
    return torch.from_blob(new FloatPointer(pixels), count, Cifar10.CHANNELS, side, side).clone();
  }

  private static Tensor labels(long[] labels) {
    TensorOptions options = new TensorOptions(torch.ScalarType.Long);
    return torch.from_blob(new LongPointer(labels), new long[] {labels.length}, options).clone();
  }

  private static LongOptional one() {
    return new LongOptional(1);
  }
}
