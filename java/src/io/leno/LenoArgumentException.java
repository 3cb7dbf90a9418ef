package io.leno;

/** An argument is outside what the method accepts. */
public class LenoArgumentException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#INVALID_ARGUMENT}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoArgumentException(String message) {
    super(Status.INVALID_ARGUMENT, message);
  }

  /**
   * With a status of its own.
   *
   * @param status what went wrong
   * @param message names the argument, its value and what was expected
   */
  public LenoArgumentException(Status status, String message) {
    super(status, message);
  }
}
