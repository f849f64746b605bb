"""Starting the processes of a training by torchrun's launcher, and hearing from the first of them what it tells.

Between us and the workers stands one process more, the agent: torchrun's launcher wants a main thread and signals of
its own. It watches the workers, and ends all if one is lost.
"""

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import NamedTuple

import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from scumble import cores, device
from scumble.errors import LostError, ScumbleError, SettingsError
from scumble.events import Event, Noted

DEFAULT_PORT = 29500
HINT = "the same command goes on from the last checkpoint"
GRACE_SECONDS = 5.0
ORPHAN_SECONDS = 30.0
"""What processes whose parent is gone have left to save what they have."""
REPORTED = 3
"""Exit code of a worker that has sent its error already."""
LINGER_SECONDS = 1.0
"""Before a worker ends that misses another one: the agent shall find the one that was killed, if it was here."""

Job = Callable[[], Generator[Event]]


class _Machines(NamedTuple):
    """Processes of each machine, how many machines there are, which one this is, and where the first one is."""

    devices: int
    nodes: int
    node: int
    endpoint: str

    @property
    def config(self) -> LaunchConfig:
        """The same in torchrun's words; without --node-rank it finds a free port by itself."""
        together = self.nodes > 1
        return LaunchConfig(
            min_nodes=self.nodes,
            max_nodes=self.nodes,
            nproc_per_node=self.devices,
            run_id="scumble",
            rdzv_backend="static" if together else "c10d",
            rdzv_endpoint=self.endpoint,
            rdzv_configs={"rank": self.node} if together else {},
            max_restarts=0,
            local_addr=None if together else "127.0.0.1",
            logs_specs=DefaultLogsSpecs(os.devnull),  # a folder that nobody removes, otherwise
        )


def check_devices(name: str, wanted: int) -> None:
    """Refuse a device of that name that there are not so many of on this machine.

    Raises:
        SettingsError: if there are fewer, or the name is that of one of them.
    """
    chosen = device.choose(name).device
    if wanted > 1 and chosen.index is not None:
        raise SettingsError(f"device: got {name} and {wanted} devices; wanted --device {chosen.type}")
    if wanted > (here := device.count(chosen)):
        kind = {"cpu": "cores", "cuda": "GPUs"}.get(chosen.type, "device")
        raise SettingsError(f"devices: got {wanted}, wanted {here} at most, the {kind} of this machine")


def launch(job: Job, devices: int, nodes: int) -> Iterator[Event]:
    """Start a job in as many processes here as there are devices, and yield what the first of them yields.

    The job finds its rank by `distributed.rank`. Closing this has the first process close the job; the others follow.

    Args:
        job: is sent to the processes: a function of a module, with its arguments.
        devices: how many processes to start.
        nodes: machines that do the same at the same time. With several, torch's variables say which one this is and
            where the first one is: NODE_RANK, MASTER_ADDR and MASTER_PORT.

    Raises:
        SettingsError: if the variables are missing.
        LostError: if a process was killed, or failed in a way that only a traceback can tell.
        ScumbleError: what the job raised.
    """
    machines = _Machines(devices, nodes, *_meeting_point(nodes))
    there = torch.get_num_threads()
    threads = max(1, min(there, cores.allowed() or there) // devices)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    agent = context.Process(target=_watch, args=(job, machines, threads, theirs))
    with _deaf():
        agent.start()
    theirs.close()  # the others' copies are then the only ones, and close with them
    try:
        if machines.node > 0:
            yield Noted(f"machine {machines.node + 1} of {nodes}: the first one tells how it goes")
        else:
            yield Noted(f"starting {devices} processes")
        yield from _events(ours)
    except (GeneratorExit, KeyboardInterrupt):
        if machines.node == 0:
            _ask_to_stop(ours)
        raise
    finally:
        ours.close()  # the first process sees it and comes to an end, if it has not
        agent.join(GRACE_SECONDS)
        _kill(agent)


def _meeting_point(nodes: int) -> tuple[int, str]:
    """Which machine this is, and the address and port of the first one."""
    if nodes == 1:
        return 0, "127.0.0.1:0"
    names = ("NODE_RANK", "MASTER_ADDR")
    node, address = (os.environ.get(name, "") for name in names)
    port = os.environ.get("MASTER_PORT", str(DEFAULT_PORT))
    if not (node.isdecimal() and int(node) < nodes and address and port.isdecimal() and 0 < int(port) < 2**16):
        raise SettingsError(
            f"nodes: got {nodes}, NODE_RANK {node or 'unset'}, MASTER_ADDR {address or 'unset'}, MASTER_PORT {port}; "
            f"wanted NODE_RANK from 0 to {nodes - 1}, and the address and a free port of machine 0, on every machine"
        )
    return int(node), f"{address}:{port}"


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Ignore Ctrl-C and SIGTERM, as do processes that are started meanwhile, from their first moment on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _events(connection: Connection) -> Iterator[Event]:
    """What the first process yields or raises; last comes what the agent says of how all ended: None if well."""
    raised: ScumbleError | None = None
    try:
        while (message := connection.recv()) is not None:
            if isinstance(message, ScumbleError):
                # A process that is gone, of which the agent speaks last, tells more than those that miss it.
                raised = message if raised is None or isinstance(raised, LostError) else raised
            else:
                yield message
    except (EOFError, OSError):  # the agent is gone, too
        raised = raised or LostError("the processes of this training are gone", HINT)
    if raised is not None:
        raise raised


def _ask_to_stop(connection: Connection) -> None:
    """Let the first process save what it has, and wait for the end of all."""
    with contextlib.suppress(OSError, EOFError):
        connection.send(None)
        while connection.recv() is not None:
            pass


def _kill(agent: BaseProcess) -> None:
    """End the agent and its workers, which are in its session, if they are still there."""
    if agent.pid is not None and hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(agent.pid, signal.SIGKILL)
    agent.kill()
    agent.join()


# --- In the agent, and in the workers -------------------------------------------------------------------------------


def _watch(job: Job, machines: _Machines, threads: int, connection: Connection) -> None:
    """What the agent does: start the workers, wait for them, and say how they ended."""
    if hasattr(os, "setsid"):
        os.setsid()  # what a terminal sends to all comes to us no more: whoever started us decides
    _end_with_parent()
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # the last word says it in one line
    ended: LostError | None = None
    try:
        elastic_launch(machines.config, _work)(job, threads, connection)
    except ChildFailedError as error:
        number, failure = error.get_first_failure()
        if failure.exitcode != REPORTED:
            size = machines.devices * machines.nodes
            ended = LostError(f"process {number + 1} of {size} {_how_it_ended(failure.exitcode)}", HINT)
    with contextlib.suppress(OSError):
        connection.send(ended)
        if ended is not None:
            connection.send(None)


def _how_it_ended(code: int) -> str:
    return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"failed (exit code {code})"


def _end_with_parent() -> None:
    """End with all workers, soon after whoever started us is gone; from a thread, as we may be waiting for ever."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        time.sleep(ORPHAN_SECONDS)
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _work(job: Job, threads: int, connection: Connection) -> None:
    """What a worker does from its start to its end."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, _interrupt_once)
    _end_with_parent()
    torch.set_num_threads(threads)
    try:
        with contextlib.closing(job()) as events:
            for event in events:
                connection.send(event)
                if connection.poll():  # asked to stop; or who would ask is gone
                    break
    except ScumbleError as error:
        with contextlib.suppress(OSError):
            connection.send(error)
        if isinstance(error, LostError):
            time.sleep(LINGER_SECONDS)
        # All is saved and told. Torch's group of processes, which would be taken down now, may wait for ever for a
        # thread of its own that waits for Python's lock (seen in 2.13, where another machine had been lost).
        os._exit(REPORTED)
    except BrokenPipeError:
        pass
    except Exception:
        traceback.print_exc()  # torch would keep it in a file
        raise
    # Torch now waits for the agent; without one, for nothing.
    signal.signal(signal.SIGINT, _interrupt_once)
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        os._exit(0)


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """Stop the job, which saves what it has. No terminal can send us this signal: it comes when the agent dies, and
    more than once, whereof the second must not stop the saving."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt
