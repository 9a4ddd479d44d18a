#ifndef SSM_RUNTIME_STATUS_H
#define SSM_RUNTIME_STATUS_H

#include "runtime/ssm.h"

namespace ssm {

/// Writes why something failed into the caller's error, if there is one, without allocating, and hands the status on.
[[gnu::format(printf, 3, 4)]] ssm_status fail(ssm_error *error, ssm_status status, const char *format, ...);

/// The same for success.
ssm_status succeed(ssm_error *error);

} // namespace ssm

#endif
