package io.leno.onnx;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** Which stage the work is in, and how long each took. */
final class Stages {
  private final Progress progress;
  private final Map<String, Double> seconds = new LinkedHashMap<>();
  private String stage;
  private long since;

  Stages(Progress progress) {
    this.progress = progress;
  }

  void begin(String name) {
    end();
    Memory.giveBack();
    stage = name;
    since = System.nanoTime();
    progress.update(stage, "", 0);
  }

  void end() {
    if (stage != null) {
      seconds.merge(stage, (System.nanoTime() - since) / 1e9, Double::sum);
      progress.update(stage, "", 1);
      stage = null;
    }
  }

  Map<String, Double> seconds() {
    return Collections.unmodifiableMap(seconds);
  }
}
