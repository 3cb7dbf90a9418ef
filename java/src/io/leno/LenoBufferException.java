package io.leno;

/** A buffer is too small, misaligned, read-only or not of the kind that the method takes. */
public class LenoBufferException extends LenoArgumentException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#BUFFER_TOO_SMALL}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoBufferException(String message) {
    super(Status.BUFFER_TOO_SMALL, message);
  }

  /**
   * With a status of its own.
   *
   * @param status what went wrong
   * @param message names the argument, its value and what was expected
   */
  public LenoBufferException(Status status, String message) {
    super(status, message);
  }
}
