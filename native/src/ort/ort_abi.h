#pragma once

#include <cstddef>
#include <cstdint>

// The part of ONNX Runtime's C ABI that a custom operator needs, declared here because its header is in no Maven or
// Debian package. The ABI only ever grows: OrtApi is an array of function pointers whose order is fixed, and every
// release serves all older API versions. Slots as in onnxruntime_c_api.h of version 18 (ONNX Runtime 1.18).
namespace leno::ort {

constexpr uint32_t kApiVersion = 18;

struct Status;
struct SessionOptions;
struct CustomOpDomain;
struct KernelInfo;
struct KernelContext;
struct Value;
struct TensorInfo;

enum ErrorCode : int { kFail = 1, kInvalidArgument = 2, kNotImplemented = 9, kInvalidGraph = 10 };
enum ElementType : int { kFloat = 1, kUint8 = 2, kFloat16 = 10, kBfloat16 = 16 };
enum Characteristic : int { kRequired = 0, kOptional = 1 };

enum MemoryType : int { kOnHost = -2, kOnDevice = 0 };  // of an input of an execution provider that has a device

using Slot = void (*)();

// Calls slot `index` of the API as a function of this type.
struct Api {
  Slot slots[280];

  template <int index, class Function>
  Function get() const {
    static_assert(index >= 0 && index < 280);
    return reinterpret_cast<Function>(slots[index]);
  }

  Status* create_status(ErrorCode code, const char* message) const {
    return get<0, Status* (*)(ErrorCode, const char*)>()(code, message);
  }
  Status* create_custom_op_domain(const char* name, CustomOpDomain** out) const {
    return get<26, Status* (*)(const char*, CustomOpDomain**)>()(name, out);
  }
  Status* custom_op_domain_add(CustomOpDomain* domain, const struct CustomOp* op) const {
    return get<27, Status* (*)(CustomOpDomain*, const CustomOp*)>()(domain, op);
  }
  Status* add_custom_op_domain(SessionOptions* options, CustomOpDomain* domain) const {
    return get<28, Status* (*)(SessionOptions*, CustomOpDomain*)>()(options, domain);
  }
  Status* tensor_mutable_data(Value* value, void** out) const {
    return get<51, Status* (*)(Value*, void**)>()(value, out);
  }
  Status* element_type(const TensorInfo* info, ElementType* out) const {
    return get<60, Status* (*)(const TensorInfo*, ElementType*)>()(info, out);
  }
  Status* dimensions_count(const TensorInfo* info, size_t* out) const {
    return get<61, Status* (*)(const TensorInfo*, size_t*)>()(info, out);
  }
  Status* dimensions(const TensorInfo* info, int64_t* values, size_t count) const {
    return get<62, Status* (*)(const TensorInfo*, int64_t*, size_t)>()(info, values, count);
  }
  Status* tensor_info(const Value* value, TensorInfo** out) const {
    return get<65, Status* (*)(const Value*, TensorInfo**)>()(value, out);
  }
  Status* attribute_float(const KernelInfo* info, const char* name, float* out) const {
    return get<85, Status* (*)(const KernelInfo*, const char*, float*)>()(info, name, out);
  }
  Status* attribute_int(const KernelInfo* info, const char* name, int64_t* out) const {
    return get<86, Status* (*)(const KernelInfo*, const char*, int64_t*)>()(info, name, out);
  }
  Status* attribute_string(const KernelInfo* info, const char* name, char* out, size_t* size) const {
    return get<87, Status* (*)(const KernelInfo*, const char*, char*, size_t*)>()(info, name, out, size);
  }
  Status* input(const KernelContext* context, size_t index, const Value** out) const {
    return get<90, Status* (*)(const KernelContext*, size_t, const Value**)>()(context, index, out);
  }
  Status* output(KernelContext* context, size_t index, const int64_t* dims, size_t count, Value** out) const {
    return get<91, Status* (*)(KernelContext*, size_t, const int64_t*, size_t, Value**)>()(context, index, dims, count,
                                                                                           out);
  }
  void release_status(Status* status) const { get<93, void (*)(Status*)>()(status); }
  void release_tensor_info(TensorInfo* info) const { get<99, void (*)(TensorInfo*)>()(info); }
  void release_custom_op_domain(CustomOpDomain* domain) const { get<101, void (*)(CustomOpDomain*)>()(domain); }
  Status* attribute_floats(const KernelInfo* info, const char* name, float* out, size_t* size) const {
    return get<162, Status* (*)(const KernelInfo*, const char*, float*, size_t*)>()(info, name, out, size);
  }
  Status* attribute_ints(const KernelInfo* info, const char* name, int64_t* out, size_t* size) const {
    return get<163, Status* (*)(const KernelInfo*, const char*, int64_t*, size_t*)>()(info, name, out, size);
  }
  // The CUstream of the CUDA execution provider.
  Status* gpu_stream(const KernelContext* context, void** out) const {
    return get<193, Status* (*)(const KernelContext*, void**)>()(context, out);
  }
  Status* kernel_input_count(const KernelInfo* info, size_t* out) const {
    return get<230, Status* (*)(const KernelInfo*, size_t*)>()(info, out);
  }
  Status* kernel_input_name(const KernelInfo* info, size_t index, char* out, size_t* size) const {
    return get<232, Status* (*)(const KernelInfo*, size_t, char*, size_t*)>()(info, index, out, size);
  }
  Status* has_session_config(const SessionOptions* options, const char* key, int* out) const {
    return get<237, Status* (*)(const SessionOptions*, const char*, int*)>()(options, key, out);
  }
  Status* session_config(const SessionOptions* options, const char* key, char* value, size_t* size) const {
    return get<238, Status* (*)(const SessionOptions*, const char*, char*, size_t*)>()(options, key, value, size);
  }
  Status* constant_input(const KernelInfo* info, size_t index, int* is_constant, const Value** out) const {
    return get<249, Status* (*)(const KernelInfo*, size_t, int*, const Value**)>()(info, index, is_constant, out);
  }
};
static_assert(sizeof(Api) == 280 * sizeof(void*));

struct ApiBase {
  const Api* (*get_api)(uint32_t version);
  const char* (*get_version_string)();
};

// OrtCustomOp of API version 18. ONNX Runtime reads as much of it as `version` promises.
struct CustomOp {
  uint32_t version;
  void* (*create_kernel)(const CustomOp*, const Api*, const KernelInfo*);
  const char* (*get_name)(const CustomOp*);
  const char* (*get_execution_provider_type)(const CustomOp*);
  ElementType (*get_input_type)(const CustomOp*, size_t index);
  size_t (*get_input_type_count)(const CustomOp*);
  ElementType (*get_output_type)(const CustomOp*, size_t index);
  size_t (*get_output_type_count)(const CustomOp*);
  void (*kernel_compute)(void* kernel, KernelContext*);
  void (*kernel_destroy)(void* kernel);
  Characteristic (*get_input_characteristic)(const CustomOp*, size_t index);
  Characteristic (*get_output_characteristic)(const CustomOp*, size_t index);
  int (*get_input_memory_type)(const CustomOp*, size_t index);
  int (*get_variadic_input_min_arity)(const CustomOp*);
  int (*get_variadic_input_homogeneity)(const CustomOp*);
  int (*get_variadic_output_min_arity)(const CustomOp*);
  int (*get_variadic_output_homogeneity)(const CustomOp*);
  Status* (*create_kernel_v2)(const CustomOp*, const Api*, const KernelInfo*, void** kernel);
  Status* (*kernel_compute_v2)(void* kernel, KernelContext*);
  Status* (*infer_output_shape)(const CustomOp*, void* shape_context);
  int (*get_start_version)(const CustomOp*);
  int (*get_end_version)(const CustomOp*);
  size_t (*get_may_inplace)(int** inputs, int** outputs);
  void (*release_may_inplace)(int* inputs, int* outputs);
  size_t (*get_alias_map)(int** inputs, int** outputs);
  void (*release_alias_map)(int* inputs, int* outputs);
};

}  // namespace leno::ort
