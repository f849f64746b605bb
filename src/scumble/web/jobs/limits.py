"""What the jobs of a home may take, and what they do take."""

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scumble import paths
from scumble.errors import ScumbleError
from scumble.web.jobs.folder import JobFolder

NAME = "limits.json"
GIVEN = ("uploads", "data")
"""Folders of what people gave: pictures, and archives of them."""


class FullError(ScumbleError):
    """A limit is reached."""


@dataclass(frozen=True)
class Limits:
    """What the jobs of one home may take.

    Attributes:
        waiting: jobs that wait or run at once.
        disk_bytes: of all jobs and uploads together.
        free_bytes: that stay free on the disk.
    """

    waiting: int = 500
    disk_bytes: int = 50 * 10**9
    free_bytes: int = 10**9


def read(home: Path) -> Limits:
    """The limits of a home folder: the usual ones where nobody has set any."""
    try:
        return Limits(**json.loads((home / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return Limits()


def write(home: Path, limits: Limits) -> None:
    """Set the limits, from now on and for good.

    Raises:
        OSError: if they cannot be written.
    """
    paths.write_atomically(home / NAME, (json.dumps(asdict(limits), indent=2) + "\n").encode())


def disk(home: Path, jobs: Sequence[JobFolder]) -> dict[str, Any]:
    """What is taken, in bytes.

    Returns:
        "jobs" by their names, "uploads" of pictures that no job has and of archives, "total"; "free", and "limits".
    """
    seen: set[tuple[int, int]] = set()
    taken = {job.id: _bytes(job.path, seen) for job in jobs}
    uploads = sum(_bytes(home / name, seen) for name in GIVEN)
    total, free = sum(taken.values()) + uploads, shutil.disk_usage(home).free
    return {"jobs": taken, "uploads": uploads, "total": total, "free": free, "limits": asdict(read(home))}


def check(home: Path, jobs: Sequence[JobFolder], waiting: int) -> dict[str, Any]:
    """Refuse one job more, or one picture, where a limit is reached.

    Args:
        home: the folder of all.
        jobs: all that there are.
        waiting: how many of them wait or run.

    Returns:
        What `disk` does.

    Raises:
        FullError: with what to do about it.
    """
    limits = read(home)
    if waiting >= limits.waiting:
        raise FullError(f"{waiting:,} jobs are waiting, as many as may; wait for some of them, or cancel some")
    use = disk(home, jobs)
    if use["total"] >= limits.disk_bytes:
        taken = f"{_gigabytes(use['total'])}, and {_gigabytes(limits.disk_bytes)} is the limit"
        raise FullError(f"all jobs together take {taken}; delete some of them, or raise the limit")
    if use["free"] < limits.free_bytes:
        raise FullError(f"only {_gigabytes(use['free'])} are free on the disk; delete some jobs, or other files")
    return use


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _bytes(place: Path, seen: set[tuple[int, int]]) -> int:
    """What the files below a folder take; those that were seen already, under whatever name, take nothing more."""
    total = 0
    for folder, _, names in os.walk(place):
        for name in names:
            with contextlib.suppress(OSError):  # it is gone by now
                status = Path(folder, name).lstat()
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    total += status.st_size
    return total
