package io.leno;

/** Native memory for a result could not be had. */
public class LenoOutOfMemoryException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#OUT_OF_MEMORY}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoOutOfMemoryException(String message) {
    super(Status.OUT_OF_MEMORY, message);
  }
}
