package io.leno;

/**
 * About a CUDA card.
 *
 * @param ordinal as the driver counts, from 0
 * @param name as the driver names the card
 * @param computeCapability 10 major + minor: 90 for 9.0
 * @param multiprocessors how many
 * @param memoryBytes of the card in all
 * @param cacheBytes of its second-level cache
 * @param sharedBytes most shared memory of a block of threads
 * @param driverVersion 1000 major + 10 minor of the CUDA that the driver implements: 13000 for 13.0
 */
public record CudaInfo(
    int ordinal,
    String name,
    int computeCapability,
    int multiprocessors,
    long memoryBytes,
    long cacheBytes,
    long sharedBytes,
    int driverVersion) {
  /**
   * The architecture as NVIDIA's tools write it.
   *
   * @return as "sm_90"
   */
  public String architecture() {
    return "sm_" + computeCapability;
  }

  /**
   * The CUDA that the driver implements.
   *
   * @return as "13.0"
   */
  public String cudaVersion() {
    return driverVersion / 1000 + "." + driverVersion % 1000 / 10;
  }
}
