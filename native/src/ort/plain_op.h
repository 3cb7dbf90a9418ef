#pragma once

#include "ort/values.h"

// What our custom operators have in common: version 1, one output, no variadic inputs, a C++ class for their kernel.
namespace leno::ort {

inline CustomOp plain_op() {
  CustomOp op{};
  op.version = kApiVersion;
  op.get_output_type_count = [](const CustomOp*) -> size_t { return 1; };
  op.get_output_characteristic = [](const CustomOp*, size_t) { return kRequired; };
  op.get_variadic_input_min_arity = [](const CustomOp*) { return 0; };
  op.get_variadic_input_homogeneity = [](const CustomOp*) { return 0; };
  op.get_variadic_output_min_arity = [](const CustomOp*) { return 0; };
  op.get_variadic_output_homogeneity = [](const CustomOp*) { return 0; };
  op.get_start_version = [](const CustomOp*) { return 1; };
  op.get_end_version = [](const CustomOp*) { return 1; };
  return op;
}

// Kernel: made of (api, op, info), with compute(context), api(). An exception of either becomes a status.
template <class Op, class Kernel>
void use_kernel(Op& op) {
  op.create_kernel_v2 = [](const CustomOp* self, const Api* api, const KernelInfo* info, void** kernel) -> Status* {
    return guard(*api, [&] { *kernel = new Kernel(*api, *static_cast<const Op*>(self), info); });
  };
  op.kernel_compute_v2 = [](void* kernel, KernelContext* context) -> Status* {
    const auto* made = static_cast<const Kernel*>(kernel);
    return guard(made->api(), [&] { made->compute(context); });
  };
  op.kernel_destroy = [](void* kernel) { delete static_cast<Kernel*>(kernel); };
}

}  // namespace leno::ort
