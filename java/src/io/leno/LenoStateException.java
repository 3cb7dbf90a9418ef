package io.leno;

/** An object is closed, in use by another thread, or lacks what the method needs. */
public class LenoStateException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#INVALID_STATE}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoStateException(String message) {
    super(Status.INVALID_STATE, message);
  }
}
