"""Many processes as one training: each takes its share of every batch, and the first one decides, writes and tells.

The others make the steps that the first one orders, and nothing else: none looks at a clock, a file of the run or a
signal, so that no two can come to different conclusions. Who starts them, torchrun or `launch`, tells each of its place
by the same variables. Gradients are averaged by torch's DistributedDataParallel, under Fabric.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy

from scumble.device import Placement
from scumble.errors import LostError, ScumbleError, SettingsError
from scumble.events import Event, Noted
from scumble.gan.chance import Share
from scumble.gan.losses import Loss

T = TypeVar("T")

DEFAULT_PORT = 29500
END, STEP, RESTORE = range(3)


class Place(NamedTuple):
    """A process among all, and among those on its machine."""

    rank: int
    size: int
    local_rank: int
    local_size: int

    @property
    def nodes(self) -> int:
        """How many machines there are, with as many processes each."""
        return self.size // self.local_size


ALONE = Place(0, 1, 0, 1)

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
"""What torchrun calls the fields of a place."""


def place() -> Place:
    """This process's place; the only one of all, unless whoever started it says otherwise.

    Raises:
        SettingsError: if machines have different numbers of processes.
    """
    if any(name not in os.environ for name in VARIABLES):
        return ALONE
    here = Place(*(int(os.environ[name]) for name in VARIABLES))
    if here.size % here.local_size:
        raise SettingsError(f"nodes: got {here.size} processes, {here.local_size} of them here; wanted equally many")
    return here


class Processes:
    """All processes of one training, as one of them sees them. With one alone, nothing here does anything.

    Raises:
        LostError: from all that it does, if another process is gone.
    """

    def __init__(self, here: Place):
        self.here = here
        self.is_first, self.is_many = here.rank == 0, here.size > 1
        self.share = Share(here.rank, here.size)
        self.others_wait = False
        if self.is_many and not dist.is_initialized():
            # Words go by gloo, between CPUs: by nccl, each would make the GPU wait.
            with _losses_told():
                dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")

    def close(self) -> None:
        """Take leave: the others end, unless they are in the middle of a step, which then fails."""
        if self.is_first and self.others_wait:
            with contextlib.suppress(LostError):
                self._order(END)
        if self.is_many and dist.is_initialized():
            dist.destroy_process_group()

    def fabric(self, placement: Placement) -> Fabric:
        """What puts networks on this process's device and, with several, averages their gradients."""
        precision = "bf16-mixed" if placement.dtype == torch.bfloat16 else "32-true"
        kind, index = placement.device.type, placement.device.index
        if not self.is_many:
            devices = [index] if kind == "cuda" and index is not None else 1
            return Fabric(accelerator=kind, devices=devices, precision=precision)
        # A kernel of one pixel lies in memory in two ways that are the same, and torch warns of the difference.
        warnings.filterwarnings("ignore", "Grad strides do not match bucket view strides")
        fabric = Fabric(
            accelerator=kind,
            devices=self.here.local_size,
            num_nodes=self.here.nodes,
            precision=precision,
            strategy=DDPStrategy(),
            plugins=[TorchElasticEnvironment()],
        )
        fabric.launch()
        return fabric

    def device(self, placement: Placement) -> Placement:
        """The same placement on this process's own device."""
        if not self.is_many or placement.device.type != "cuda":
            return placement
        torch.cuda.set_device(self.here.local_rank)
        return Placement(torch.device("cuda", self.here.local_rank), placement.dtype, placement.reason)

    def over_all(self, loss: Loss, fabric: Fabric) -> Loss:
        """A loss that compares each picture with the whole batch, given one share of it."""
        if not (self.is_many and loss.couples):
            return loss

        def whole(seen: torch.Tensor) -> torch.Tensor:
            with _losses_told():
                gathered = fabric.all_gather(seen, sync_grads=True)
            assert isinstance(gathered, torch.Tensor)
            return gathered.flatten(0, 1)

        return loss._replace(
            discriminator=lambda real, fake: loss.discriminator(whole(real), whole(fake)),
            generator=lambda real, fake: loss.generator(whole(real), whole(fake)),
        )

    def mean(self, figures: torch.Tensor) -> torch.Tensor:
        """(N,): of every process's (N,) figures, on whatever device."""
        if self.is_many:
            dist.all_reduce(figures)
            figures /= self.here.size
        return figures

    def told(self, value: T) -> T:
        """The first process's value."""
        if not self.is_many:
            return value
        values = [value]
        with _losses_told():
            dist.broadcast_object_list(values, device=torch.device("cpu"))
        return values[0]

    def gathered(self, value: T) -> list[T]:
        """The values of all, in order."""
        values: list[Any] = [value] * self.here.size
        if self.is_many:
            with _losses_told():
                dist.all_gather_object(values, value)
        return values

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Have the others make the step that the first process makes inside."""
        self._order(STEP)
        self.others_wait = False
        with _losses_told() if self.is_many else contextlib.nullcontext():
            yield
        self.others_wait = self.is_many

    def restore(self, state: Callable[[], Any]) -> None:
        """Have the others become what `state` returns."""
        if self.is_many:
            self._order(RESTORE)
            self.told(state())
            self.others_wait = True

    def follow(self, step: Callable[[], None], restore: Callable[[Any], None]) -> None:
        """Do as the first process says, until it says that this was all."""
        while (order := self._order(END)) != END:
            if order == STEP:
                with _losses_told():
                    step()
            else:
                restore(self.told(None))

    def _order(self, number: int) -> int:
        """The first process's order, which all ask for at once."""
        if not self.is_many:
            return number
        word = torch.tensor([number])
        with _losses_told():
            dist.broadcast(word, 0)
        return int(word)


@contextlib.contextmanager
def _losses_told() -> Iterator[None]:
    """Turn what torch says of a process that no longer answers into a LostError."""
    try:
        yield
    except RuntimeError as error:
        # gloo has no type of error of its own.
        if not isinstance(error, dist.DistError) and "gloo" not in str(error) and "peer" not in str(error):
            raise
        raise LostError(
            "another process of this training no longer answers", "the same command goes on from the last checkpoint"
        ) from error


# --- Starting them --------------------------------------------------------------------------------------------------


class _Worker(NamedTuple):
    rank: int
    process: BaseProcess
    connection: Connection


def launch(job: Callable[[], Generator[Event]], devices: int, nodes: int) -> Iterator[Event]:
    """Start a job in as many processes here as there are devices, and tell what the first of them tells.

    The job finds its place by `place`. Closing this has the first process close the job, and the others follow.

    Args:
        job: is sent to the processes: a function of a module, with its arguments.
        devices: how many processes to start.
        nodes: machines that do the same at the same time. With several, torch's variables say which one this is and
            where the first one is: NODE_RANK, MASTER_ADDR and MASTER_PORT.

    Yields:
        What the job yields on the first process.

    Raises:
        SettingsError: if the variables are missing.
        LostError: if a process was killed, or failed in a way that only a traceback can tell.
        ScumbleError: what the job raised.
    """
    node, address, port = _meeting_point(nodes)
    # Where processes leave their addresses for one another is kept by us, not by a worker: the port is free then.
    keep = dist.TCPStore  # pyright: ignore[reportPrivateImportUsage]
    store = keep(address, port, is_master=True, wait_for_workers=False) if node == 0 else None
    size = devices * nodes
    common = {"MASTER_ADDR": address, "MASTER_PORT": str(store.port if store else port)}
    common |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0"}
    threads = max(1, torch.get_num_threads() // devices)
    workers: list[_Worker] = []
    try:
        with _deaf():
            for local in range(devices):
                here = Place(node * devices + local, size, local, devices)
                variables = {name: str(value) for name, value in zip(VARIABLES, here, strict=True)}
                workers.append(_start(job, common | variables | {"GROUP_RANK": str(node)}, threads, here.rank))
        if node > 0:
            yield Noted(f"machine {node + 1} of {nodes}: the first one tells how it goes")
        yield from _events(workers, size)
    except (GeneratorExit, KeyboardInterrupt):
        if workers and workers[0].rank == 0:
            _ask_to_stop(workers[0])
        raise
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
            worker.connection.close()


def _meeting_point(nodes: int) -> tuple[int, str, int]:
    """Which machine this is, and the address and port of the first one; 0 for any port."""
    if nodes == 1:
        return 0, "127.0.0.1", 0
    names = ("NODE_RANK", "MASTER_ADDR")
    node, address = (os.environ.get(name, "") for name in names)
    port = os.environ.get("MASTER_PORT", str(DEFAULT_PORT))
    if not (node.isdecimal() and int(node) < nodes and address and port.isdecimal() and 0 < int(port) < 2**16):
        raise SettingsError(
            f"nodes: got {nodes}, NODE_RANK {node or 'unset'}, MASTER_ADDR {address or 'unset'}, MASTER_PORT {port}; "
            f"wanted NODE_RANK from 0 to {nodes - 1}, and the address and a free port of machine 0, on every machine"
        )
    return int(node), address, int(port)


def _start(job: Callable[[], Generator[Event]], variables: dict[str, str], threads: int, rank: int) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(job, variables, threads, theirs), daemon=True)
    process.start()
    theirs.close()  # the worker's own is then the only one, and closes with it
    return _Worker(rank, process, ours)


def _work(job: Callable[[], Generator[Event]], variables: dict[str, str], threads: int, connection: Connection) -> None:
    """What a process does from its start to its end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # whoever started us decides
    os.environ.update(variables)
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
        # All is saved and told. Torch's group of processes, which would be taken down now, may wait for ever for a
        # thread of its own that waits for Python's lock (seen in 2.13, where another machine had been lost).
        os._exit(0)
    except BrokenPipeError:
        pass


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


def _events(workers: list[_Worker], size: int) -> Iterator[Event]:
    at_work = {worker.connection: worker for worker in workers}
    lost: LostError | None = None
    while at_work:
        for connection in wait(list(at_work)):
            assert isinstance(connection, Connection)
            worker = at_work[connection]
            try:
                message = connection.recv()
            except (EOFError, ConnectionError):
                del at_work[connection]
                worker.process.join()
                if worker.process.exitcode:
                    raise LostError(
                        f"process {worker.rank + 1} of {size} {_how_it_ended(worker.process.exitcode)}",
                        "the same command goes on from the last checkpoint",
                    ) from None
                continue
            if isinstance(message, LostError):
                lost = message  # the process that is gone tells more than those that miss it
            elif isinstance(message, ScumbleError):
                raise message
            else:
                yield message
    if lost is not None:
        raise lost


def _how_it_ended(code: int) -> str:
    return f"was killed ({signal.Signals(-code).name})" if code < 0 else f"failed (exit code {code})"


def _ask_to_stop(first: _Worker) -> None:
    """Let it save what it has, and wait for its end."""
    with contextlib.suppress(OSError, EOFError):
        first.connection.send(None)
        while True:
            first.connection.recv()
