# The lit suite: every .mlir, .ssm and .test file below dialect, passes, frontend, tools, e2e and project.
#
# Substitutions: %shared (the folder of reference data), %models (the library), %root (the source tree), %tools (the
# folder of this build's programs), %python, %browser (Chromium). ssm-opt, ssmc, ssm-launch, FileCheck and not are found by their names.
# %numpy_python is a Python with numpy. Features: `shared` (the reference data is there), `ptxas`, `nvdisasm`, `clang-format`, `browser`, `avx512`, `cuda-device`, `voice` (the
# recording that the speech example reads), `numpy`.
import os
import shutil
import subprocess
import sys

import lit.formats

config.name = "ssmc"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".ssm", ".test"]
config.excludes = ["Inputs", "unit", "fuzz", "stress", "support"]
config.test_source_root = os.path.join(config.ssm_source_dir, "test")
config.test_exec_root = os.path.join(config.ssm_binary_dir, "test")

# The tools come from this build, FileCheck and `not` from the LLVM that it was built with: put before all else.
path = [config.ssm_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")]
if config.ssm_ptxas and not config.ssm_ptxas.endswith("-NOTFOUND"):
    config.available_features.add("ptxas")
    path.insert(2, os.path.dirname(config.ssm_ptxas))
config.environment["PATH"] = os.pathsep.join(path)
if shutil.which("nvdisasm", path=config.environment["PATH"]):
    config.available_features.add("nvdisasm")
config.environment["FILECHECK_OPTS"] = "--enable-var-scope --allow-unused-prefixes=false"

# Kernels and caches found in the developer's home must not reach a test.
config.environment["HOME"] = config.test_exec_root
config.environment["PYTHONDONTWRITEBYTECODE"] = "1"
for variable in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "CUDA_VISIBLE_DEVICES"):
    if variable in os.environ:
        config.environment[variable] = os.environ[variable]

# Of the venv that scripts/test makes, or this one.
numpy_python = os.path.join(config.ssm_binary_dir, "venv", "bin", "python3")
if not os.path.exists(numpy_python):
    numpy_python = sys.executable
if subprocess.run([numpy_python, "-c", "import numpy"], stderr=subprocess.DEVNULL).returncode == 0:
    config.available_features.add("numpy")

config.substitutions += [
    ("%numpy_python", numpy_python),
    ("%shared", config.ssm_shared_dir),
    ("%models", os.path.join(config.ssm_source_dir, "models")),
    ("%root", config.ssm_source_dir),
    ("%tools", config.ssm_tools_dir),
    ("%python", sys.executable),
]

if os.path.isdir(os.path.join(config.ssm_shared_dir, "cases")):
    config.available_features.add("shared")
browser = shutil.which("chromium-headless-shell") or shutil.which("chromium")
if browser:
    config.available_features.add("browser")
    config.substitutions.append(("%browser", browser))
if shutil.which("clang-format-22"):
    config.available_features.add("clang-format")
if os.path.exists("/usr/share/sounds/alsa/Front_Center.wav"):
    config.available_features.add("voice")
if os.path.exists("/dev/nvidiactl"):
    config.available_features.add("cuda-device")
try:
    with open("/proc/cpuinfo") as cpuinfo:
        if "avx512f" in cpuinfo.read().split():
            config.available_features.add("avx512")
except OSError:
    pass
