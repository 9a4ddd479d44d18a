"""Peers that are Triton: their packages without what else these import, and their tuning in less time."""

import importlib
import importlib.util
import os
import sys
import types
from concurrent.futures import ThreadPoolExecutor

WARM_UP_MS, REPEAT_MS = 5, 20  # for a configuration; Triton's 25 and 100 take long where there are a hundred


def import_bare(folder, *packages):
    """Makes what is in `folder` importable, and these packages without what their own __init__.py would import: models, and
    extensions in C++ that are not built."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    for name in packages:
        if name in sys.modules:
            continue
        module = types.ModuleType(name)
        module.__path__ = [str(folder.joinpath(*name.split(".")))]
        module.__spec__ = importlib.util.spec_from_loader(name, loader=None, is_package=True)
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(importlib.import_module(parent), own, module)
        sys.modules[name] = module


def tune_in_parallel():
    """Lets Triton compile the configurations of a kernel on all cores at once, before it times them one after another
    as always."""
    from triton import AsyncCompileMode
    from triton.runtime import autotuner
    from triton.testing import do_bench
    choose = autotuner.Autotuner.prune_configs
    pool = ThreadPoolExecutor(len(os.sched_getaffinity(0)))

    def prune_configs(self, kwargs):
        configs = choose(self, kwargs)
        given = {**self.nargs, **kwargs}
        try:
            with AsyncCompileMode(pool, ignore_errors=True):
                for config in configs:
                    self.fn.run(**{**given, **config.all_kwargs(), "warmup": True})
        except Exception as error:  # what is not compiled by now is compiled when it is timed
            print(f"{self.base_fn.__name__}: compiled one by one: {error}", flush=True)
        if self._do_bench is None:
            self._do_bench = lambda call, quantiles: do_bench(call, warmup=WARM_UP_MS, rep=REPEAT_MS,
                                                              quantiles=quantiles)
        return configs

    autotuner.Autotuner.prune_configs = prune_configs
