package io.leno.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.leno.LenoInternalException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void readsEveryKindOfValue() {
    Object value =
        Json.read(
            " {\"a\" : [1, -2.5e3, true, false, null, []], \"b\\\"\\n\\u00fc\": {}, \"c\": \"\"} ");
    assertEquals(
        Map.of(
            "a", Arrays.asList(1.0, -2500.0, true, false, null, List.of()),
            "b\"\nü", Map.of(),
            "c", ""),
        value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{",
        "[1,",
        "[1 2]",
        "{\"a\"}",
        "{\"a\":}",
        "\"",
        "\"\\u12",
        "\"\\u12xy\"",
        "tru",
        "1 1",
        "{a:1}"
      })
  void refusesWhatIsNone(String text) {
    assertThrows(LenoInternalException.class, () -> Json.read(text));
  }
}
