// The one type of PyTorch's that the kernel computes with, converted as PyTorch converts it on a GPU from sm_80 on.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

namespace c10 {
struct alignas(2) BFloat16 {
  unsigned short x;
  BFloat16() = default;
  __device__ BFloat16(float value) : x(__bfloat16_as_ushort(__float2bfloat16(value))) {}
  __device__ operator float() const { return __bfloat162float(__ushort_as_bfloat16(x)); }
};
} // namespace c10

namespace at {
using c10::BFloat16;
}
