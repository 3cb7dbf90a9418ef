package io.leno;

/** The operating system refused a file operation. */
public class LenoIOException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#IO}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoIOException(String message) {
    super(Status.IO, message);
  }
}
