"""Changes to what a whole program shares, such as its warning filters: threads that overlap make and undo them once.

A change that each thread makes and undoes by itself would stay for good: the second one takes the first one's for the
host program's own, and puts that back.
"""

import contextlib
import functools
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager


def shared(
    change: Callable[[], AbstractContextManager[None]],
) -> Callable[[], contextlib._GeneratorContextManager[None]]:
    """The change as a block that any number of threads may be in: the first makes it, and the last undoes it."""
    lock, made, inside = threading.Lock(), contextlib.ExitStack(), 0

    @functools.wraps(change)
    @contextlib.contextmanager
    def block() -> Iterator[None]:
        nonlocal inside
        with lock:
            if not inside:
                made.enter_context(change())
            inside += 1
        try:
            yield
        finally:
            with lock:
                inside -= 1
                if not inside:
                    made.close()

    return block


@shared
@contextlib.contextmanager
def warnings_ignored() -> Iterator[None]:
    """Keep libraries from warning of what we tell in our own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
