"""How many cores this process may use: not the host's number, but what is left of it by affinity and by containers.

Threads of one core take each other's arithmetic units, which convolutions fill; and a container whose time is used up
by many threads stops, all of them, until its next tenth of a second. Nothing is measured and nothing is changed here.
"""

import contextlib
import math
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from scumble.events import duration


def allowed() -> int | None:
    """How many threads may compute at once; None where that is not ours to say.

    Who sets `OMP_NUM_THREADS` has chosen. Systems other than Linux do not tell: there, torch chooses.
    """
    if os.environ.get("OMP_NUM_THREADS") or not hasattr(os, "sched_getaffinity"):
        return None
    return usable(os.sched_getaffinity(0))


def chosen() -> int | None:
    """How many threads shall compute: as `OMP_NUM_THREADS` says, or as many as are allowed; None if neither tells.

    Of several numbers, which are for threads within threads, the first one is that of the outermost.
    """
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else allowed()


def usable(cpus: Collection[int], root: Path = Path("/")) -> int:
    """The cores that are there for a process, at least one.

    A container's share of 1.5 processors counts as two: one thread would leave a third of it.

    Args:
        cpus: numbers of the logical processors that the process may run on.
        root: where the system's folders `sys` and `proc` are.
    """
    cores = {_siblings(number, root) for number in cpus}
    shares = [math.ceil(share) for share in _shares(root)]
    return max(1, min([len(cores), *shares]))


def _siblings(number: int, root: Path) -> str:
    """The logical processors of one core, this one among them; where the system does not tell, this one alone."""
    with contextlib.suppress(OSError):
        return (root / f"sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list").read_text().strip()
    return str(number)


def _shares(root: Path) -> Iterator[float]:
    """What control groups leave of the machine, in processors: that of the process, and all those around it."""
    with contextlib.suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            if names and "cpu" not in names.split(","):
                continue
            # Version 2 has no names, and stands below version 1 where a system has both.
            for mount in (names, "cpu") if names else ("", "unified"):
                top = root / "sys/fs/cgroup" / mount
                # In a container, the path may be the host's, of which nothing is seen but the top.
                inside = top / path.strip("/")
                groups = [group for group in (inside, *inside.parents) if group == top or top in group.parents]
                yield from filter(None, map(_share, groups))


def _share(group: Path) -> float | None:
    """The processors that a group may use at once; None for all."""
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (group / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
        quota, period = (int((group / f"cpu.cfs_{name}_us").read_text()) for name in ("quota", "period"))
        return quota / period if quota > 0 else None
    return None


def load() -> tuple[float, int] | tuple[None, None]:
    """How many processes wanted to compute in the last minute, ours among them, and on how many logical processors.

    (None, None) where the system does not tell.
    """
    with contextlib.suppress(AttributeError, OSError):
        return os.getloadavg()[0], os.cpu_count() or 1
    return None, None


def in_words(load: float | None, processors: int | None) -> str:
    """What a measurement of a moment is true of, from what `load` found then; nothing where the system did not tell."""
    return "" if load is None else f"at a load of {load:.1f} on {processors} cores"


def times_in_words(seconds: float, core_seconds: float | None) -> str:
    """What work takes by the clock, with the load that this was measured at, and of one core; None on a GPU."""
    if core_seconds is None:
        return f"about {duration(seconds)}"
    measured_at = in_words(*load())
    by_clock = f"about {duration(seconds)} {measured_at}".rstrip()
    return f"{by_clock}, {duration(core_seconds)} of one core"
