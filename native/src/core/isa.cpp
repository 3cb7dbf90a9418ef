#include "core/isa.h"

#include <cstring>
#include <string>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace leno {
namespace {

#if defined(__x86_64__)

bool amx_permitted() {
#if defined(__linux__)
  // The tile data is an opt-in part of the thread state since Linux 5.16; arch/x86/include/uapi/asm/prctl.h.
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}

// g++ 12 has no name for the AMX bits in __builtin_cpu_supports.
bool has_amx_bits() {
  unsigned a, b, c, d;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
  constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24, kInt8 = 1u << 25;
  return (d & (kBf16 | kTile | kInt8)) == (kBf16 | kTile | kInt8);
}

const char* refusal_x86(Isa isa) {
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool dot = avx512 && __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni") &&
                   __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2");
  switch (isa) {
    case Isa::portable:
      return "";
    case Isa::avx2:
      return avx2 ? "" : "the processor has no AVX2 with FMA and F16C";
    case Isa::avx512:
      return avx512 ? "" : "the processor has no AVX-512 (F, BW, DQ, VL)";
    case Isa::avx512_dot:
      return dot ? "" : "the processor has no AVX-512 BF16, VNNI, VBMI and VBMI2";
    case Isa::amx:
      if (!dot || !has_amx_bits()) return "the processor has no AMX (TILE, BF16, INT8)";
      return amx_permitted() ? "" : "the operating system does not grant the AMX tile registers";
  }
  return "unknown instruction set";
}

std::string read_cpu_name() {
  unsigned regs[12];
  for (unsigned i = 0; i < 3; ++i) {
    if (!__get_cpuid(0x80000002u + i, &regs[4 * i], &regs[4 * i + 1], &regs[4 * i + 2], &regs[4 * i + 3])) {
      return "unknown x86-64 processor";
    }
  }
  char name[49] = {};
  std::memcpy(name, regs, 48);
  std::string s(name);
  s.erase(0, s.find_first_not_of(' '));
  s.erase(s.find_last_not_of(' ') + 1);
  unsigned a = 0, b = 0, c = 0, d = 0;
  __get_cpuid(1, &a, &b, &c, &d);
  // Virtual machines hide the model behind a generic name; family, model and stepping tell chips apart.
  const unsigned family = ((a >> 8) & 15) + ((a >> 20) & 255), model = ((a >> 4) & 15) | ((a >> 12) & 0xf0);
  return s + " (family " + std::to_string(family) + " model " + std::to_string(model) + " stepping " +
         std::to_string(a & 15) + ")";
}

#else

const char* refusal_x86(Isa isa) { return isa == Isa::portable ? "" : "not an x86-64 processor"; }
std::string read_cpu_name() { return "unknown processor"; }

#endif

}  // namespace

const char* isa_refusal(Isa isa) { return refusal_x86(isa); }

Isa best_isa() {
  for (Isa isa : {Isa::amx, Isa::avx512_dot, Isa::avx512, Isa::avx2}) {
    if (isa_supported(isa)) return isa;
  }
  return Isa::portable;
}

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::portable:
      return "portable";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::avx512_dot:
      return "avx512_dot";
    case Isa::amx:
      return "amx";
  }
  return "unknown";
}

const char* cpu_name() {
  static const std::string name = read_cpu_name();
  return name.c_str();
}

int64_t l2_bytes() {
  static const int64_t bytes = [] {
#ifdef _SC_LEVEL2_CACHE_SIZE
    if (const long known = sysconf(_SC_LEVEL2_CACHE_SIZE); known > 0) return int64_t{known};
#endif
    return int64_t{1} << 20;
  }();
  return bytes;
}

}  // namespace leno
