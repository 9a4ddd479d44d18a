/* Kernels from a bundle, on a GPU or the processor. Plain C; needs neither LLVM nor the CUDA toolkit, and finds the
 * driver by itself, where a GPU is asked for.
 *
 *   ssm_error error;
 *   ssm_bundle *bundle;
 *   if (ssm_open("model.ssmb", &bundle, &error)) return fail(error.message);
 *   const ssm_function *forward = ssm_find(bundle, "forward", 0);
 *   if (ssm_prepare(bundle, 0, &error)) return fail(error.message);
 *   int64_t sizes[] = {batch, group, member, state, time};      // as ssm_dim_name says
 *   size_t bytes;
 *   if (ssm_workspace(forward, sizes, &bytes, &error)) return fail(error.message);
 *   … allocate the workspace on the device, fill it with zeros once …
 *   ssm_call call = {sizes, tensors, NULL, workspace, bytes, 0, stream};
 *   if (ssm_launch(forward, &call, &error)) return fail(error.message);
 *
 * The processor is the device SSM_CPU: tensors and workspace are then in the program's own memory, there is no stream,
 * and ssm_launch returns when the results are there.
 *
 * All functions may be called from any thread; any number of calls may run on one bundle at once, each with tensors and
 * a workspace of its own. Only ssm_open, ssm_close, ssm_time and the two that prepare allocate, load code, start
 * threads or wait for a device: ssm_launch can be captured into a CUDA graph. What a failing function says stands in
 * the caller's ssm_error, which may be NULL everywhere. A bundle's code runs in the program that opens it: it has to
 * come from where programs may come from.
 */
#ifndef SSM_H
#define SSM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ssm_status {
  SSM_OK = 0,
  SSM_BAD_ARGUMENT = 1, /* sizes, tensors or a workspace that do not fit */
  SSM_BAD_BUNDLE = 2,   /* no bundle, a damaged one, one of a newer version */
  SSM_NO_CODE = 3,      /* the bundle has nothing for this device, or for tensors that lie so in memory */
  SSM_NO_DEVICE = 4,    /* no CUDA driver, or no such device */
  SSM_NOT_PREPARED = 5, /* the bundle has not been prepared for the device */
  SSM_NO_MEMORY = 6,
  SSM_DRIVER = 7 /* what the CUDA driver says */
} ssm_status;

/* The processor's number as a device. */
#define SSM_CPU (-1)

typedef struct ssm_error {
  ssm_status status;
  char message[1012];
} ssm_error;

/* A bundle in memory, with its code for each prepared device. */
typedef struct ssm_bundle ssm_bundle;
/* One mode at one choice of types; lives as long as its bundle. */
typedef struct ssm_function ssm_function;

typedef enum ssm_role {
  SSM_INPUT = 0,
  SSM_OUTPUT = 1,
  SSM_INITIAL_STATE = 2,
  SSM_FINAL_STATE = 3,
  SSM_ROWS = 4
} ssm_role;

typedef struct ssm_tensor_info {
  const char *name;
  const char *dtype; /* f32, bf16, complex<f32>, … */
  ssm_role role;
  int rank;
} ssm_tensor_info;

/* A tensor of a call. A state that is left out has no data. */
typedef struct ssm_tensor {
  void *data;             /* on the device, aligned to its elements (the parts of complex ones) */
  const int64_t *strides; /* in elements, one an axis */
} ssm_tensor;

typedef struct ssm_call {
  const int64_t *sizes;      /* one a dimension, in the function's order */
  const ssm_tensor *tensors; /* in the function's order */
  const double *parameters;  /* in the function's order; NULL for their defaults */
  void *workspace;       /* on the device, aligned to 256 bytes, zeroed before its first use, one function's alone */
  size_t workspace_size; /* at least what ssm_workspace says */
  int device;            /* ordinal, as for cuDeviceGet, or SSM_CPU */
  void *stream;          /* a CUstream of the device's primary context; NULL for the default stream, or on SSM_CPU */
} ssm_call;

/* Opens a bundle, a file or a folder, and checks all of it. */
ssm_status ssm_open(const char *path, ssm_bundle **bundle, ssm_error *error);
/* Unloads the code from all devices and ends its threads. No launch may be running. */
void ssm_close(ssm_bundle *bundle);

/* The function of that number (of those of the mode; any mode where it is NULL), or NULL. */
const ssm_function *ssm_find(const ssm_bundle *bundle, const char *mode, int number);
/* The first function of the mode with that choice of types, as ssm_dtype says it (any where it is NULL), or NULL. */
const ssm_function *ssm_find_dtype(const ssm_bundle *bundle, const char *mode, const char *dtype);
const char *ssm_mode(const ssm_function *function);
/* The choice of types, as ssmc's --dtype has it: f32, or bf16,delta=f32. */
const char *ssm_dtype(const ssm_function *function);

int ssm_dim_count(const ssm_function *function);
/* NULL past the end. */
const char *ssm_dim_name(const ssm_function *function, int dim);
/* The only size that is legal; -1 where any is, or where the dimension has the extent of another. */
int64_t ssm_dim_size(const ssm_function *function, int dim);

int ssm_tensor_count(const ssm_function *function);
ssm_status ssm_tensor_at(const ssm_function *function, int tensor, ssm_tensor_info *info, ssm_error *error);
/* Writes as many sizes as the tensor has axes. */
ssm_status ssm_tensor_shape(const ssm_function *function, int tensor, const int64_t *sizes, int64_t *shape,
                            ssm_error *error);

int ssm_parameter_count(const ssm_function *function);
/* NULL past the end. */
const char *ssm_parameter_name(const ssm_function *function, int parameter);

/* Loads the code for a device; does nothing where that is done. A GPU's is loaded into its primary context. On SSM_CPU
 * it is ssm_prepare_cpu with a thread a core. */
ssm_status ssm_prepare(ssm_bundle *bundle, int device, ssm_error *error);

/* Loads the code for the processor, and starts threads: `threads` in all run the tasks of one call, the calling one
 * among them; 0 is one a core. Does nothing where the bundle is prepared for SSM_CPU. */
ssm_status ssm_prepare_cpu(ssm_bundle *bundle, int threads, ssm_error *error);

/* Bytes of workspace that a launch with these sizes needs, or one with any smaller ones. */
ssm_status ssm_workspace(const ssm_function *function, const int64_t *sizes, size_t *bytes, ssm_error *error);

/* Enqueues a call on a GPU, or runs it on the processor. Nothing may be overlapped by an output or final state, but a
 * final state's array may be its initial state's where the bundle says so. */
ssm_status ssm_launch(const ssm_function *function, const ssm_call *call, ssm_error *error);

/* Makes a call `count` times, one after another, waits for them, and writes the milliseconds that each took: on a GPU
 * between events on the call's stream, on the processor by its clock. Unlike a launch it allocates, and no graph can
 * capture it. */
ssm_status ssm_time(const ssm_function *function, const ssm_call *call, int count, float *milliseconds,
                    ssm_error *error);

#ifdef __cplusplus
}
#endif

#endif
