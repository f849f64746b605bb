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


class Shared(contextlib.ContextDecorator):
    """A block that any number of threads may be in, any number of times.

    It is entered for every picture that is read: a generator in its place would take as long as the smallest of them.
    """

    def __init__(self, change: Callable[[], AbstractContextManager[None]]):
        self.change, self.lock, self.inside = change, threading.Lock(), 0
        self.made: AbstractContextManager[None] | None = None

    def __enter__(self) -> None:
        with self.lock:
            if not self.inside:
                made = self.change()
                made.__enter__()
                self.made = made
            self.inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside and self.made is not None:
                self.made.__exit__(None, None, None)


def shared(change: Callable[[], AbstractContextManager[None]]) -> Callable[[], Shared]:
    """The change as a block that any number of threads may be in: the first makes it, and the last undoes it."""
    block = Shared(change)

    @functools.wraps(change)
    def the_block() -> Shared:
        return block

    return the_block


@shared
@contextlib.contextmanager
def warnings_ignored() -> Iterator[None]:
    """Keep libraries from warning of what we tell in our own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
