package io.leno;

/**
 * The CUDA driver refused a call, or work on the device failed. A failure that is {@linkplain
 * #sticky() sticky} has ended the device's state for this process: whatever is called on that
 * device afterwards fails with it too, until the process ends. Objects on the device can still be
 * closed, other devices and the CPU go on.
 */
public class LenoDeviceException extends LenoException {
  private static final long serialVersionUID = 1;

  private final boolean sticky;

  /**
   * With status {@link Status#DEVICE_LOST} where it is sticky, else {@link Status#DEVICE}.
   *
   * @param message names the call, what the driver said and what can be done
   * @param sticky whether the device cannot be used any more in this process
   */
  public LenoDeviceException(String message, boolean sticky) {
    super(sticky ? Status.DEVICE_LOST : Status.DEVICE, message);
    this.sticky = sticky;
  }

  /**
   * Whether the device cannot be used any more in this process, as after an illegal address.
   *
   * @return false where a later call may succeed
   */
  public boolean sticky() {
    return sticky;
  }
}
