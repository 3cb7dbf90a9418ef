package io.leno;

/** The request is valid, but not on this machine or in this build. */
public class LenoUnsupportedException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#UNSUPPORTED}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoUnsupportedException(String message) {
    super(Status.UNSUPPORTED, message);
  }
}
