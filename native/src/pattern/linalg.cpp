#include "pattern/linalg.h"

#include "core/isa.h"

namespace leno {

const Linalg& linalg(Isa isa) {
#if defined(__x86_64__)
  if (isa >= Isa::avx512) return kLinalgAvx512;
  if (isa >= Isa::avx2) return kLinalgAvx2;
#endif
  (void)isa;
  return kLinalgPortable;
}

}  // namespace leno
