"""The CUDA driver and NVML through ctypes: what is needed to load kernels, to launch them on PyTorch's stream, and to read
clocks."""

import ctypes

from gpu.cases import Unavailable

MAX_DYNAMIC_SHARED = 8  # CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
SHARED, LOCAL, REGISTERS = 1, 3, 4  # CU_FUNC_ATTRIBUTE_: static shared bytes, local bytes, registers a thread
SM_CLOCK = 1  # NVML_CLOCK_SM


class Driver:
    """The CUDA driver. PyTorch has made its context current."""

    def __init__(self):
        try:
            self.cuda = ctypes.CDLL("libcuda.so.1")
        except OSError as error:
            raise Unavailable(f"no CUDA driver: {error}") from error

    def call(self, name, *arguments):
        status = getattr(self.cuda, name)(*arguments)
        if status:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorString(status, ctypes.byref(text))
            raise Unavailable(f"{name}: {(text.value or b'unknown error').decode()}")

    def load(self, code):
        """A module from a cubin, or from PTX, which the driver compiles."""
        module = ctypes.c_void_p()
        self.call("cuModuleLoadData", ctypes.byref(module), ctypes.c_char_p(code + b"\0"))
        return module

    def function(self, module, entry, shared=0):
        """A kernel that may be launched with `shared` bytes of dynamic shared memory."""
        function = ctypes.c_void_p()
        self.call("cuModuleGetFunction", ctypes.byref(function), module, entry.encode())
        if shared:
            self.call("cuFuncSetAttribute", function, MAX_DYNAMIC_SHARED, ctypes.c_int(shared))
        return function

    def attribute(self, function, which):
        value = ctypes.c_int()
        self.call("cuFuncGetAttribute", ctypes.byref(value), which, function)
        return value.value

    def resources(self, function, shared=0):
        return (f"{self.attribute(function, REGISTERS)} registers, {self.attribute(function, LOCAL)} bytes of local and "
                f"{self.attribute(function, SHARED) + shared} of shared memory")


class Launch:
    """A kernel with all that one call takes."""

    def __init__(self, driver, function, grid, block, shared, arguments):
        self.driver, self.function, self.grid, self.block, self.shared = driver, function, grid, block, shared
        self.buffers = [ctypes.create_string_buffer(argument, len(argument)) for argument in arguments]
        self.pointers = (ctypes.c_void_p * len(self.buffers))(*(ctypes.addressof(buffer) for buffer in self.buffers))

    def __call__(self, stream):
        x, y, z = (*self.grid, 1, 1)[:3]
        self.driver.call("cuLaunchKernel", self.function, x, y, z, self.block, 1, 1, self.shared,
                         ctypes.c_void_p(stream), self.pointers, None)


class Clock:
    """The clock of the GPU's multiprocessors, in MHz; nothing where NVML is not there."""

    def __init__(self, uuid):
        self.device = None
        try:
            self.nvml = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError:
            return
        device = ctypes.c_void_p()
        if self.nvml.nvmlInit_v2() == 0 and self.nvml.nvmlDeviceGetHandleByUUID(
                f"GPU-{uuid}".encode(), ctypes.byref(device)) == 0:
            self.device = device

    def read(self):
        return self.ask("nvmlDeviceGetClockInfo")

    def greatest(self):
        return self.ask("nvmlDeviceGetMaxClockInfo")

    def ask(self, name):
        value = ctypes.c_uint()
        if self.device is None or getattr(self.nvml, name)(self.device, SM_CLOCK, ctypes.byref(value)):
            return None
        return value.value

    def driver_version(self):
        text = ctypes.create_string_buffer(96)
        if self.device is None or self.nvml.nvmlSystemGetDriverVersion(text, len(text)):
            return "unknown"
        return text.value.decode()
