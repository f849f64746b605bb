"""The process that answers at once: requests and answers are lines of JSON, on its standard input and output.

    python -m scumble.web.live.process HOME

{"id": 1, "ask": "preview", "client": "a", "wanted": {...}} is answered by {"id": 1, "answer": {...}}, by {"id": 1,
"error": "in words", "kind": "SettingsError"}, or by {"id": 1, "superseded": true} where the same client has asked for
the same thing again meanwhile. What an answer needs is imported when it is first asked for, and kept.
"""

import contextlib
import functools
import importlib
import json
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any

from scumble import jobs
from scumble.errors import ScumbleError, first_line

ANSWERS = {
    "preview": "scumble.web.live.preview:preview",
    "plan": "scumble.web.live.plan:plan",
    "samples": "scumble.web.gan.samples:samples",
    "walk": "scumble.web.gan.samples:walk",
    "film": "scumble.web.gan.samples:film",
    "choose": "scumble.web.gan.pictures:choose",
    "thumbnails": "scumble.web.gan.pictures:thumbnails",
}
"""Functions of what was wanted. One that takes long is a generator, which is given up where it yields."""

SLOW = frozenset({"plan", "film"})
"""What is answered beside the others, so that they need not wait for it."""
FIRST, LATER = "scumble.web.live.preview", "scumble.style.stylize"
"""Modules that the first page will want, imported before it asks: one at once, and one that takes seconds."""
LATER_SECONDS = 2.0
"""For the first preview to be painted before that."""

Request = dict[str, Any]


class Answering:
    """Answers requests in two lines, of slow ones and of others: one after another, the newest of each client.

    Args:
        write: takes an answer.
        answers: where the functions are, by what is asked for.
    """

    def __init__(self, write: Callable[[Request], None], answers: dict[str, str] | None = None):
        self.write, self.answers = write, ANSWERS if answers is None else answers
        self._waiting: dict[bool, queue.SimpleQueue[Request | None]] = {
            is_slow: queue.SimpleQueue() for is_slow in (False, True)
        }
        self._newest: dict[tuple[str, str], int] = {}
        self._writing, self._began = threading.Lock(), threading.Event()

    def read(self, lines: Iterable[str]) -> None:
        """Take requests until there are no more; in a thread of its own, so that a newer one is seen at once."""
        for line in lines:
            request = json.loads(line)
            if request.get("client") is not None:
                self._newest[request["ask"], request["client"]] = request["id"]
            self._waiting[request["ask"] in SLOW].put(request)
        for waiting in self._waiting.values():
            waiting.put(None)

    def answer_all(self, are_slow: bool = False) -> None:
        """Answer until there are no more requests of this line."""
        while (request := self._waiting[are_slow].get()) is not None:
            answer = self._answer(request)
            with self._writing:
                self.write({"id": request["id"]} | answer)
            self._began.set()

    def answer_slow(self) -> None:
        """The same for the slow ones, once a preview has had its time."""
        self._began.wait(LATER_SECONDS)
        _import(LATER)
        self.answer_all(are_slow=True)

    def _answer(self, request: Request) -> Request:
        is_stale = functools.partial(self._is_stale, request)
        if is_stale():
            return {"superseded": True}
        try:
            answer = jobs.load(self.answers[request["ask"]])(request["wanted"])
            if isinstance(answer, Generator):
                answer = _last_of(answer, is_stale)
        except ScumbleError as error:
            return {"error": str(error), "kind": type(error).__name__}
        except Exception as error:  # whatever it is, the next one shall be answered
            traceback.print_exc()
            return {"error": f"something went wrong that should not have: {first_line(error)}", "kind": "ScumbleError"}
        return {"superseded": True} if answer is None else {"answer": answer}

    def _is_stale(self, request: Request) -> bool:
        client = request.get("client")
        return client is not None and self._newest[request["ask"], client] != request["id"]


def _last_of(parts: Generator[Any, None, Request], is_stale: Callable[[], bool]) -> Request | None:
    """What a generator returns; None where that is not of interest any more."""
    try:
        while not is_stale():
            next(parts)
    except StopIteration as end:
        return end.value
    parts.close()
    return None


def main(arguments: Sequence[str]) -> int:
    """Answer until standard input ends: with the server, whatever becomes of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server
    os.environ["SCUMBLE_OFFLINE"] = "1"  # nobody who moves a slider waits for a download
    output = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer

    def write(answer: Request) -> None:
        output.write(json.dumps(answer) + "\n")
        output.flush()

    answering = Answering(write)
    for work in (lambda: _read(answering), answering.answer_slow):
        threading.Thread(target=work, daemon=True).start()
    _import(FIRST)
    answering.answer_all()
    return 0


def _import(module: str) -> None:
    """Import a module in advance; what is wrong with it will be told to who needs it."""
    with contextlib.suppress(Exception):
        importlib.import_module(module)


def _read(answering: Answering) -> None:
    try:
        answering.read(sys.stdin)
    finally:
        os._exit(0)  # nobody waits for an answer that may still be on its way


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
