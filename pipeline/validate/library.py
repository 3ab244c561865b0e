"""Middle floor. Great Expectations, imported when it is needed and without what it does not need.

Its import takes longer than all else of a small run, a third of it for packages that only serve
expectations nobody asks here: these are imported should one of them be used after all.
"""

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

_UNUSED = ("scipy.stats", "altair")  # of distributions that are compared; of their charts


class _Later(ModuleType):
    """A module in place of one that is imported once something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        _let_go(self)
        return getattr(import_module(self.__name__), name)


@cache
def library() -> Any:
    """Return Great Expectations; what is wrong with a file itself is told before that is imported.

    It sends nothing anywhere.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import
    with warnings.catch_warnings(), _later(*_UNUSED), _kept():
        # the library itself imports a module that Python deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations
    return great_expectations


@contextmanager
def _later(*names: str) -> Iterator[None]:
    """Let what is imported meanwhile import these only when it uses them; others do as ever."""
    found = [_Later(name) for name in names if name not in sys.modules]
    sys.modules.update({module.__name__: module for module in found})
    try:
        yield
    finally:
        for module in found:
            _let_go(module)


@contextmanager
def _kept() -> Iterator[None]:
    """Let the garbage collector never look through what is made meanwhile, nor what was before.

    All of it stays, and to look through it takes a tenth of the time of a small run.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def _let_go(module: ModuleType) -> None:
    if sys.modules.get(module.__name__) is module:
        del sys.modules[module.__name__]
