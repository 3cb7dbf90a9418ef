package io.leno;

/** Dimensions do not fit together. */
public class LenoShapeException extends LenoArgumentException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#INVALID_SHAPE}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoShapeException(String message) {
    super(Status.INVALID_SHAPE, message);
  }
}
