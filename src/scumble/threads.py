"""How many threads compute: fewer than could, where waiting for one another costs more than they help.

That is so for what is small, and the more so where others want the cores: each wait may then take a time slice
(docs/log.md).
"""

import contextlib
import ctypes
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import torch

Result = TypeVar("Result")


@contextlib.contextmanager
def few_threads(most: int | None) -> Iterator[None]:
    """Compute inside with so many threads at most, in this thread of the program alone; None for no limit.

    It takes some microseconds.
    """
    before = torch.get_num_threads()
    if most is None or most >= before:
        yield
        return
    for_openmp, for_mkl = _setters()
    for_openmp(most)
    mkl_before = for_mkl(most)
    try:
        yield
    finally:
        for_openmp(before)
        for_mkl(mkl_before)


def by_few_threads(steps: Iterator[Result], most: int) -> Iterator[Result]:
    """The steps, each found by so many threads at most; between two of them, the caller has its own number."""
    while True:
        with few_threads(most):
            try:
                step = next(steps)
            except StopIteration:
                return
        yield step


@functools.cache
def _setters() -> tuple[Callable[[int], object], Callable[[int], int]]:
    """What sets the numbers of OpenMP and of MKL for the calling thread.

    torch's own function does the same, but what it was last given is what threads begin with that begin later: for them
    it would stay. It has the word where these two cannot be found, or are those of another copy of the library.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        openmp = ctypes.CDLL(None)
        for_openmp, number_there = openmp.omp_set_num_threads, openmp.omp_get_max_threads()
        for_mkl = ctypes.CDLL(str(Path(torch.__file__).parent / "lib/libtorch_cpu.so")).MKL_Set_Num_Threads_Local
        before = torch.get_num_threads()
        for_openmp(before + 1)
        is_ours = torch.get_num_threads() == before + 1
        for_openmp(before if is_ours else number_there)
        if is_ours:
            return for_openmp, for_mkl
    return torch.set_num_threads, lambda number: number
