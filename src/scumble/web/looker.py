"""The server's end of the process that looks at pictures: started when there is one, ended when there is none for a
while, and killed when a picture keeps it busy for too long."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scumble.errors import ImageError

COMMAND = (sys.executable, "-m", "scumble.web.look")
IDLE_SECONDS = 60.0
BUSY_SECONDS = 60.0
"""The largest picture that is let in takes some seconds."""
LONGEST_ANSWER = 1 << 20
PICTURE = "this picture"
"""What that process calls it, which does not know its name."""


class Looker:
    """Looks at one picture after the other; see `scumble.web.look`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._lock = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._warming: asyncio.Task[None] | None = None

    def warm(self) -> None:
        """Begin to load what reads pictures, while one is still arriving."""
        self._warming = asyncio.create_task(self._warm())

    async def look(self, file: Path, sides: Mapping[int, Path], max_pixels: int) -> dict[str, Any]:
        """What is told of a picture, whose copies are written.

        Raises:
            ImageError: if it is none, or cannot be used.
        """
        paths = {str(side): str(path) for side, path in sides.items()}
        request = json.dumps({"file": str(file), "sides": paths, "max_pixels": max_pixels})
        async with self._lock:
            answer = await self._asked(request)
        if "error" in answer:
            raise ImageError(answer["error"])
        return answer

    async def close(self) -> None:
        """End the process."""
        async with self._lock:
            await self._end()

    async def _warm(self) -> None:
        async with self._lock:
            await self._ready()

    async def _asked(self, request: str) -> dict[str, Any]:
        process = await self._ready()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(request.encode() + b"\n")
            line = await asyncio.wait_for(process.stdout.readline(), BUSY_SECONDS)
            return json.loads(line)
        except (OSError, ValueError, TimeoutError):  # it was killed, or has crashed
            await self._end()
            raise ImageError(f"{PICTURE} could not be read: it is damaged, or too much at once") from None
        except asyncio.CancelledError:  # who asked has gone; the answer would be taken for that to the next
            await self._end()
            raise

    async def _ready(self) -> asyncio.subprocess.Process:
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(BUSY_SECONDS + IDLE_SECONDS, lambda: loop.create_task(self.close()))
        if self._process is None or self._process.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, limit=LONGEST_ANSWER
            )
        return self._process

    async def _end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            process._transport.close()  # pyright: ignore[reportAttributeAccessIssue] # else its pipes wait for the end of the loop
