// The published forward kernel of mamba-ssm, for bf16 inputs and f32 weights, with z and with B and C that vary in time, at each
// tile that its launcher knows. Compiled to a cubin it has the kernels; as a program (without KERNELS) it prints how they
// are launched: where the fields of their argument are, and the shared memory of each tile.
#include "selective_scan_fwd_kernel.cuh"

template <int threads, int items, bool even>
using Tile = Selective_Scan_fwd_kernel_traits<threads, items, 1, even, true, true, true, at::BFloat16, float>;

#define FOR_EACH_TILE(DO) DO(32, 4) DO(32, 8) DO(32, 16) DO(64, 16) DO(128, 16)

#ifdef KERNELS
#define KERNEL(threads, items)                                                                                         \
  template __global__ void selective_scan_fwd_kernel<Tile<threads, items, true>>(SSMParamsBase);                       \
  template __global__ void selective_scan_fwd_kernel<Tile<threads, items, false>>(SSMParamsBase);
FOR_EACH_TILE(KERNEL)
#else
#include <cstddef>
#include <cstdio>

#define FIELDS(DO)                                                                                                     \
  DO(batch) DO(dim) DO(seqlen) DO(dstate) DO(n_groups) DO(n_chunks) DO(dim_ngroups_ratio)                              \
  DO(is_variable_B) DO(is_variable_C) DO(delta_softplus)                                                               \
  DO(A_d_stride) DO(A_dstate_stride)                                                                                   \
  DO(B_batch_stride) DO(B_d_stride) DO(B_dstate_stride) DO(B_group_stride)                                             \
  DO(C_batch_stride) DO(C_d_stride) DO(C_dstate_stride) DO(C_group_stride)                                             \
  DO(u_batch_stride) DO(u_d_stride) DO(delta_batch_stride) DO(delta_d_stride) DO(z_batch_stride) DO(z_d_stride)        \
  DO(out_batch_stride) DO(out_d_stride) DO(out_z_batch_stride) DO(out_z_d_stride)                                      \
  DO(A_ptr) DO(B_ptr) DO(C_ptr) DO(D_ptr) DO(u_ptr) DO(delta_ptr) DO(delta_bias_ptr) DO(out_ptr) DO(x_ptr)             \
  DO(z_ptr) DO(out_z_ptr)

int main() {
  std::printf("{\"bytes\": %zu, \"fields\": {", sizeof(SSMParamsBase));
  const char *separator = "";
#define FIELD(name)                                                                                                    \
  std::printf("%s\"" #name "\": [%zu, %zu]", separator, offsetof(SSMParamsBase, name), sizeof(SSMParamsBase::name));   \
  separator = ", ";
  FIELDS(FIELD)
  std::printf("}, \"tiles\": [");
  separator = "";
#define LAUNCH(threads, items)                                                                                         \
  std::printf("%s{\"threads\": %d, \"items\": %d, \"shared\": {\"true\": %zu, \"false\": %zu}}", separator, threads,   \
              items, Tile<threads, items, true>::kSmemSize + MAX_DSTATE * sizeof(float2),                              \
              Tile<threads, items, false>::kSmemSize + MAX_DSTATE * sizeof(float2));                                   \
  separator = ", ";
  FOR_EACH_TILE(LAUNCH)
  std::printf("]}\n");
}
#endif
