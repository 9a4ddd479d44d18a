"""Names that mamba-ssm's setup.py imports; with MAMBA_SKIP_CUDA_BUILD it uses none."""

BuildExtension = CppExtension = CUDAExtension = object
CUDA_HOME = HIP_HOME = None
