package io.leno;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class DeviceTest {
  @Test
  void versionIsThePom() {
    assertEquals("0.1.0", Leno.version());
    assertFalse(Leno.cpuName().isEmpty());
  }

  @Test
  void oneThreadByDefault() {
    try (Device device = Device.cpu()) {
      assertEquals(1, device.threads());
      assertNotEquals(Isa.AUTO, device.isa());
      assertTrue(device.isa().supported());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 1025, Integer.MIN_VALUE})
  void threadsOutsideTheirRange(int threads) {
    LenoException e = assertThrows(LenoArgumentException.class, () -> Device.cpu(threads));
    assertEquals(Status.INVALID_ARGUMENT, e.status());
    assertTrue(
        e.getMessage().contains("threads is " + threads + ", expected 1 .. 1024"), e::getMessage);
  }

  @ParameterizedTest
  @EnumSource(Isa.class)
  void everyInstructionSetRunsOrSaysWhyNot(Isa isa) {
    if (isa.supported()) {
      assertEquals("", isa.refusal());
      try (Device device = Device.cpu(2, isa)) {
        assertEquals(2, device.threads());
        assertTrue(isa == Isa.AUTO || device.isa() == isa);
      }
    } else {
      LenoException e = assertThrows(LenoUnsupportedException.class, () -> Device.cpu(1, isa));
      assertTrue(e.getMessage().contains(isa.refusal()), e::getMessage);
    }
  }

  @Test
  void cardsAreThereOrARefusalIs() {
    if (Device.cudaRefusal().isEmpty()) {
      assertTrue(Device.cudaCount() >= 1);
    } else {
      assertEquals(0, Device.cudaCount());
      LenoException e = assertThrows(LenoUnsupportedException.class, () -> Device.cuda(0));
      assertTrue(e.getMessage().contains(Device.cudaRefusal()), e::getMessage);
    }
  }

  @Test
  void nullIsaIsNamed() {
    LenoException e = assertThrows(LenoArgumentException.class, () -> Device.cpu(1, null));
    assertTrue(e.getMessage().contains("isa is null"), e::getMessage);
  }

  @Test
  void closingTwiceIsHarmlessAndUseAfterwardsIsNot() {
    Device device = Device.cpu();
    device.close();
    device.close();
    LenoException e = assertThrows(LenoStateException.class, device::newContext);
    assertTrue(e.getMessage().contains("Device is closed"), e::getMessage);
  }

  @Test
  void contextKeepsItsDeviceAlive() {
    Device device = Device.cpu(2);
    Context context = device.newContext();
    device.close();
    context.reserve(1 << 20);
    assertTrue(context.capacity() >= 1 << 20);
    context.close();
    context.close();
    assertThrows(LenoStateException.class, () -> context.reserve(1));
    assertThrows(LenoStateException.class, context::capacity);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, (1L << 40) + 1, Long.MAX_VALUE})
  void reserveOutsideItsRange(long bytes) {
    try (Device device = Device.cpu();
        Context context = device.newContext()) {
      LenoException e = assertThrows(LenoArgumentException.class, () -> context.reserve(bytes));
      assertTrue(e.getMessage().contains("bytes is " + bytes), e::getMessage);
      assertEquals(0, context.capacity());
    }
  }

  @Test
  void theCleanerClosesAndCountsWhatNobodyClosed() throws InterruptedException {
    long before = Leno.leakedHandles();
    for (int i = 0; i < 4; i++) {
      Device.cpu().newContext();
    }
    for (int i = 0; i < 100 && Leno.leakedHandles() < before + 8; i++) {
      System.gc();
      Thread.sleep(20);
    }
    long leaked = Leno.leakedHandles() - before;
    assertTrue(leaked >= 8, () -> "only " + leaked + " were caught");
  }
}
