package io.leno;

/**
 * Whatever goes wrong in leno. The message names the argument, its value and what was expected; the
 * subclass and {@link #status()} say of what kind the failure is. On failure nothing was written to
 * an output.
 */
public class LenoException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Status status;

  /**
   * A failure.
   *
   * @param status what went wrong
   * @param message names the argument, its value and what was expected
   */
  public LenoException(Status status, String message) {
    super(message);
    this.status = status;
  }

  /**
   * What went wrong, as the C API numbers it.
   *
   * @return the status, never null
   */
  public Status status() {
    return status;
  }
}
