package io.leno.onnx;

import ai.onnxruntime.OnnxJavaType;
import io.leno.LenoFormatException;
import io.leno.LenoIOException;
import io.leno.LenoOutOfMemoryException;
import io.leno.internal.Check;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Enumeration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/** Reads NPZ files: ZIP archives of NPY arrays. Trusts nothing that they say. */
final class NpzReader {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};
  private static final int LARGEST_HEADER = 1 << 16;
  private static final int MOST_AXES = 32; // numpy's own bound
  private static final Pattern DESCR = Pattern.compile("'descr'\\s*:\\s*'([^']*)'");
  private static final Pattern ORDER = Pattern.compile("'fortran_order'\\s*:\\s*(True|False)");
  private static final Pattern SHAPE = Pattern.compile("'shape'\\s*:\\s*\\(([0-9,\\s]*)\\)");

  private NpzReader() {}

  static Map<String, InputArray> read(Path path) {
    Map<String, InputArray> arrays = new LinkedHashMap<>();
    if (!Files.isRegularFile(path)) {
      throw new LenoIOException("file " + path + " is no file, expected an NPZ file");
    }
    try (ZipFile zip = new ZipFile(path.toFile())) {
      for (Enumeration<? extends ZipEntry> e = zip.entries(); e.hasMoreElements(); ) {
        ZipEntry entry = e.nextElement();
        String name = entry.getName();
        if (!name.endsWith(".npy")) {
          throw wrong(path, name, "has a name that does not end in .npy");
        }
        InputArray array = read(path, zip, entry);
        if (arrays.put(name.substring(0, name.length() - 4), array) != null) {
          throw wrong(path, name, "is there twice");
        }
      }
    } catch (ZipException e) {
      throw new LenoFormatException(path + " is no NPZ file: " + e.getMessage());
    } catch (IOException e) {
      throw new LenoIOException("file " + path + " cannot be read: " + Check.reason(e));
    }
    if (arrays.isEmpty()) {
      throw new LenoFormatException(path + " has no array, expected one per input of the model");
    }
    return arrays;
  }

  private static InputArray read(Path path, ZipFile zip, ZipEntry entry) throws IOException {
    String name = entry.getName();
    try (InputStream in = zip.getInputStream(entry)) {
      return parse(path, name, in);
    } catch (ZipException e) {
      throw wrong(path, name, "is damaged: " + e.getMessage());
    } catch (IllegalArgumentException e) { // what java.util.zip says to some damaged entries
      throw wrong(path, name, "is damaged: " + e.getMessage());
    } catch (OutOfMemoryError e) {
      throw new LenoOutOfMemoryException(path + ": array " + name + " does not fit into memory");
    }
  }

  private static InputArray parse(Path path, String name, InputStream in) throws IOException {
    byte[] start = in.readNBytes(8);
    if (start.length < 8 || !Arrays.equals(MAGIC, Arrays.copyOf(start, MAGIC.length))) {
      throw wrong(path, name, "is no NPY array");
    }
    int version = start[6];
    if (version < 1 || version > 3) {
      throw wrong(path, name, "has version " + version + ", expected 1, 2 or 3");
    }
    byte[] size = in.readNBytes(version == 1 ? 2 : 4);
    long length = 0;
    for (int i = size.length - 1; i >= 0; i--) {
      length = length << 8 | size[i] & 0xff;
    }
    if (size.length < (version == 1 ? 2 : 4) || length > LARGEST_HEADER) {
      throw wrong(path, name, "has a header of " + length + " bytes, expected at most 65536");
    }
    byte[] bytes = in.readNBytes((int) length);
    if (bytes.length < length) {
      throw wrong(path, name, "ends inside its header");
    }
    String header = new String(bytes, StandardCharsets.UTF_8);
    OnnxJavaType type = type(path, name, field(path, name, header, DESCR, "descr"));
    if (field(path, name, header, ORDER, "fortran_order").equals("True")) {
      throw wrong(path, name, "is in Fortran order, expected C order (numpy.ascontiguousarray)");
    }
    long[] shape = shape(path, name, field(path, name, header, SHAPE, "shape"));
    return InputArray.ofBytes(type, data(path, name, in, type, shape), shape);
  }

  private static String field(Path path, String name, String header, Pattern field, String key) {
    Matcher matcher = field.matcher(header);
    if (!matcher.find()) {
      throw wrong(path, name, "has no usable " + key + " in its header");
    }
    return matcher.group(1);
  }

  private static OnnxJavaType type(Path path, String name, String descr) {
    switch (descr) {
      case "<f4":
        return OnnxJavaType.FLOAT;
      case "<i4":
        return OnnxJavaType.INT32;
      case "<i8":
        return OnnxJavaType.INT64;
      default:
        throw wrong(
            path,
            name,
            "has dtype " + descr + ", expected little-endian float32 (<f4), int32 or int64");
    }
  }

  private static long[] shape(Path path, String name, String text) {
    String[] parts = text.isBlank() ? new String[0] : text.trim().split("\\s*,\\s*");
    if (parts.length == 0 || parts.length > MOST_AXES) {
      throw wrong(path, name, "has shape (" + text + "), expected 1 to 32 axes");
    }
    long[] shape = new long[parts.length];
    long count = 1;
    for (int i = 0; i < parts.length; i++) {
      try {
        shape[i] = Long.parseLong(parts[i]);
      } catch (NumberFormatException e) {
        throw wrong(path, name, "has shape (" + text + "), expected numbers");
      }
      if (shape[i] < 1 || count > Integer.MAX_VALUE / 8 / shape[i]) {
        throw wrong(
            path,
            name,
            "has shape (" + text + "), expected axes of 1 or more and fewer than 2^28 numbers");
      }
      count *= shape[i];
    }
    return shape;
  }

  private static ByteBuffer data(
      Path path, String name, InputStream in, OnnxJavaType type, long[] shape) throws IOException {
    int size = type.size;
    for (long axis : shape) {
      size *= (int) axis;
    }
    byte[] bytes = in.readNBytes(size); // grows with what is there, not with what is claimed
    if (bytes.length < size || in.read() >= 0) {
      throw wrong(
          path,
          name,
          "holds "
              + (bytes.length < size ? bytes.length + "" : "more than " + size)
              + " bytes, expected "
              + size
              + " for shape "
              + Arrays.toString(shape));
    }
    ByteBuffer data = ByteBuffer.allocateDirect(size).order(ByteOrder.nativeOrder());
    data.put(bytes).flip();
    return data;
  }

  private static LenoFormatException wrong(Path path, String array, String what) {
    return new LenoFormatException(path + ": array " + array + " " + what);
  }
}
