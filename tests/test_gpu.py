"""What only a GPU can show: that it comes to what the CPU comes to, its short numbers, its memory.

Without one all of this is skipped, but for the test of how agreement is measured. recipes/gpu.sh runs these tests
first, and measures speed and memory then.
"""

import contextlib
import itertools
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from conftest import photograph, run
from scumble import GAN, GANSettings, ScumbleError, SettingsError, StyleSettings, device, stylize_events, train_events
from scumble.data.dataset import Dataset
from scumble.events import Finished, Noted, Progress, Warned
from scumble.gan.presets import PRESETS
from scumble.gan.tasks.games import GAMES
from scumble.storage import checkpoint
from scumble.training.trainer import Trainer

GPU = "cuda"

pytestmark = [
    pytest.mark.gpu,
    # Where torch has no deterministic way it says so, and takes the other one.
    pytest.mark.filterwarnings("ignore:.*deterministic"),
]


def choices() -> list[str]:
    """What the host program has chosen for float32, convolutions and products: "tf32", "ieee" or "none" (nothing)."""
    return [switch.fp32_precision for switch in (torch.backends.cudnn.conv, torch.backends.cuda.matmul)]


def choose(*precisions: str) -> None:
    for switch, value in zip((torch.backends.cudnn.conv, torch.backends.cuda.matmul), precisions, strict=True):
        switch.fp32_precision = value


@contextlib.contextmanager
def products_in(precision: str) -> Iterator[None]:
    """The host program's choice, for a while."""
    before = choices()
    choose(precision, precision)
    yield
    choose(*before)


@pytest.fixture
def gpu(monkeypatch) -> Iterator[torch.device]:
    """A GPU that computes in float32 where this is said, and the same each time."""
    if not torch.cuda.is_available():
        pytest.skip("needs a GPU: torch sees none")
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it, its products are not the same each time
    torch.use_deterministic_algorithms(True, warn_only=True)
    with products_in("ieee"):
        yield torch.device(GPU)
    torch.use_deterministic_algorithms(False)
    torch.cuda.empty_cache()


@pytest.fixture
def little_memory(gpu) -> Iterator[None]:
    """As on a GPU that has 64 MiB."""
    torch.cuda.set_per_process_memory_fraction(2**26 / torch.cuda.get_device_properties(gpu).total_memory)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.fixture
def noise(tmp_path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", x=pixels)
    return tmp_path / "noise.npz"


# --- Training -------------------------------------------------------------------------------------------------------


def trainer(preset: str, device_name: str, precision: str = "float32") -> Trainer:
    """Small, on pictures of noise in three classes.

    Adam divides gradients by their size and makes whole steps of what is only rounding. With an epsilon above that,
    the way that weights have come tells how well two devices agree.
    """
    settings = GANSettings.model_validate({"preset": preset, "width": 8, "latent": 16, "batch": 16, "labelled": 4})
    pixels = np.random.default_rng(0).integers(0, 256, (96, 3, 32, 32), dtype=np.uint8)
    pictures = Dataset("noise", pixels, np.arange(96) % 3, ("a", "b", "c"), "")
    made = GAMES[settings.task](settings, pictures, True, device.choose(device_name, precision)).trainer()
    for optimizer in made.optimizers.values():
        for group in optimizer.param_groups:
            group["eps"] = 1e-2
    return made


class Way(NamedTuple):
    """What some steps came to: figures by update and name, and (P,) weights in float64, before and after."""

    figures: dict[tuple[str, str], float]
    before: torch.Tensor
    after: torch.Tensor


def weights(trained: Trainer) -> torch.Tensor:
    networks = trained.task.modules.values()
    return torch.cat([p.detach().flatten().double().cpu() for network in networks for p in network.parameters()])


def way(trained: Trainer, steps: int = 3) -> Way:
    """So many steps of the generator, each after all of its critic's."""
    before, generate = weights(trained), trained.task.updates[-1]
    while steps:
        steps -= generate.due(trained.step)
        trained.train_step()
    figures = {(u, name): value for u, found in trained.take_figures().items() for name, value in found.items()}
    return Way(figures, before, weights(trained))


def differ(one: Way, other: Way) -> bool:
    """Whether two ways are apart by more than rounding.

    Two ways of computing on the CPU are apart by 4e-6 in figures and by 0.7% of the way of the weights, at most and
    over all presets; most of it from ReLUs whose input is nearly 0. In bfloat16, it is 5% or more for the default.
    """
    assert one.figures.keys() == other.figures.keys()
    apart = [abs(value - other.figures[name]) / max(1, abs(value)) for name, value in one.figures.items()]
    assert torch.equal(one.before, other.before)
    moved = (one.after - one.before).norm()
    return max(apart) > 1e-4 or bool((one.after - other.after).norm() > 0.03 * moved)


@pytest.mark.filterwarnings("ignore:TF32 acceleration on top of oneDNN")
def test_agreement_allows_rounding_and_refuses_shorter_numbers(one_thread):
    usual = way(trainer("sndcgan", "cpu"))
    with torch.backends.mkldnn.flags(enabled=False):
        assert not differ(usual, way(trainer("sndcgan", "cpu")))
    assert differ(usual, way(trainer("sndcgan", "cpu", "bfloat16")))
    assert differ(usual, way(trainer("sndcgan", "cpu"), steps=2))


@pytest.mark.parametrize("preset", PRESETS)
def test_steps_of_every_preset_are_those_of_the_cpu(gpu, preset):
    assert not differ(way(trainer(preset, "cpu")), way(trainer(preset, GPU)))


@pytest.mark.parametrize("preset", PRESETS)
def test_steps_in_bfloat16_are_finite_and_near_those_in_float32(gpu, preset):
    exact, short = (way(trainer(preset, GPU, precision)) for precision in ("float32", "bfloat16"))
    assert short.after.isfinite().all()
    for name, value in exact.figures.items():
        assert short.figures[name] == pytest.approx(value, rel=0.2, abs=0.2)


@pytest.mark.parametrize("preset", ["sndcgan", "wgan"])  # Adam and RMSprop
@pytest.mark.parametrize("devices", [("cpu", GPU), (GPU, "cpu")])
def test_a_checkpoint_of_one_device_goes_on_on_the_other(gpu, tmp_path, preset, devices):
    one, other = (trainer(preset, name) for name in devices)
    before = way(one, 2).before
    checkpoint.write(tmp_path, one.images_seen, one.state())
    other, complaints = checkpoint.newest(tmp_path, other.restored)
    assert complaints == []
    assert torch.equal(weights(one), weights(other))
    whole = trainer(preset, devices[0])
    way(whole, 2)
    figures, _, after = way(whole, 1)
    assert not differ(Way(figures, before, after), way(other, 1)._replace(before=before))


@pytest.mark.parametrize("devices", [("cpu", GPU), (GPU, "cpu")])
def test_a_run_that_was_begun_on_one_device_is_finished_on_the_other(gpu, noise, tmp_path, devices):
    values = {"width": 4, "latent": 8, "batch": 8, "images": 8 * 40, "precision": "float32"}
    settings = [GANSettings(device=name, **values) for name in devices]
    with closing(train_events(noise, tmp_path / "run", settings[0])) as events:
        for event in events:
            if isinstance(event, Progress) and event.job == "train" and event.done > 0:
                break
    [*before, last] = train_events(noise, tmp_path / "run", settings[1])
    assert isinstance(last, Finished)
    assert last.figures["images"] == 8 * 40
    assert any(isinstance(event, Noted) and event.message.startswith("continuing") for event in before)
    assert not [event for event in before if isinstance(event, Warned) and "checkpoint" in event.message]


@pytest.mark.parametrize("preset", ["dcgan", "sngan"])
def test_a_seeds_picture_is_that_of_the_cpu_but_for_rounding(gpu, noise, tmp_path, preset):
    values = {"width": 8, "latent": 16, "batch": 8, "images": 8 * 20, "device": "cpu"}
    list(train_events(noise, tmp_path / "run", GANSettings.model_validate({"preset": preset} | values)))
    one, other = (GAN.from_pretrained(tmp_path / "run", name).sample_array(range(16)) for name in ("cpu", GPU))
    assert one.std() > 1
    assert np.abs(one.astype(int) - other).max() <= 1


def test_two_gpus_train_as_one(gpu, loopback, noise, tmp_path):
    if torch.cuda.device_count() < 2:
        pytest.skip("needs two GPUs: torch sees one")
    values = {"width": 4, "latent": 8, "batch": 8, "images": 8 * 20, "device": GPU, "precision": "float32"}
    found = []
    for count in (1, 2):
        folder = tmp_path / str(count)
        [*_, last] = train_events(noise, folder, GANSettings(devices=count, **values))
        assert isinstance(last, Finished)
        found.append(last.figures["loss_d"])
    assert found[1] == pytest.approx(found[0], rel=1e-2)


def test_more_gpus_than_there_are_is_a_setting_out_of_range(gpu, noise, tmp_path):
    wanted = torch.cuda.device_count() + 1
    settings = GANSettings(devices=wanted, batch=8 * wanted, device=GPU)
    with pytest.raises(SettingsError, match=f"devices: got {wanted}, wanted {wanted - 1} at most, the GPUs"):
        list(train_events(noise, tmp_path / "run", settings))


# --- Painting -------------------------------------------------------------------------------------------------------


def painted(device_name: str, precision: str = "float32", **given) -> tuple[list[float], np.ndarray]:
    """The loss of each evaluation, and the picture, of a painting of some steps by the small network."""
    values = {"size": 128, "steps": 6, "scales": 1, "precision": precision, "device": device_name} | given
    pictures = photograph(128, 96), photograph(110, 120, seed=1)
    events = list(stylize_events(*pictures, StyleSettings.model_validate(values)))
    losses = [event.loss for event in events if isinstance(event, Progress) and event.loss is not None]
    assert isinstance(events[-1], Finished)
    return losses, np.asarray(events[-1].picture).astype(int)


# Two ways of computing on the CPU are apart by 1e-4 at most; in bfloat16, it is 2e-3 or more.
@pytest.mark.parametrize(
    ("loss", "optimizer"),
    [("wasserstein", "adam")]
    + [(loss, "lbfgs") for loss in ("gram", "covariance", "mean-std", "wasserstein", "histogram")],
)
def test_a_painting_is_that_of_the_cpu_but_for_rounding(gpu, loss, optimizer):
    (losses, one), (others, other) = (painted(name, loss=loss, optimizer=optimizer, lr=1.0) for name in ("cpu", GPU))
    assert others == pytest.approx(losses, rel=1e-3)
    assert losses[-1] < losses[0]
    assert np.abs(one - other).mean() < 0.5


def test_a_painting_in_bfloat16_looks_like_one_in_float32(gpu):
    (losses, one), (others, other) = (painted(GPU, precision) for precision in ("float32", "bfloat16"))
    assert others == pytest.approx(losses, rel=0.1)
    assert np.abs(one - other).mean() < 5


@pytest.mark.parametrize(
    ("backbone", "max_memory", "tiles"),
    [("pocket", None, 1), ("pocket", 0.8, 4), ("vgg19-caffe", None, 1), ("vgg19-caffe", 2.0, 4)],
)
def test_a_painting_takes_no_more_memory_than_was_planned(gpu, weights_file, backbone, max_memory, tiles):
    given = {"backbone": backbone, "max_memory": max_memory, "size": 1536, "steps": 2, "scales": 1, "device": GPU}
    given |= {"weights": weights_file} if backbone != "pocket" else {}
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    pictures = photograph(1536, 1152), photograph(1152, 1152, seed=1)
    events = stylize_events(*pictures, StyleSettings.model_validate(given))
    notes = [event.message for event in events if isinstance(event, Noted)]
    taken = (torch.cuda.max_memory_allocated() - before) / 2**30
    [plan] = [found for note in notes if (found := re.search(r"(in \d+ tiles)?: about ([\d.]+) GiB of memory", note))]
    assert plan[1] == (f"in {tiles} tiles" if tiles > 1 else None)
    assert taken < float(plan[2]) + 0.05  # one decimal is told


# --- Where, and what is left behind ---------------------------------------------------------------------------------


def test_a_device_can_be_named_by_its_number(gpu, content_file, style_file, noise, tmp_path):
    output, small = tmp_path / "out.png", ("--width", 4, "--latent", 8, "--batch", 8, "--images", 16)
    painting = ("stylize", content_file, style_file, "-o", output, "--size", 64, "--steps", 2)
    assert run(*painting, "--device", "cuda:0") == 0
    assert run("gan", "train", noise, "--run", tmp_path / "run", *small, "--device", "cuda:0") == 0
    assert run("gan", "sample", tmp_path / "run", "-o", tmp_path / "sheet.png", "--device", "cuda:0") == 0
    assert run(*painting, "--device", f"cuda:{torch.cuda.device_count()}") == 2


def test_a_batch_that_does_not_fit_is_one_line_and_a_smaller_one_trains(gpu, little_memory, noise, tmp_path):
    values = {"size": 64, "device": GPU, "images": 2 * 4096}
    with pytest.raises(ScumbleError, match="not enough memory.*--accumulate") as raised:
        list(train_events(noise, tmp_path / "run", GANSettings.model_validate(values | {"batch": 4096})))
    assert "\n" not in str(raised.value)
    del raised  # its traceback holds tensors
    torch.cuda.set_per_process_memory_fraction(1.0)
    [*_, last] = train_events(noise, tmp_path / "run", GANSettings(**values | {"batch": 8, "images": 16, "width": 4}))
    assert isinstance(last, Finished)


def test_a_painting_that_does_not_fit_is_one_line(gpu, little_memory):
    with pytest.raises(ScumbleError, match="not enough memory.*--size") as raised:
        painted(GPU, size=1024)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("chosen", ["tf32", "ieee"])
def test_a_job_computes_in_float32_and_leaves_the_hosts_choice_as_it_was(gpu, noise, tmp_path, chosen):
    exact, _ = painted(GPU)
    values = {"width": 4, "latent": 8, "batch": 8, "images": 16, "device": GPU}
    with products_in(chosen):
        losses, _ = painted(GPU)
        assert choices() == [chosen, chosen]
        list(train_events(noise, tmp_path / "run", GANSettings.model_validate(values)))
        GAN.from_pretrained(tmp_path / "run", GPU).sample(range(2))
        assert choices() == [chosen, chosen]
    assert losses == pytest.approx(exact, rel=1e-6)


def test_random_numbers_of_the_host_are_left_as_they_were(gpu, noise, tmp_path):
    before = torch.cuda.get_rng_state(gpu), torch.get_rng_state()
    values = {"width": 4, "latent": 8, "batch": 8, "images": 16, "device": GPU}
    list(train_events(noise, tmp_path / "run", GANSettings.model_validate(values)))
    for old, new in itertools.zip_longest(before, (torch.cuda.get_rng_state(gpu), torch.get_rng_state())):
        assert torch.equal(old, new)
