package io.leno.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.leno.Context;
import io.leno.CudaInfo;
import io.leno.DType;
import io.leno.Device;
import io.leno.DeviceTensor;
import io.leno.Event;
import io.leno.Isa;
import io.leno.Leno;
import io.leno.LenoArgumentException;
import io.leno.LenoException;
import io.leno.LenoOutOfMemoryException;
import io.leno.LenoStateException;
import io.leno.PinnedBuffer;
import io.leno.Status;
import io.leno.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CudaDeviceTest {
  @Test
  void aCardTellsAboutItself() {
    assertEquals("", Device.cudaRefusal());
    assertTrue(Device.cudaCount() >= 1);
    try (Device device = Device.cuda(0)) {
      assertEquals(Device.Kind.CUDA, device.kind());
      assertEquals(1, device.threads());
      assertEquals(Isa.AUTO, device.isa());
      assertEquals("Device[cuda:0]", device.toString());
      CudaInfo info = device.cudaInfo();
      assertEquals(0, info.ordinal());
      assertFalse(info.name().isEmpty());
      assertEquals("sm_" + info.computeCapability(), info.architecture());
      assertTrue(info.computeCapability() >= 75);
      assertTrue(info.multiprocessors() >= 1);
      assertTrue(info.driverVersion() >= 13000);
      assertTrue(info.cudaVersion().matches("\\d+\\.\\d"), info.cudaVersion());
      assertTrue(info.memoryBytes() > 0);
      assertTrue(device.freeBytes() <= info.memoryBytes());
      device.synchronize();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 64, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void cardsThatAreNotThere(int ordinal) {
    LenoException e = assertThrows(LenoArgumentException.class, () -> Device.cuda(ordinal));
    assertTrue(e.getMessage().contains("ordinal is " + ordinal + ", expected 0 .. "), e::toString);
  }

  @Test
  void theCpuIsNoCard() {
    try (Device cpu = Device.cpu();
        Context context = cpu.newContext()) {
      assertEquals(Device.Kind.CPU, cpu.kind());
      assertNotEquals(Isa.AUTO, cpu.isa());
      String expected = "device is the CPU, expected a CUDA device";
      assertArgument(expected, cpu::cudaInfo);
      assertArgument(expected, cpu::freeBytes);
      assertArgument(expected, () -> Stream.create(cpu));
      assertArgument(expected, () -> Stream.wrap(cpu, 0));
      assertArgument(expected, () -> Event.create(cpu));
      assertArgument(expected, () -> PinnedBuffer.allocate(cpu, 1));
      assertArgument(expected, () -> DeviceTensor.allocate(cpu, DType.F32, 1));
      assertArgument("context is one of the CPU", context::stream);
      cpu.synchronize();
      context.synchronize();
      try (Device card = Device.cuda(0);
          Stream stream = Stream.create(card)) {
        assertArgument("stream belongs to CUDA device 0", () -> cpu.newContext(stream));
      }
    }
  }

  @Test
  void scratchMemoryIsTheCards() {
    try (Device device = Device.cuda(0);
        Context context = device.newContext()) {
      assertEquals(0, context.capacity());
      long before = device.freeBytes();
      context.reserve(1 << 22);
      assertTrue(context.capacity() >= 1 << 22);
      assertTrue(device.freeBytes() <= before - (1 << 22));
      assertArgument("bytes is -1", () -> context.reserve(-1));
    }
  }

  @Test
  void memoryThatIsNotThereIsToldInBytes() {
    long tooMuch = 1L << 40;
    try (Device device = Device.cuda(0);
        Context context = device.newContext()) {
      context.reserve(4096);
      LenoException e =
          assertThrows(LenoOutOfMemoryException.class, () -> context.reserve(tooMuch));
      assertMemory(e, tooMuch);
      assertTrue(context.capacity() >= 4096);
      e =
          assertThrows(
              LenoOutOfMemoryException.class,
              () -> DeviceTensor.allocate(device, DType.F32, tooMuch / 4));
      assertMemory(e, tooMuch);
      try (DeviceTensor fits = DeviceTensor.allocate(device, DType.F32, 1)) {
        fits.upload(1);
      }
    }
  }

  private static void assertMemory(LenoException e, long asked) {
    assertEquals(Status.OUT_OF_MEMORY, e.status());
    assertTrue(e.getMessage().contains(asked + " bytes"), e::toString);
    assertTrue(e.getMessage().contains("bytes are free"), e::toString);
  }

  @Test
  void whateverIsClosedFirstTheRestWorks() {
    Device device = Device.cuda(0);
    Stream stream = Stream.create(device);
    Context context = device.newContext(stream);
    DeviceTensor tensor = DeviceTensor.allocate(device, DType.F32, 3);
    Event event = Event.create(device);
    PinnedBuffer pinned = PinnedBuffer.allocate(device, 12);
    device.close();
    device.close();
    assertClosed("Device is closed", () -> Stream.create(device));
    assertClosed("Device is closed", device::newContext);
    assertClosed("Device is closed", device::freeBytes);
    tensor.upload(1, 2, 3);
    stream.close();
    assertClosed("Stream is closed", stream::synchronize);
    assertClosed("Stream is closed", () -> tensor.fill(0, stream));
    context.reserve(100); // it keeps its stream
    context.synchronize();
    event.close();
    assertClosed("Event is closed", event::synchronize);
    context.close();
    pinned.close();
    assertClosed("PinnedBuffer is closed", pinned::address);
    float[] values = new float[3];
    tensor.download(values);
    assertEquals(3, values[2]);
    tensor.close();
    tensor.close();
    assertClosed("DeviceTensor is closed", () -> tensor.upload(1));
    assertClosed("DeviceTensor is closed", tensor::address);
  }

  @Test
  void severalContextsOfOneCardShareItsMemory() {
    try (Device one = Device.cuda(0);
        Device same = Device.cuda(0);
        DeviceTensor tensor = DeviceTensor.allocate(one, DType.F32, 2);
        Stream stream = Stream.create(same)) {
      tensor.fill(0, stream);
      stream.synchronize();
      float[] values = {1, 1};
      tensor.download(values);
      assertEquals(0, values[0]);
    }
  }

  @Test
  void theCleanerClosesWhatNobodyClosed() throws InterruptedException {
    long before = Leno.leakedHandles();
    try (Device device = Device.cuda(0)) {
      for (int i = 0; i < 3; i++) {
        DeviceTensor.allocate(device, DType.F32, 16);
        PinnedBuffer.allocate(device, 16);
        Event.create(device);
        Stream.create(device);
        device.newContext(); // with a stream of its own, which is not counted
      }
      for (int i = 0; i < 100 && Leno.leakedHandles() < before + 15; i++) {
        System.gc();
        Thread.sleep(20);
      }
    }
    assertEquals(15, Leno.leakedHandles() - before);
  }

  static void assertArgument(String part, org.junit.jupiter.api.function.Executable call) {
    LenoException e = assertThrows(LenoArgumentException.class, call);
    assertTrue(e.getMessage().contains(part), e::toString);
  }

  static void assertClosed(String part, org.junit.jupiter.api.function.Executable call) {
    LenoException e = assertThrows(LenoStateException.class, call);
    assertTrue(e.getMessage().contains(part), e::toString);
  }
}
