package io.leno;

/** A defect of the library itself. */
public class LenoInternalException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#INTERNAL}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoInternalException(String message) {
    super(Status.INTERNAL, message);
  }
}
