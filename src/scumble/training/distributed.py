"""Several processes as one training: each takes its share of every batch, and the first one decides, writes and tells.

The others make the steps that the first one orders, and nothing else: none looks at a clock, a file of the run or a
signal, so that no two can come to different conclusions. Whoever starts them tells each its rank by torchrun's
variables; gradients are averaged over all by `mean`, after the pass and before the move.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as differentiable

from scumble.device import Placement
from scumble.errors import LostError, SettingsError
from scumble.training.randomness import Share

T = TypeVar("T")

END, STEP, RESTORE = range(3)


class Rank(NamedTuple):
    """A process among all, and among those on its machine."""

    rank: int
    size: int
    local_rank: int
    local_size: int

    @property
    def nodes(self) -> int:
        """How many machines there are, with as many processes each."""
        return self.size // self.local_size


ALONE = Rank(0, 1, 0, 1)

VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
"""What torchrun calls the fields of a rank."""


def rank() -> Rank:
    """This process's rank; the only one of all, unless whoever started it says otherwise.

    Raises:
        SettingsError: if machines have different numbers of processes.
    """
    if any(name not in os.environ for name in VARIABLES):
        return ALONE
    here = Rank(*(int(os.environ[name]) for name in VARIABLES))
    if here.size % here.local_size:
        raise SettingsError(f"nodes: got {here.size} processes, {here.local_size} of them here; wanted equally many")
    return here


class Processes:
    """All processes of one training, as one of them sees them. With one alone, nothing here does anything.

    Raises:
        LostError: from all that it does, if another process is gone.
    """

    def __init__(self, here: Rank = ALONE):
        self.here = here
        self.is_first, self.is_many = here.rank == 0, here.size > 1
        self.share = Share(here.rank, here.size)
        self.others_wait = False
        if self.is_many and not dist.is_initialized():
            # Words go by gloo, between CPUs: by nccl, each would make the GPU wait.
            with _as_lost_error():
                dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")

    def close(self) -> None:
        """Take leave: the others end, unless they are in the middle of a step, which then fails."""
        if self.is_first and self.others_wait:
            with contextlib.suppress(LostError):
                self._order(END)
        if self.is_many and dist.is_initialized():
            dist.destroy_process_group()

    def to_device(self, placement: Placement) -> Placement:
        """The same placement on this process's own device."""
        if not self.is_many or placement.device.type != "cuda":
            return placement
        torch.cuda.set_device(self.here.local_rank)
        return Placement(torch.device("cuda", self.here.local_rank), placement.dtype, placement.reason)

    def mean(self, tensors: list[torch.Tensor]) -> None:
        """Replace tensors by their means over all processes: in one exchange for each number format."""
        if not self.is_many:
            return
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):  # in the same order everywhere
            same = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.flatten() for tensor in same])
            dist.all_reduce(flat)
            flat /= self.here.size
            for tensor, mean in zip(same, flat.split([tensor.numel() for tensor in same]), strict=True):
                tensor.copy_(mean.view(tensor.shape))

    def whole(self, rows: torch.Tensor) -> torch.Tensor:
        """The (N, ...) rows of the whole batch, in its order, from each process's own; differentiable.

        For losses that compare each picture with all others. Every process must come by, and with equally many rows.
        """
        if not self.is_many:
            return rows
        with _as_lost_error():
            return torch.cat(differentiable.all_gather(rows))

    def broadcast(self, value: T) -> T:
        """The first process's value."""
        if not self.is_many:
            return value
        values = [value]
        with _as_lost_error():
            dist.broadcast_object_list(values, device=torch.device("cpu"))
        return values[0]

    def gathered(self, value: T) -> list[T]:
        """The values of all, in order."""
        values: list[Any] = [value] * self.here.size
        if self.is_many:
            with _as_lost_error():
                dist.all_gather_object(values, value)
        return values

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Have the others make the step that the first process makes inside."""
        self._order(STEP)
        self.others_wait = False
        with _as_lost_error() if self.is_many else contextlib.nullcontext():
            yield
        self.others_wait = self.is_many

    def restore(self, state: Callable[[], Any]) -> None:
        """Have the others become what `state` returns."""
        if self.is_many:
            self._order(RESTORE)
            self.broadcast(state())
            self.others_wait = True

    def follow(self, step: Callable[[], None], restore: Callable[[Any], None]) -> None:
        """Do as the first process says, until it says that this was all."""
        while (order := self._order(END)) != END:
            if order == STEP:
                with _as_lost_error():
                    step()
            else:
                restore(self.broadcast(None))

    def _order(self, number: int) -> int:
        """The first process's order, which all ask for at once."""
        if not self.is_many:
            return number
        word = torch.tensor([number])
        with _as_lost_error():
            dist.broadcast(word, 0)
        return int(word)


@contextlib.contextmanager
def _as_lost_error() -> Iterator[None]:
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
