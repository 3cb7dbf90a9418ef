package io.leno;

/** Kinds of failure. The codes are those of the C API, and stable. */
public enum Status {
  /** A value outside what the method accepts. */
  INVALID_ARGUMENT(10),
  /** Dimensions that do not fit together. */
  INVALID_SHAPE(11),
  /** NaN or infinity where a finite number is needed. */
  NOT_FINITE(12),
  /** A capacity below what the result needs. */
  BUFFER_TOO_SMALL(13),
  /** An address that is no multiple of its element size. */
  MISALIGNED(14),
  /** An object that is closed or in use, or that lacks what is asked for. */
  INVALID_STATE(20),
  /** Valid, but not on this machine or in this build. */
  UNSUPPORTED(30),
  /** The operating system refused a file operation. */
  IO(40),
  /** A file or blob that is not what it claims to be. */
  FORMAT(41),
  /** Native memory could not be had. */
  OUT_OF_MEMORY(50),
  /** A defect of the library. */
  INTERNAL(60),
  /** The driver of a device reported an error. */
  DEVICE(70),
  /** The driver of a device reported an error that ends the device's use in this process. */
  DEVICE_LOST(71);

  private final int code;

  Status(int code) {
    this.code = code;
  }

  /**
   * The number of the C API.
   *
   * @return the LENO_ERR_ number
   */
  public int code() {
    return code;
  }
}
