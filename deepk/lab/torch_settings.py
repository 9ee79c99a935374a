"""The settings of torch that every measurement assumes, made without importing torch: not every experiment needs it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


def configure_torch(threads: int) -> None:
    """Puts torch into the state that every measurement assumes: at once, or when somebody imports it.

    One thread by default, since two processes with two threads each are slower than with one, and the order of a sum
    depends on the number of threads. Denormal numbers are flushed to zero: in the ordered phase gradients shrink
    through them, and on processors that handle them in microcode a step is then many times slower.
    """
    _ON_IMPORT.threads = threads
    if "torch" in sys.modules:
        _apply(sys.modules["torch"], threads)
    elif _ON_IMPORT not in sys.meta_path:
        sys.meta_path.insert(0, _ON_IMPORT)


def _apply(torch: Any, threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)


class _OnImport(MetaPathFinder):
    """Finds torch as Python would, and configures it as soon as it is loaded.

    To import torch only in order to configure it would cost an experiment of NumPy alone a second in each process.
    """

    threads = 1

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "torch":
            return None
        found = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_configure(module: ModuleType) -> None:
                load(module)
                _apply(module, self.threads)

            spec.loader.exec_module = load_and_configure  # type: ignore[method-assign]
        return spec


_ON_IMPORT = _OnImport()
