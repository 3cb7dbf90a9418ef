#pragma once

#include <simt/entry.h>

#include "core/dtype.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/linear_kernel.h"
#include "simt/driver/control_client.h"

namespace leno_test {

// Whether LENO_TEST_CARD in the environment asks for launches on a card.
bool on_card();
// That card.
const leno::kernels::cuda::Card& the_card();
// Why the card cannot run the row, or "". The emulator runs all.
std::string card_refusal(const leno::kernels::cuda::LinearKernel& row);
// Whether there are kernels for activations of that type on the card.
bool card_takes(leno::DType io);

// Whether LENO_TEST_REDUCED in the environment asks for a small part of each table, as under tools that slow kernels
// down.
bool reduced();

// Runs a launch in the emulator; where on_card(), on card 0 of the driver (LENO_CUDA_DRIVER names another). For a card
// the memory that the options name is copied there and, where writable, back, with guards around that must stay as they
// are; addresses within the parameters are translated. Of the report only ok and what are the card's: nothing is
// counted.
leno::simt::Report run_launch(const leno::simt::Entry& entry, const leno::kernels::cuda::Launch& launch,
                              const leno::simt::Options& options);

}  // namespace leno_test
