package io.leno;

/**
 * Native memory, of the host or of a device, could not be had. For memory of a device the message
 * tells the bytes asked for and the bytes free; for page-locked host memory the bytes asked for;
 * for what else the driver makes there (streams, graphs, modules) the call and the bytes free. A
 * device that has no memory left for a context cannot tell what is free.
 */
public class LenoOutOfMemoryException extends LenoException {
  private static final long serialVersionUID = 1;

  /**
   * With status {@link Status#OUT_OF_MEMORY}.
   *
   * @param message names the argument, its value and what was expected
   */
  public LenoOutOfMemoryException(String message) {
    super(Status.OUT_OF_MEMORY, message);
  }
}
