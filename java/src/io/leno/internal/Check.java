package io.leno.internal;

import io.leno.LenoArgumentException;
import io.leno.LenoBufferException;
import io.leno.LenoDeviceException;
import io.leno.LenoException;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoInternalException;
import io.leno.LenoNotFiniteException;
import io.leno.LenoOutOfMemoryException;
import io.leno.LenoShapeException;
import io.leno.LenoStateException;
import io.leno.LenoUnsupportedException;
import io.leno.Matrix;
import io.leno.Status;
import io.leno.internal.bindings.Native;
import java.io.IOException;
import java.nio.Buffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.bytedeco.javacpp.BytePointer;

/** Turns what went wrong, here or in the native library, into exceptions. */
public final class Check {
  private Check() {}

  /**
   * Throws the exception for a status of the C API, with the message of this thread's last failure.
   */
  public static void status(int code) {
    if (code != Native.LENO_OK) {
      throw failure(code, text(Native.leno_last_error()));
    }
  }

  /** The argument, unless it is null. */
  public static <T> T notNull(T value, String argument) {
    if (value == null) {
      throw new LenoArgumentException(argument + " is null, expected an object");
    }
    return value;
  }

  public static void argument(boolean holds, String message) {
    if (!holds) {
      throw new LenoArgumentException(message);
    }
  }

  /** A matrix of the given shape. */
  public static void shape(Matrix matrix, long rows, long columns, String argument) {
    notNull(matrix, argument);
    if (matrix.rows() != rows || matrix.columns() != columns) {
      throw new LenoShapeException(
          argument
              + " is "
              + matrix.rows()
              + " x "
              + matrix.columns()
              + ", expected "
              + rows
              + " x "
              + columns);
    }
  }

  /** A buffer outside the Java heap. */
  public static void direct(Buffer buffer, String argument) {
    notNull(buffer, argument);
    if (!buffer.isDirect()) {
      throw new LenoBufferException(argument + " is a heap buffer, expected a direct one");
    }
  }

  public static void nativeOrder(FloatBuffer buffer, String argument) {
    if (buffer.order() != ByteOrder.nativeOrder()) {
      throw new LenoBufferException(
          argument + " is " + buffer.order() + ", expected the native " + ByteOrder.nativeOrder());
    }
  }

  /** Why a file could not be read or written, for the end of a sentence. */
  public static String reason(IOException e) {
    if (e instanceof NoSuchFileException) {
      return "there is no such file";
    }
    if (e instanceof AccessDeniedException) {
      return "access is denied";
    }
    if (e instanceof FileAlreadyExistsException) {
      return "there is a file of that name";
    }
    if (e instanceof FileSystemException system && system.getReason() != null) {
      return system.getReason();
    }
    return e.getMessage() == null ? e.toString() : e.getMessage();
  }

  public static String text(BytePointer utf8) {
    return utf8 == null ? "" : utf8.getString(StandardCharsets.UTF_8);
  }

  private static LenoException failure(int code, String message) {
    switch (code) {
      case Native.LENO_ERR_INVALID_ARGUMENT:
        return new LenoArgumentException(message);
      case Native.LENO_ERR_INVALID_SHAPE:
        return new LenoShapeException(message);
      case Native.LENO_ERR_NOT_FINITE:
        return new LenoNotFiniteException(message);
      case Native.LENO_ERR_BUFFER_TOO_SMALL:
        return new LenoBufferException(message);
      case Native.LENO_ERR_MISALIGNED:
        return new LenoBufferException(Status.MISALIGNED, message);
      case Native.LENO_ERR_INVALID_STATE:
        return new LenoStateException(message);
      case Native.LENO_ERR_UNSUPPORTED:
        return new LenoUnsupportedException(message);
      case Native.LENO_ERR_IO:
        return new LenoIOException(message);
      case Native.LENO_ERR_FORMAT:
        return new LenoFormatException(message);
      case Native.LENO_ERR_OUT_OF_MEMORY:
        return new LenoOutOfMemoryException(message);
      case Native.LENO_ERR_DEVICE:
        return new LenoDeviceException(message, false);
      case Native.LENO_ERR_DEVICE_LOST:
        return new LenoDeviceException(message, true);
      default:
        return new LenoInternalException(message + " (status " + code + ")");
    }
  }
}
