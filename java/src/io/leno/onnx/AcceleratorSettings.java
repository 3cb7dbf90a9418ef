package io.leno.onnx;

import io.leno.DType;
import io.leno.PatternFamily;
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
  List<PatternFamily> families = List.of(PatternFamily.SHFL_BW);
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
    families = other.families;
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

  /** Whether each layer takes the fastest of several patterns that retain equal importance. */
  boolean weighsPatterns() {
    return families.size() > 1;
  }

  /** A choice of each family and height, in order; of those that families have. */
  List<LayerChoice> units() {
    return families.stream()
        .flatMap(
            family ->
                vectors.stream()
                    .filter(vector -> LayerChoice.fits(vector, family))
                    .map(vector -> LayerChoice.of(DType.F32, 0.5, vector, family)))
        .toList();
  }

  SearchOptions searchOptions(LayerChoice choice, int workers) {
    SearchOptions.Builder options =
        SearchOptions.builder()
            .vector(choice.vector())
            .sparsity(choice.sparsity())
            .search(search)
            .seed(seed)
            .threads(workers);
    return choice.family() == PatternFamily.WARP_SKIP
        ? options.warpSkip(choice.vector()).build()
        : options.build();
  }
}
