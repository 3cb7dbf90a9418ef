package io.leno.op;

import io.leno.internal.Json;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Lays out for a reader what an operator tells about itself as JSON. */
final class Explanation {
  private Explanation() {}

  static String of(String json) {
    Map<?, ?> op = (Map<?, ?>) Json.read(json);
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%s, %s%s, %s weights%s of sparsity %s, %s %s activations; %s, %s%n",
            shape(op),
            op.get("pattern"),
            "dense".equals(op.get("pattern")) ? "" : " V=" + number(op.get("V")),
            op.get("dtype"),
            op.get("converted_from") == null
                ? ""
                : " (converted from " + op.get("converted_from") + ")",
            number(op.get("sparsity")),
            op.get("layout"),
            op.get("io_dtype"),
            op.containsKey("cuda") ? op.get("cuda") : number(op.get("threads")) + " thread(s)",
            op.get("isa")));
    String counted = "linear".equals(op.get("op")) ? "tokens" : "output pixels";
    for (Object bucket : (List<?>) op.get("buckets")) {
      append(text, counted, (Map<?, ?>) bucket);
    }
    return text.toString();
  }

  private static void append(StringBuilder text, String counted, Map<?, ?> bucket) {
    Object to = bucket.get("to");
    text.append(
        String.format(
            Locale.ROOT,
            "%s %s .. %s: %s on %s weights (%s): %s%n",
            counted,
            number(bucket.get("from")),
            to == null ? "any" : number(to),
            bucket.get("kernel"),
            bucket.get("weights"),
            bucket.get("source"),
            bucket.get("reason")));
    for (Object each : (List<?>) bucket.get("candidates")) {
      Map<?, ?> candidate = (Map<?, ?>) each;
      Object refusal = candidate.get("refusal");
      Object weights = candidate.get("weights"); // null where the kernel takes no such weights
      String time = refusal == null ? number(candidate.get("microseconds")) + " us" : "refused";
      text.append(
          String.format(
              Locale.ROOT,
              "  %12s  %s%s%s%n",
              time,
              candidate.get("kernel"),
              weights == null ? "" : ", " + weights + " weights",
              refusal == null ? "" : ": " + refusal));
    }
  }

  private static String shape(Map<?, ?> op) {
    if ("linear".equals(op.get("op"))) {
      return "linear " + number(op.get("M")) + " x " + number(op.get("K"));
    }
    List<?> kernel = (List<?>) op.get("kernel");
    return "conv2d "
        + number(op.get("channels"))
        + " -> "
        + number(op.get("filters"))
        + ", "
        + number(kernel.get(0))
        + " x "
        + number(kernel.get(1));
  }

  private static String number(Object value) {
    if (value instanceof Double && (Double) value == Math.rint((Double) value)) {
      return Long.toString(((Double) value).longValue());
    }
    return String.valueOf(value);
  }
}
