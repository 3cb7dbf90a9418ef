#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "simt/location.h"

namespace leno::simt {

using Site = uint16_t;

// Numbers for the places of a kernel's source, so that a shadow cell can remember one in two bytes.
class Sites {
 public:
  Site of(Location at) {
    size_t slot = (reinterpret_cast<uintptr_t>(at.file) * 31 + static_cast<size_t>(at.line)) % slots_.size();
    for (;; slot = (slot + 1) % slots_.size()) {
      const Site site = slots_[slot];
      if (site == 0 && places_.size() < slots_.size() / 2) {
        places_.push_back(at);
        slots_[slot] = static_cast<Site>(places_.size());
        return slots_[slot];
      }
      if (site == 0) return 0;  // more places than there is room for: unknown
      if (places_[site - 1].file == at.file && places_[site - 1].line == at.line) return site;
    }
  }
  Location place(Site site) const { return site == 0 ? Location{"unknown", 0} : places_[site - 1]; }
  size_t count() const { return places_.size() + 1; }

 private:
  std::vector<Location> places_;
  std::array<Site, 8192> slots_{};
};

}  // namespace leno::simt
