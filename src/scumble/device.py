"""Which device does the work, and in which precision: chosen by what is there, with the reason in words.

Of the bottom layer, only this module and `scumble.threads` import torch.
"""

import contextlib
import ctypes
import functools
import os
import sys
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import psutil
import torch

from scumble.cores import allowed, usable
from scumble.errors import ScumbleError, SettingsError
from scumble.events import Event
from scumble.shared import shared, warnings_ignored
from scumble.threads import few_threads

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

# From malloc.h: blocks of at least M_MMAP_THRESHOLD (-3) bytes are the system's own; of what is free at the end of
# all others, M_TRIM_THRESHOLD (-1) bytes are kept. As much as can be, and as much as the library goes up to by itself.
_KEEP = {-3: 2**31 - 1, -1: 2**31 - 1}
_GIVE_BACK = {-3: 2**25, -1: 2**26}
_NO_HOLES = {-3: 2**20, -1: 2**20}


@dataclass(frozen=True)
class Placement:
    """Where a network runs and in what number format its convolutions are computed."""

    device: torch.device
    dtype: torch.dtype
    reason: str

    def compute(self, network: Callable[..., torch.Tensor], *inputs: torch.Tensor | None) -> torch.Tensor:
        """What a network makes of its inputs in this number format, as float32: losses are computed in that."""
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            return network(*inputs).float()


def choose(device: str = "auto", precision: str = "auto") -> Placement:
    """Find the fastest device and the fastest precision that does not show in the loss.

    bfloat16 halves the time of convolutions where the hardware multiplies it natively and is slower than float32 where
    it is emulated, so it is taken only in the first case. It keeps float32's range: unlike float16, it cannot overflow.

    Args:
        device: "auto", or torch's name of a device: "cpu", "cuda", "cuda:1", "mps".
        precision: "auto", "float32" or "bfloat16".

    Raises:
        SettingsError: if the device is unknown or not there, or has no such precision.
    """
    chosen = _device(device)
    if precision == "bfloat16" and not _computes_bfloat16(chosen):
        raise SettingsError(f"precision: got 'bfloat16', which this {_described(chosen)} lacks; wanted auto or float32")
    if precision != "auto":
        slow = precision == "bfloat16" and not _multiplies_bfloat16(chosen)
        dtype, why = PRECISIONS[precision], "as asked; slow here" if slow else "as asked"
    elif _multiplies_bfloat16(chosen):
        dtype, why = torch.bfloat16, "the hardware multiplies it natively"
    else:
        dtype, why = torch.float32, "no fast bfloat16 here"
    name = str(dtype).removeprefix("torch.")
    threads = f", {torch.get_num_threads()} threads" if chosen.type == "cpu" else ""
    return Placement(chosen, dtype, f"{_described(chosen)}{threads}; {name} convolutions ({why})")


def onednn_has_bfloat16() -> bool:
    """Whether the library that computes convolutions on CPUs has them in bfloat16, on this one: torch emulates others.

    It can be told to leave instructions alone that the processor has.
    """
    # The query has no public name yet; a torch without it is treated as a machine without bfloat16.
    return bool(getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", bool)())


def count(device: torch.device) -> int:
    """How many devices of this one's kind are here: GPUs, or the CPU's cores that this process may use."""
    if device.type == "cpu":
        return usable(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return torch.cuda.device_count() if device.type == "cuda" else 1


@shared
@contextlib.contextmanager
def full_float32() -> Iterator[None]:
    """Let float32 mean float32 in a GPU's convolutions and products, which torch may round to 10 bits (TF32).

    What the host program had chosen comes back.
    """
    name, exact = ("fp32_precision", "ieee") if hasattr(torch.backends.cudnn, "conv") else ("allow_tf32", False)
    switches = getattr(torch.backends.cudnn, "conv", torch.backends.cudnn), torch.backends.cuda.matmul
    before = [getattr(switch, name) for switch in switches]
    try:
        for switch in switches:
            setattr(switch, name, exact)
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            setattr(switch, name, value)


def in_full_float32(
    job: Callable[Arguments, Generator[Event, None, Result]],
) -> Callable[Arguments, Generator[Event, None, Result]]:
    """A job that computes in `full_float32`, by no more threads than there are cores, unlike its caller in between.

    A context that lasted for the whole generator would hold for the host program too, and two jobs in turn would each
    take the other's precision for the host's.
    """

    @functools.wraps(job)
    def working(*arguments: Arguments.args, **options: Arguments.kwargs) -> Generator[Event, None, Result]:
        events, cores = job(*arguments, **options), allowed()
        try:
            while True:
                with full_float32(), few_threads(cores):
                    try:
                        event = next(events)
                    except StopIteration as end:
                        return end.value
                yield event
        finally:
            with full_float32():
                events.close()

    return working


@contextlib.contextmanager
def memory_errors(hint: str) -> Iterator[None]:
    """Turn a failed allocation, on whatever device, into a ScumbleError with a hint."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_about_memory(error):
            raise
        raise ScumbleError("there is not enough memory for this job", hint) from error


@contextlib.contextmanager
def memory_kept(wanted: bool = True) -> Iterator[None]:
    """Let what is freed be used again, for as long as the work lasts, instead of going back to the system each time.

    By itself the C library asks the system for every large block anew, and the system fills it with zeros page by page:
    a sixth of the time of an evaluation. What is kept has holes, though: up to twice the memory is taken. Where the
    library is not GNU's, or jobs overlap, nothing is lost but time.
    """
    with _allocating(_KEEP if wanted else {}):
        yield


@contextlib.contextmanager
def memory_returned() -> Iterator[None]:
    """Give everything that is freed back to the system, for work that lasts and whose memory shall not grow.

    By itself the C library soon asks the system for large blocks only, and what it keeps of the others has ever more
    holes: 1,428 MiB after looking at 10,000 pictures, 812 after 2,500 (docs/log.md).
    """
    with _allocating(_NO_HOLES):
        yield


@contextlib.contextmanager
def _allocating(options: dict[int, int]) -> Iterator[None]:
    """With these options of the C library, if it is GNU's."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if not (options and hasattr(library, "malloc_trim")):
        yield
        return
    for option, value in options.items():
        library.mallopt(option, value)
    try:
        yield
    finally:
        for option, value in _GIVE_BACK.items():
            library.mallopt(option, value)
        library.malloc_trim(0)


def is_about_memory(error: BaseException) -> bool:
    """Whether an allocation failed."""
    # torch has a type of its own for the GPU's memory only; on the CPU, the message tells.
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or any(words in str(error) for words in ("can't allocate memory", "not enough memory"))


def used_bytes() -> int:
    """The memory that this process has, as it stands."""
    return psutil.Process().memory_info().rss


def free_bytes(device: torch.device) -> int:
    """The memory that could still be taken on a device, before anything is swapped out or refused."""
    if device.type == "cuda":
        cached = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + cached
    free = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError):  # a container's own limit, where there is one
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        free = min(free, limit - used)
    return max(0, free)


def _device(name: str) -> torch.device:
    available = ["cpu"]
    with warnings_ignored():  # where a driver is too old, torch tells the whole story
        if torch.cuda.is_available():
            available.insert(0, "cuda")
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if name == "auto":
        return torch.device(available[0])
    with contextlib.suppress(RuntimeError):
        device = torch.device(name)
        count = torch.cuda.device_count() if device.type == "cuda" else 1
        if device.type in available and (device.index or 0) < count:
            return device
    raise SettingsError(f"device: got {name!r}, wanted one that is here: auto, {', '.join(available)}")


def _described(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return {"cpu": "CPU", "mps": "Apple GPU"}[device.type]


def _multiplies_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        # torch computes bfloat16 on any AVX-512 machine, but only these two instruction sets make it fast.
        # The queries have no public name yet; a torch without them is treated as a machine without bfloat16.
        queries = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return onednn_has_bfloat16() and any(getattr(torch.cpu, query, bool)() for query in queries)
    return False


def _computes_bfloat16(device: torch.device) -> bool:
    """Whether a convolution in it succeeds: not on every GPU, and not with every system's library."""
    try:
        picture = torch.zeros(1, 1, 3, 3, dtype=torch.bfloat16, device=device)
        torch.nn.functional.conv2d(picture, picture)
    except (RuntimeError, TypeError):
        return False
    return True
