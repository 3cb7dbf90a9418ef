package io.leno;

/** A file or blob is not what it claims to be. */
public class LenoFormatException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#FORMAT}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoFormatException(String message) {
    super(Status.FORMAT, message);
  }
}
