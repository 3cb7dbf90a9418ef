package io.leno.internal;

import org.bytedeco.javacpp.Pointer;

/** An address that somebody else owns, as a pointer of JavaCPP. */
public final class DeviceAddress extends Pointer {
  /**
   * Points to memory of the given size.
   *
   * @param bytes 0 where it is not known
   */
  public DeviceAddress(long address, long bytes) {
    super((Pointer) null);
    this.address = address;
    this.limit = bytes;
    this.capacity = bytes;
  }

  @Override
  public int sizeof() {
    return 1;
  }

  /** The address that a pointer's position is at. */
  public static long of(Pointer pointer) {
    return pointer.address() + pointer.position() * pointer.sizeof();
  }
}
