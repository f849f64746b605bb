"""A worker like that of the package, whose jobs take no torch and a moment: for tests of what becomes of many.

    python quick_worker.py HOME DEVICE

A job counts to its number in a file of its own, one step after another, and goes on where it was; who has begun and
ended which job is written down beside the home.
"""

import signal
import sys
import time
from pathlib import Path

from PIL import Image

from scumble.events import Finished, Progress, Started
from scumble.web.jobs import kinds, worker


def begin(kind, settings, inputs, result, device):
    count = result / "count"
    done = int(count.read_text() or 0) if count.exists() else 0
    yield Started("count", settings["images"], "steps")
    while done < settings["images"]:
        time.sleep(0.01)
        done += 1
        kinds.paths.write_atomically(count, str(done).encode())
        yield Progress("count", done, settings["images"])
    with (result.parents[2] / "ended").open("a") as file:
        file.write(result.parent.name + "\n")
    yield Finished("count", [count], 0.0, Image.new("RGB", (8, 8)), {})


if __name__ == "__main__":
    kinds.begin = begin
    worker.warm_up = lambda: None
    worker.IDLE_SECONDS = 5
    if Path(sys.argv[1], "crashing").exists():
        signal.raise_signal(signal.SIGILL)
    if Path(sys.argv[1], "broken").exists():
        raise RuntimeError("broken, as wished")
    sys.exit(worker.main(sys.argv[1:]))
