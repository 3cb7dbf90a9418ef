#include "collectives.h"
#include "text.h"

// setmaxnreg: registers given back by some warps are taken by others, who wait until there are enough.
namespace leno::simt {

void set_registers(uint32_t registers, bool increase, Location at) {
  require(90, "setmaxnreg", at);
  int nothing = 0;
  warp_collective(registers, increase ? "setmaxnreg.inc" : "setmaxnreg.dec", nothing, at, [](auto&) {});
  Block& b = block();
  if (b.options.registers == 0) return;
  Warp& warp = b.warps[self().warp];
  if (warp.registers == 0) warp.registers = b.options.registers;
  if (warp.registers == registers) return;  // another lane has done it
  if (!increase) {
    if (registers > warp.registers)
      b.fail(text("setmaxnreg.dec to %u, the warp has %u", registers, warp.registers), at);
    b.register_pool += (warp.registers - registers) * 32;
    warp.registers = registers;
    const auto waiting = std::move(b.register_waiters);
    b.register_waiters.clear();
    for (const Agent thread : waiting) b.wake(b.threads[thread]);
    return;
  }
  while (warp.registers != registers) {
    if (registers < warp.registers)
      b.fail(text("setmaxnreg.inc to %u, the warp has %u", registers, warp.registers), at);
    const uint32_t more = (registers - warp.registers) * 32;
    if (b.register_pool >= more) {
      b.register_pool -= more;
      warp.registers = registers;
    } else {
      b.register_waiters.push_back(self().index);
      b.wait("setmaxnreg.inc", registers, b.register_pool, at);
    }
  }
}

}  // namespace leno::simt
