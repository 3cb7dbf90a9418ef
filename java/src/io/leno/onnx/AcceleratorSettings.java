package io.leno.onnx;

import io.leno.DType;
import io.leno.SearchOptions;
import java.nio.file.Path;
import java.util.List;

/** What {@link Accelerator.Builder} collects, with its defaults. */
final class AcceleratorSettings {
  final OnnxModel model;
  Goal goal = Goal.accuracy(0.99);
  ModelInputs calibration;
  ModelInputs heldOut;
  String tokenMask;
  OutputMetric metric = OutputMetric.rows();
  List<DType> dtypes = List.of(DType.F32, DType.BF16, DType.I8);
  List<Integer> vectors = List.of(16);
  SearchOptions.Search search = SearchOptions.Search.ALTERNATING;
  double damping = 0.01;
  int sweeps = 1;
  int seed = 1;
  int threads = Runtime.getRuntime().availableProcessors();
  int servingThreads = 1;
  boolean replaceSlower;
  long tokens;
  Path planFile;
  Progress progress = Progress.NONE;

  AcceleratorSettings(OnnxModel model) {
    this.model = model;
  }

  AcceleratorSettings(AcceleratorSettings other) {
    this(other.model);
    goal = other.goal;
    calibration = other.calibration;
    heldOut = other.heldOut;
    tokenMask = other.tokenMask;
    metric = other.metric;
    dtypes = other.dtypes;
    vectors = other.vectors;
    search = other.search;
    damping = other.damping;
    sweeps = other.sweeps;
    seed = other.seed;
    threads = other.threads;
    servingThreads = other.servingThreads;
    replaceSlower = other.replaceSlower;
    tokens = other.tokens;
    planFile = other.planFile;
    progress = other.progress;
  }

  SearchOptions searchOptions(LayerChoice choice, int workers) {
    return SearchOptions.builder()
        .vector(choice.vector())
        .sparsity(choice.sparsity())
        .search(search)
        .seed(seed)
        .threads(workers)
        .build();
  }
}
