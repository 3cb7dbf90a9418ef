#pragma once

#include <cstdint>

// Parameters of the CUDA linear kernels: plain data for host, card and emulator. All addresses are the device's.
namespace leno::kernels::cuda {

struct LinearParams {
  // Weights, in a layout of linear_weights.h.
  const void* values = nullptr;
  const int32_t* starts = nullptr;   // groups + 1: first k-step of each group
  const int32_t* columns = nullptr;  // column of X per kept column, groups padded to whole k-steps with -1
  const int32_t* rows = nullptr;     // original row of each padded packed row, -1 for none
  const int32_t* order = nullptr;    // groups, most k-steps first
  const float* scales = nullptr;     // per padded packed row (e4m3), or nullptr

  const void* x = nullptr;
  int64_t ldx = 0;
  const void* residual = nullptr;
  int64_t ldresidual = 0;
  void* y = nullptr;
  int64_t ldy = 0;
  const float* bias = nullptr;  // per original row, or nullptr
  float beta = 1;               // factor of the residual
  float* partial = nullptr;     // sums of split k, [split][padded packed row][tokens padded]

  int32_t tokens = 0;
  int32_t m = 0, k = 0;  // rows and columns of W
  int32_t groups = 0;
  int32_t splits = 1;
  int32_t activation = 0;  // LENO_ACT_
  int32_t group_rows = 0;  // padded packed rows of a group
  int32_t y_token_major = 0;
  int32_t y_float = 0;                  // y and the residual are fp32
  int64_t ldpartial = 0;                // of partial: tokens padded to the kernel's tile
  const float* token_scales = nullptr;  // per token, of activations in e4m3, or nullptr; then scales is there too
};

}  // namespace leno::kernels::cuda
