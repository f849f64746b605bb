"""What the processes of recipes/gpu.py do: each function is a generator of rows, in a process of its own.

They import torch when they begin, so that the time that this takes counts where somebody would wait for it.
"""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def machine() -> Iterator[Row]:
    """What figures depend on."""
    import torch

    from scumble import __version__, device

    placement = device.choose()
    facts = {"device": placement.reason, "torch": torch.__version__, "cuda": torch.version.cuda}
    facts |= {"python": platform.python_version(), "cores": os.cpu_count(), "scumble": __version__}
    if placement.device.type == "cuda":
        card = torch.cuda.get_device_properties(placement.device)
        facts |= {"card": card.name, "memory_bytes": card.total_memory, "cards": torch.cuda.device_count()}
        facts |= {"cudnn": torch.backends.cudnn.version(), "driver": _driver()}
    yield facts


def _driver() -> str | None:
    if (tool := shutil.which("nvidia-smi")) is None:
        return None
    command = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")[0]


def _peak() -> Row:
    """The most memory of the GPU that tensors took since this was last asked for; that of a CPU is not measured."""
    import torch

    if not torch.cuda.is_available():
        return {"peak_memory_bytes": None}
    peak = torch.cuda.max_memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    return {"peak_memory_bytes": peak}


PRECISIONS = {"float32": ("float32", "ieee"), "tf32": ("float32", "tf32"), "bfloat16": ("bfloat16", "ieee")}
"""The library's number format, and what the GPU makes of products in float32."""


def speeds(short: bool) -> Iterator[Row]:
    """Of every preset in every precision."""
    from scumble.errors import reason
    from scumble.gan.presets import PRESETS

    for preset in PRESETS:
        for precision in PRECISIONS:
            try:
                figures = steps(preset, precision, short)
            except Exception as error:
                figures = {"error": reason(error).partition("\n")[0]}
            yield {"preset": preset, "precision": precision} | figures | _peak()


def steps(preset: str, precision: str, short: bool) -> Row:
    """Images per second of a training's steps, on noise in ten classes; the first do not count."""
    import numpy as np
    import torch

    from scumble import GANSettings, device
    from scumble.data.dataset import Dataset
    from scumble.gan.tasks.games import GAMES

    number_format, products = PRECISIONS[precision]
    side, least_seconds, small = (16, 0.0, {"width": 4, "batch": 4}) if short else (64, 0.7, {})
    settings = GANSettings.model_validate({"preset": preset} | small)
    noise = np.random.default_rng(0).integers(0, 256, (400, 3, side, side), dtype=np.uint8)
    pictures = Dataset("noise", noise, np.arange(len(noise)) % 10, tuple("0123456789"), "")
    placement = device.choose("auto", number_format)
    convolutions: Any = torch.backends.cudnn
    for switch in (convolutions.conv, torch.backends.cuda.matmul):
        switch.fp32_precision = products
    trainer = GAMES[settings.task](settings, pictures, False, placement).trainer()

    def cycles(count: int) -> int:
        """Cycles of the generator's step and the discriminator's that belong to it; how many pictures they saw."""
        for _ in range(count * settings.critic_steps):
            trainer.train_step()
        trainer.take_figures()  # waits for the device
        return count * settings.critic_steps * settings.batch

    cycles(1 if short else 5)
    images, seconds, started = 0, 0.0, time.perf_counter()
    while seconds <= least_seconds:
        images += cycles(1 if short else 10)
        seconds = time.perf_counter() - started
    found = {"images_per_second": images / seconds, "finite": trainer.is_finite()}
    return found | {"batch": settings.batch, "side": side}


def paintings(preset: str, size: int, short: bool) -> Iterator[Row]:
    """Paint the same picture twice: cold, with the import of everything, and warm."""
    from scumble.data.synthetic import painting

    night, dusk = (painting(384, 288, seed) for seed in (0, 1))
    photograph, small = (
        night.resize((size, size * 3 // 4)),
        {"steps": 2, "coarse_steps": 1, "sketch": 0} if short else {},
    )
    for start in ("cold", "warm"):
        started = time.perf_counter()
        from scumble import StyleSettings, events, stylize_events

        settings = StyleSettings.model_validate({"preset": preset, "size": size} | small)
        [*_, last] = stylize_events(photograph, dusk, settings)
        assert isinstance(last, events.Finished)
        figures = {name: last.figures[name] for name in ("evaluations", "loss")}
        yield {"start": start, "seconds": time.perf_counter() - started} | figures | _peak()


EVALUATION_SECONDS = 60.0
"""What is kept back of a training's time: ten thousand pictures are drawn one at a time, and compared on the CPU."""
REPORT_SECONDS = 20.0


def training(data: str, folder: Path, work: Path, short: bool, seconds: float) -> Iterator[Row]:
    """Train the default preset, stop in time, keep the model in `folder`, and measure it."""
    from scumble import GAN, GANSettings, evaluate, train_events
    from scumble.events import Progress

    began = reported = time.monotonic()
    end = began + seconds - (0 if short else EVALUATION_SECONDS)
    small: Row = {"width": 4, "size": 16, "images": 256, "grids": 1} if short else {}
    run = work / ("short" if short else "run")
    with closing(train_events(data, run, GANSettings.model_validate(small), fresh=short)) as events:
        for event in events:
            now = time.monotonic()
            if isinstance(event, Progress) and event.job == "train" and now - reported > REPORT_SECONDS:
                reported = now
                yield {"what": "on the way", "images": event.done, "seconds": now - began} | event.terms
            if now > end:
                break
    model = GAN.from_pretrained(run)
    model.save_pretrained(folder)
    yield {"what": "trained", "images": model.facts.images_seen, "seconds": time.monotonic() - began} | _peak()
    found = evaluate(run, data, network="pocket", pictures=200 if short else 10_000)
    for figure in found.figures:
        counts = {"real": figure.real, "generated": figure.generated}
        yield {"what": figure.name, "value": figure.value, "margin": figure.margin} | counts
    yield {"what": "all", "seconds": time.monotonic() - began}
