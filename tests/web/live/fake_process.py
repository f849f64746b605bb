"""Answers like those of the package's process, but for these answers: for tests of who asks it."""

import os
import sys
import time

from scumble.errors import SettingsError
from scumble.web.live import process


def echo(wanted):
    return {"wanted": wanted, "process": os.getpid()}


def refuse(wanted):
    raise SettingsError(f"size: got {wanted['size']}, wanted less")


def fail(wanted):
    return {"never": 1 / 0}


def die(wanted):
    os._exit(9)


def loud(wanted):
    print("not an answer")
    return {}


def slow(wanted):
    """Until it is not wanted any more, or the file is there."""
    while not os.path.exists(wanted["until"]):  # noqa: PTH110
        time.sleep(0.01)
        yield
    return {"done": wanted["number"]}


if __name__ == "__main__":
    sys.modules["fake_process"] = sys.modules["__main__"]
    process.ANSWERS = {name: f"fake_process:{name}" for name in ("echo", "refuse", "fail", "die", "loud", "slow")}
    process.ANSWERS["plan"] = "fake_process:slow"
    process.FIRST = process.LATER = "json"
    sys.exit(process.main(sys.argv[1:]))
