package io.leno;

/** NaN or infinity where a finite number is needed. */
public class LenoNotFiniteException extends LenoArgumentException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#NOT_FINITE}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoNotFiniteException(String message) {
    super(Status.NOT_FINITE, message);
  }
}
