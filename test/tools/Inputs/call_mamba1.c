/* Calls a bundle of mamba1 that was compiled without z, and prints what comes of it where nothing is prepared. */
#include "mamba1.h"

#include <stdio.h>

int main(int argc, char **argv) {
  ssm_error error;
  ssm_bundle *bundle;
  if (argc != 2 || ssm_open(argv[1], &bundle, &error)) {
    fprintf(stderr, "%s\n", argc == 2 ? error.message : "a bundle is needed");
    return 1;
  }
  mamba1_forward_call call = mamba1_forward_defaults();
  call.sizes.batch = 2;
  call.sizes.group = 1;
  call.sizes.member = 8;
  call.sizes.time = 100;
  size_t bytes = 1;
  if (mamba1_forward_workspace(bundle, &call, &bytes, &error))
    printf("%s\n", error.message);
  printf("%zu bytes of workspace\n", bytes);

  float u[1600];
  const int64_t strides[] = {800, 100, 1};
  call.in.u.data = u;
  call.in.u.strides = strides;
  call.out.y = call.in.u;
  call.sizes.state = 17;
  if (mamba1_forward_workspace(bundle, &call, &bytes, &error))
    printf("%s\n", error.message);
  call.sizes.state = 16;
  if (mamba1_forward(bundle, &call, &error) == SSM_NOT_PREPARED)
    printf("%s\n", error.message);
  printf("there is no mode to find: %d\n", ssm_find(bundle, "backward", 0) == 0);
  ssm_close(bundle);
  return 0;
}
