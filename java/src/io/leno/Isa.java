package io.leno;

import io.leno.internal.Check;
import io.leno.internal.Library;
import io.leno.internal.bindings.Native;

/** Instruction sets of the CPU kernels. Each includes those before it. */
public enum Isa {
  /** The best one that this machine has. */
  AUTO(Native.LENO_ISA_AUTO),
  /** Plain C++, on any machine. */
  PORTABLE(Native.LENO_ISA_PORTABLE),
  /** AVX2, FMA and F16C. */
  AVX2(Native.LENO_ISA_AVX2),
  /** AVX-512 F, BW, DQ and VL. */
  AVX512(Native.LENO_ISA_AVX512),
  /** And AVX-512 BF16, VNNI, VBMI and VBMI2. */
  AVX512_DOT(Native.LENO_ISA_AVX512_DOT),
  /** And AMX-TILE, AMX-BF16 and AMX-INT8. */
  AMX(Native.LENO_ISA_AMX);

  private final int code;

  Isa(int code) {
    this.code = code;
  }

  /**
   * Whether the processor and the operating system support it.
   *
   * @return true where kernels of this instruction set can run
   */
  public boolean supported() {
    return this == AUTO || refusal().isEmpty();
  }

  /**
   * Why it cannot be used here.
   *
   * @return the reason, empty where it can be used
   */
  public String refusal() {
    Library.load();
    return this == AUTO ? "" : Check.text(Native.leno_isa_refusal(code));
  }

  int code() {
    return code;
  }

  static Isa of(int code) {
    for (Isa isa : values()) {
      if (isa.code == code) {
        return isa;
      }
    }
    throw new LenoInternalException("isa is " + code + ", expected a LENO_ISA_ number");
  }
}
