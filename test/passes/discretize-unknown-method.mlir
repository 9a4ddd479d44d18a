// RUN: ssm-opt %s --verify-diagnostics --ssm-discretize=method=rk4

// expected-error@+1 {{'ssm.recurrence' op has the unknown discretization 'rk4'; expected zoh, bilinear, euler or exp_euler}}
ssm.recurrence @unknown_method dims [time] scan time {
}
