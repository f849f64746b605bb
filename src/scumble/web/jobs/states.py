"""How a job can stand, in words; and what can be wrong with what is asked of it."""

import dataclasses
import time
from dataclasses import dataclass
from typing import Any, Literal, get_args

from scumble.errors import ScumbleError

Name = Literal["queued", "running", "paused", "cancelled", "done", "failed"]
Request = Literal["pause", "cancel", "delete"]
REQUESTS: tuple[Request, ...] = get_args(Request)

MOST_ATTEMPTS = 5
"""After so many in which a worker died before it got any further than the one before, a job is given up."""

WAITING = "waits for its turn"
STOPPED = "was interrupted and goes on by itself"
PAUSED = "stopped for now; going on leads to the same result as without the stop"
CANCELLED = "stopped; what it had made by then is kept"
GIVEN_UP = (
    f"the process that worked on it ended {MOST_ATTEMPTS} times without getting any further, most likely for want of "
    "memory; try a smaller size, or go on when less else is running"
)


class MissingError(ScumbleError):
    """There is no such job."""


class StateError(ScumbleError):
    """A job that stands so that this cannot be done with it."""


@dataclass(frozen=True)
class State:
    """How a job stands.

    Attributes:
        state: its name.
        message: the same in words.
        since: when that began, in seconds of the epoch.
        attempts: how often a worker has taken it since it last got any further.
        order: jobs are taken in ascending order of it.
    """

    state: Name
    message: str
    since: float
    attempts: int
    order: float

    def become(self, state: Name, message: str, **others: Any) -> "State":
        """The state after this one."""
        return dataclasses.replace(self, state=state, message=message, since=round(time.time(), 3), **others)

    def stopped(self, request: Request) -> "State":
        """The state after what was asked for has been done."""
        return self.become("paused", PAUSED) if request == "pause" else self.become("cancelled", CANCELLED)
