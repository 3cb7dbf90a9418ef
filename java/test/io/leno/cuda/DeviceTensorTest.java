package io.leno.cuda;

import static io.leno.cuda.CudaDeviceTest.assertArgument;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.LenoBufferException;
import io.leno.LenoException;
import io.leno.PinnedBuffer;
import io.leno.Stream;
import io.leno.Truth;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.ShortPointer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DeviceTensorTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.cuda(0);
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void aTensorKnowsItself(DType dtype) {
    try (DeviceTensor tensor = DeviceTensor.allocate(device, dtype, 7)) {
      assertEquals(7, tensor.elements());
      assertEquals(7L * dtype.bytes(), tensor.bytes());
      assertEquals(dtype, tensor.dtype());
      assertEquals(0, tensor.address() % 256);
      assertEquals(tensor.address(), tensor.pointer().address());
      assertEquals(tensor.bytes(), tensor.pointer().limit());
      assertEquals("DeviceTensor[7 " + dtype + " on CUDA device 0]", tensor.toString());
    }
  }

  @Test
  void arraysComeBack() {
    float[] values = Truth.random(1000, 1);
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 1001)) {
      tensor.fill(0xff, null);
      tensor.upload(values);
      float[] back = new float[1001];
      tensor.download(back);
      assertArrayEquals(values, java.util.Arrays.copyOf(back, 1000));
      assertTrue(Float.isNaN(back[1000]));
      tensor.upload();
      tensor.download(new float[0]);
    }
  }

  @Test
  void largeArraysGoInPieces() {
    int count = (1 << 20) + 5;
    float[] values = Truth.random(count, 2);
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.F16, count)) {
      tensor.uploadRounded(values);
      float[] back = new float[count];
      tensor.downloadWidened(back);
      for (int i = 0; i < count; i++) {
        assertEquals(values[i], back[i], Math.abs(values[i]) / 2048 + 1e-7);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "F16", "BF16"})
  void numbersAreRoundedOnTheWay(DType dtype) {
    float[] values = {0, 1, -2, 0.5f, 3.140625f};
    try (DeviceTensor tensor = DeviceTensor.allocate(device, dtype, 5)) {
      tensor.uploadRounded(values);
      float[] back = new float[5];
      tensor.downloadWidened(back);
      assertArrayEquals(values, back);
      if (dtype != DType.F32) {
        assertArgument(dtype + ", expected F32", () -> tensor.upload(values));
        assertArgument(dtype + ", expected F32", () -> tensor.download(back));
      }
    }
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.I8, 5)) {
      assertArgument("I8, expected F32, F16 or BF16", () -> tensor.uploadRounded(values));
      assertArgument("I8, expected F32, F16 or BF16", () -> tensor.downloadWidened(values));
    }
  }

  @Test
  void buffersGoFromPositionToLimit() {
    FloatBuffer floats = bytes(40).asFloatBuffer().position(2).limit(5);
    for (int i = 2; i < 5; i++) {
      floats.put(i, i);
    }
    ShortBuffer shorts = bytes(20).asShortBuffer();
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 3);
        Stream stream = Stream.create(device)) {
      tensor.upload(floats, stream);
      stream.synchronize();
      assertEquals(2, floats.position());
      float[] values = new float[3];
      tensor.download(values);
      assertArrayEquals(new float[] {2, 3, 4}, values);

      tensor.download(shorts.position(1).limit(7));
      assertEquals(2f, Float.intBitsToFloat(shorts.get(1) & 0xffff | shorts.get(2) << 16));
      assertEquals(0, shorts.get(0));
      assertEquals(0, shorts.get(7 - 7));

      ByteBuffer back = bytes(13).position(1);
      tensor.download(back, stream);
      stream.synchronize();
      assertEquals(3f, back.order(ByteOrder.nativeOrder()).getFloat(5));
      FloatBuffer slice = bytes(32).asFloatBuffer().position(1).slice().position(1).limit(4);
      tensor.download(slice);
      assertEquals(4f, slice.get(3));
    }
  }

  @Test
  void pointersAndAddressesAreTaken() {
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 4);
        Stream stream = Stream.create(device);
        FloatPointer values = new FloatPointer(9, 1, 2, 3, 4);
        FloatPointer back = new FloatPointer(4);
        ShortPointer halves = new ShortPointer(8)) {
      tensor.upload(values.position(1), stream);
      tensor.download(back, stream);
      tensor.download(halves.address(), 16, stream);
      stream.synchronize();
      assertEquals(1, back.get(0));
      assertEquals(4, back.get(3));
      assertEquals(4f, Float.intBitsToFloat(halves.get(7) << 16));
      tensor.upload(values.position(0).address(), 8, null);
      tensor.download(back, null);
      assertEquals(9, back.get(0));
      assertEquals(1, back.get(1));
      assertEquals(3, back.get(2));
    }
  }

  @Test
  void pinnedBuffersAreTaken() {
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 4);
        PinnedBuffer pinned = PinnedBuffer.allocate(device, 17);
        Stream stream = Stream.create(device)) {
      assertEquals(17, pinned.size());
      assertEquals(17, pinned.bytes().capacity());
      assertEquals(8, pinned.shorts().capacity());
      assertEquals(4, pinned.floats().capacity());
      assertEquals(0, pinned.address() % 256);
      assertEquals(pinned.address(), pinned.pointer().address());
      pinned.floats().put(new float[] {1, 2, 3, 4});
      tensor.upload(pinned, 16, stream);
      stream.synchronize();
      pinned.floats().put(new float[4]);
      tensor.download(pinned, 12, stream);
      stream.synchronize();
      float[] values = new float[4];
      pinned.floats().get(values);
      assertArrayEquals(new float[] {1, 2, 3, 0}, values);
      assertRefused("bytes is 18, expected at most", () -> tensor.upload(pinned, 18, stream));
      assertRefused("bytes is 17, expected at most", () -> tensor.download(pinned, 17, stream));
      assertArgument("bytes is -1", () -> tensor.upload(pinned, -1, stream));
    }
  }

  @Test
  void viewsOfPinnedMemoryOutliveIt() {
    PinnedBuffer pinned = PinnedBuffer.allocate(device, 1 << 20);
    ByteBuffer view = pinned.bytes();
    FloatBuffer part = pinned.floats().position(1 << 16).slice();
    pinned.close();
    for (int i = 0; i < 5; i++) {
      System.gc();
      view.putLong(1 << 19, i);
      part.put(1, i);
    }
    assertEquals(4, view.getLong(1 << 19));
    assertThrows(LenoException.class, pinned::bytes);
  }

  @Test
  void slicesArePartsOfTheMemory() {
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 6)) {
      tensor.upload(0, 1, 2, 3, 4, 5);
      DeviceTensor part = tensor.slice(2, 3);
      assertEquals(tensor.address() + 8, part.address());
      part.slice(1, 1).upload(9);
      part.close();
      float[] values = new float[3];
      part.download(values);
      assertArrayEquals(new float[] {2, 9, 4}, values);
      assertRefused("values has 4 numbers", () -> part.download(new float[4]));
      assertArgument("from, count are 4, 3, expected a part of 6", () -> tensor.slice(4, 3));
      assertArgument("from, count are -1, 1", () -> tensor.slice(-1, 1));
      assertArgument("from, count are 0, 0", () -> tensor.slice(0, 0));
      assertArgument("from, count", () -> tensor.slice(Long.MAX_VALUE, Long.MAX_VALUE));
      tensor.close();
      assertThrows(LenoException.class, () -> part.download(values));
    }
  }

  @Test
  void tensorsAreCopiedAndFilled() {
    try (DeviceTensor from = DeviceTensor.allocate(device, DType.F32, 4);
        DeviceTensor to = DeviceTensor.allocate(device, DType.F32, 4);
        Stream stream = Stream.create(device)) {
      from.upload(1, 2, 3, 4);
      to.fill(0, stream);
      to.slice(1, 3).copyFrom(from.slice(0, 2), 8, stream);
      stream.synchronize();
      float[] values = new float[4];
      to.download(values);
      assertArrayEquals(new float[] {0, 1, 2, 0}, values);
      assertRefused("bytes is 20, expected at most", () -> to.copyFrom(from, 20, stream));
      assertArgument("value", () -> to.fill(256, stream));
    }
  }

  @Test
  void tensorsAreCopiedBetweenCards() {
    assumeTrue(Device.cudaCount() >= 2, "one card alone");
    try (Device other = Device.cuda(1);
        DeviceTensor here = DeviceTensor.allocate(device, DType.F32, 2);
        DeviceTensor there = DeviceTensor.allocate(other, DType.F32, 2);
        Stream stream = Stream.create(other)) {
      here.upload(5, 6);
      there.copyFrom(here, 8, stream);
      stream.synchronize();
      float[] values = new float[2];
      there.download(values);
      assertArrayEquals(new float[] {5, 6}, values);
      assertArgument("stream is of device 1", () -> here.fill(0, stream));
      assertArgument("stream belongs to CUDA device 1", () -> device.newContext(stream));
    }
  }

  @Test
  void whatDoesNotFitIsRefused() {
    try (DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 2);
        Stream stream = Stream.create(device);
        FloatPointer three = new FloatPointer(3)) {
      tensor.upload(1, 2);
      assertRefused(
          "values has 3 numbers, expected at most the tensor's 2", () -> tensor.upload(1, 2, 3));
      assertRefused("host has 12 bytes", () -> tensor.upload(bytes(12)));
      assertRefused("host has 12 bytes", () -> tensor.download(three, stream));
      assertRefused("heap buffer", () -> tensor.upload(FloatBuffer.allocate(2)));
      assertRefused("read-only", () -> tensor.download(bytes(8).asReadOnlyBuffer()));
      assertRefused(
          "BIG_ENDIAN",
          () -> tensor.upload(bytes(8).order(ByteOrder.BIG_ENDIAN).asFloatBuffer(), stream));
      assertRefused(
          "has no limit", () -> tensor.upload(new Pointer(three).limit(0).position(0), stream));
      assertArgument("null pointer", () -> tensor.upload(new FloatPointer(), stream));
      assertArgument("host is null", () -> tensor.upload((FloatBuffer) null));
      assertArgument("host", () -> tensor.upload(0L, 8, stream));
      assertArgument("an address of a device", () -> tensor.upload(tensor.address(), 8, null));
      assertArgument("values is null", () -> tensor.upload((float[]) null));
      assertArgument("from is null", () -> tensor.copyFrom(null, 8, null));
      float[] values = new float[2];
      tensor.download(values);
      assertArrayEquals(new float[] {1, 2}, values);
    }
    assertArgument("elements is 0", () -> DeviceTensor.allocate(device, DType.F32, 0));
    assertArgument("elements is", () -> DeviceTensor.allocate(device, DType.F32, Long.MAX_VALUE));
    assertArgument("dtype is null", () -> DeviceTensor.allocate(device, null, 1));
    assertArgument("bytes is 0", () -> PinnedBuffer.allocate(device, 0));
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocateDirect(count).order(ByteOrder.nativeOrder());
  }

  private static void assertRefused(String part, Executable call) {
    LenoException e = assertThrows(LenoBufferException.class, call);
    assertTrue(e.getMessage().contains(part), e::toString);
  }
}
