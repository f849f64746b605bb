"""The server's side of the process that answers at once: started when it is needed, ended when it is not.

A process that dies costs the answers that it owed, and nothing else: the next question starts another.
"""

import asyncio
import contextlib
import itertools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scumble import errors
from scumble.errors import ScumbleError

IDLE_SECONDS = 120.0
"""After so long without a question, the memory of the process is worth more than a quick answer."""
ANSWER_SECONDS = 120.0
"""A process that takes longer for an answer hangs, and is ended."""
MAX_ANSWER = 1 << 26
"""Bytes of a line: pictures are in it."""

DIED = "the process that answers has ended unexpectedly; it is started again, so ask once more"

PROCESS = (sys.executable, "-m", "scumble.web.live.process")


class SupersededError(ScumbleError):
    """The same client has asked for the same thing again, and waits for that."""


class _Running(NamedTuple):
    """A process, and the answers that it owes, by the numbers of the questions."""

    process: asyncio.subprocess.Process
    owed: dict[int, asyncio.Future[dict[str, Any]]]


class Live:
    """Asks the process; for one event loop.

    Args:
        home: the folder of everything that the page keeps.
        process: the command that is started with it.
    """

    def __init__(self, home: Path, process: Sequence[str] = PROCESS):
        self.home, self.command = home, process
        self._running: _Running | None = None
        self._starting = asyncio.Lock()
        self._newest: dict[tuple[str, str], asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def ask(self, name: str, wanted: dict[str, Any], client: str | None = None) -> dict[str, Any]:
        """Ask for something.

        Args:
            name: one of `process.ANSWERS`.
            wanted: what its function takes; plain data.
            client: who asks. Of the same name and client, only the newest question is answered.

        Raises:
            SupersededError: if this client has asked for the same again meanwhile.
            ScumbleError: if it cannot be answered.
        """
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        if client is not None:
            _settle(self._newest.get((name, client)), {"superseded": True})
            self._newest[name, client] = answer
        line = json.dumps({"id": number, "ask": name, "client": client, "wanted": wanted}) + "\n"
        try:
            process, owed = await self._begun()
            owed[number] = answer
            assert process.stdin is not None
            process.stdin.write(line.encode())
            with contextlib.suppress(ConnectionError):  # that it has died is told by its output's end
                await process.stdin.drain()
            found = await asyncio.wait_for(answer, ANSWER_SECONDS)
        except TimeoutError:
            self._end()
            raise ScumbleError("that took too long, and was given up; try a smaller size") from None
        finally:
            if client is not None and self._newest.get((name, client)) is answer:
                del self._newest[name, client]
        return _unpacked(found)

    def warm(self) -> None:
        """Start the process, for somebody will soon ask for something."""
        self._in_background(self._begun())

    async def stop(self) -> None:
        """End the process."""
        self._end()
        for task in list(self._tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _end(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            with contextlib.suppress(ProcessLookupError):
                running.process.kill()  # it has nothing to save

    async def _begun(self) -> _Running:
        """The process, which is started where there is none."""
        async with self._starting:
            if self._running is None:
                with (self.home / "live.txt").open("wb") as complaints:
                    process = await asyncio.create_subprocess_exec(
                        *self.command,
                        str(self.home),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=complaints,
                        limit=MAX_ANSWER,
                        start_new_session=True,
                    )
                self._running = _Running(process, {})
                self._in_background(self._listen(self._running))
            return self._running

    async def _listen(self, running: _Running) -> None:
        """Hand out answers, until there are no more questions for a while, or the process dies."""
        process, owed = running
        assert process.stdout is not None
        while True:
            try:
                line = await asyncio.wait_for(process.stdout.readline(), IDLE_SECONDS)
            except TimeoutError:
                if owed:
                    continue
                break
            except ValueError:  # a line of no end
                break
            if not line:
                break
            told = json.loads(line)
            _settle(owed.pop(told["id"], None), told)
        if self._running is running:
            self._end()
        await process.wait()
        for answer in owed.values():
            _settle(answer, {"error": DIED})

    def _in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _settle(answer: asyncio.Future[dict[str, Any]] | None, told: dict[str, Any]) -> None:
    """Give an answer to whoever waits for it, if anybody does."""
    if answer is not None and not answer.done():
        answer.set_result(told)


def _unpacked(told: dict[str, Any]) -> dict[str, Any]:
    """The answer itself.

    Raises:
        ScumbleError: of its own kind, where there is none.
    """
    if told.get("superseded"):
        raise SupersededError("another question of the same kind has taken this one's place")
    if "error" in told:
        kind = getattr(errors, told.get("kind") or "", ScumbleError)
        raise kind(told["error"])
    return told["answer"]
