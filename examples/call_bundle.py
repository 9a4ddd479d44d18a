"""A bundle from Python with numpy, through the runtime's C interface (runtime/ssm.h) and ctypes.

    ssmc compile mingru --target cpu --emit bundle -o mingru.ssmb
    python3 examples/call_bundle.py libssm_runtime.so mingru.ssmb

Runs minGRU on inputs that it draws and compares with the recurrence written in numpy.
"""
import ctypes
import sys

import numpy

CPU = -1  # SSM_CPU


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1012)]


class Tensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("strides", ctypes.POINTER(ctypes.c_int64))]


class TensorInfo(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dtype", ctypes.c_char_p), ("role", ctypes.c_int), ("rank", ctypes.c_int)]


class Call(ctypes.Structure):
    _fields_ = [("sizes", ctypes.POINTER(ctypes.c_int64)), ("tensors", ctypes.POINTER(Tensor)),
                ("parameters", ctypes.POINTER(ctypes.c_double)), ("workspace", ctypes.c_void_p),
                ("workspace_size", ctypes.c_size_t), ("device", ctypes.c_int), ("stream", ctypes.c_void_p)]


ROLES = ["input", "output", "initial_state", "final_state"]


class Function:
    """One of a bundle's functions on the processor: arrays by name in, arrays by name out."""

    def __init__(self, library, path, mode="forward", threads=0):
        self.library = ctypes.CDLL(library)
        for name in ("ssm_find", "ssm_dim_name"):
            getattr(self.library, name).restype = ctypes.c_void_p if name == "ssm_find" else ctypes.c_char_p
        self.bundle = ctypes.c_void_p()
        self.check("ssm_open", path.encode(), ctypes.byref(self.bundle))
        self.check("ssm_prepare_cpu", self.bundle, threads)
        found = self.library.ssm_find(self.bundle, mode.encode(), 0)
        if not found:
            raise KeyError(mode)
        self.function = ctypes.c_void_p(found)
        self.dims = [self.library.ssm_dim_name(self.function, dim).decode()
                     for dim in range(self.library.ssm_dim_count(self.function))]
        self.tensors = []
        for number in range(self.library.ssm_tensor_count(self.function)):
            info = TensorInfo()
            self.check("ssm_tensor_at", self.function, number, ctypes.byref(info))
            self.tensors.append((info.name.decode(), ROLES[info.role], info.rank))

    def check(self, name, *arguments):
        error = Error()
        if getattr(self.library, name)(*arguments, ctypes.byref(error)):
            raise RuntimeError(error.message.decode())

    def __call__(self, sizes, inputs):
        """Runs on float32 inputs; gives the outputs, and final states as `state.NAME`."""
        sizes = (ctypes.c_int64 * len(self.dims))(*[sizes[dim] for dim in self.dims])
        arrays, given = [], (Tensor * len(self.tensors))()
        for number, (name, role, rank) in enumerate(self.tensors):
            shape = (ctypes.c_int64 * rank)()
            self.check("ssm_tensor_shape", self.function, number, sizes, shape)
            if role == "input":
                array = inputs[name]
                if array.shape != tuple(shape) or array.dtype != numpy.float32:
                    raise ValueError(f"{name}: expected float32 {tuple(shape)}, found {array.dtype} {array.shape}")
            elif role == "initial_state":
                arrays.append(None)  # left out: its initial value
                continue
            else:
                array = numpy.zeros(shape, numpy.float32)
            arrays.append(array)
            given[number].data = array.ctypes.data
            given[number].strides = (ctypes.c_int64 * rank)(*[stride // array.itemsize for stride in array.strides])
        needed = ctypes.c_size_t()
        self.check("ssm_workspace", self.function, sizes, ctypes.byref(needed))
        memory = numpy.zeros(needed.value + 256, numpy.uint8)
        workspace = (memory.ctypes.data + 255) // 256 * 256
        call = Call(sizes, given, None, workspace, needed.value, CPU, None)
        self.check("ssm_launch", self.function, ctypes.byref(call))
        took = (ctypes.c_float * 9)()
        self.check("ssm_time", self.function, ctypes.byref(call), len(took), took)
        self.milliseconds = sorted(took)[len(took) // 2]
        return {("state." if role == "final_state" else "") + name: array
                for (name, role, _), array in zip(self.tensors, arrays) if role in ("output", "final_state")}


def main():
    library, path = sys.argv[1:]
    batch, time, channel = 3, 70, 20
    random = numpy.random.default_rng(1)
    # A view with strides of its own: every second channel of a larger array.
    candidate = random.standard_normal((batch, time, 2 * channel), numpy.float32)[:, :, ::2]
    gate = random.standard_normal((batch, time, channel), numpy.float32)
    function = Function(library, path)
    results = function({"batch": batch, "time": time, "channel": channel}, {"x": candidate, "z": gate})

    h, expected = numpy.zeros((batch, channel)), []
    for step in range(time):
        z = 1 / (1 + numpy.exp(-gate[:, step].astype(float)))
        value = candidate[:, step].astype(float)
        h = (1 - z) * h + z * numpy.where(value >= 0, value + 0.5, 1 / (1 + numpy.exp(-value)))
        expected.append(h)
    error = numpy.abs(results["y"] - numpy.stack(expected, 1)).max()
    print(f"{time} steps in {function.milliseconds:.3f} ms: off by {error:.1e}; the final state by {numpy.abs(results['state.h'] - h).max():.1e}")
    return 0 if error < 2e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
