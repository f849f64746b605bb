"""Two processes have the gradient of one, and remember the same pictures."""

import os
import socket
from pathlib import Path

import pytest
import torch
import torch.multiprocessing

from scumble import device
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.settings import TranslationSettings
from scumble.gan.translation.task import game_of
from scumble.training.distributed import Processes, Rank
from translation_material import TINY, state_of, tiny_trainer

pytestmark = pytest.mark.usefixtures("one_thread")

PRESETS = (
    "cyclegan", "dualgan", "cut", "unit", "munit", "stargan",
    "bicyclegan", "srgan", "esrgan", "context-encoder", "ccgan", "pixelda",
)  # fmt: skip
STEPS = 2
GIVEN = {
    "blocks": 1,
    "latent": 3,
    "pool": 6,
    "norm": "instance",
    "critic_steps": 1,
    "pretraining": 0.01,
    "lr": 1e-12,
    "beta1": 0.5,
}
"""A tiny rate: what Adam makes of rounding is not what is asked for."""


def trained(preset: str, processes: Processes) -> dict[str, torch.Tensor]:
    """All that a checkpoint holds after a few steps."""
    settings = TranslationSettings.model_validate(TINY | GIVEN | {"preset": preset})
    before = 4 if preset in ("srgan", "esrgan") else 16
    shapes = Shapes((1, before, before), (1, 16, 16), 3 if preset in ("stargan", "pixelda") else 0)
    game = game_of(settings, shapes, device.choose("cpu", "float32"), processes)
    for module in (module for network in game.networks.values() for module in network.modules()):
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # the noise of a share is its own
    trainer = tiny_trainer(game)
    for _ in range(STEPS):
        trainer.train_step()
    return state_of(trainer)


def work(number: int, port: str, folder: str) -> None:
    """What one of two processes does."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(number), "WORLD_SIZE": "2"}
    torch.set_num_threads(1)
    processes = Processes(Rank(number, 2, number, 2))
    for preset in PRESETS:
        torch.save(trained(preset, processes), Path(folder) / f"{preset}-{number}")
        processes.gathered(None)
    processes.close()


@pytest.fixture(scope="module")
def on_two_processes(tmp_path_factory, loopback) -> Path:
    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    torch.multiprocessing.spawn(work, (port, str(folder)), 2)
    return folder


@pytest.mark.parametrize("preset", PRESETS)
def test_two_processes_have_the_gradient_of_one(preset, on_two_processes):
    whole = trained(preset, Processes())
    for number in range(2):
        each = torch.load(on_two_processes / f"{preset}-{number}", weights_only=True)
        assert each.keys() == whole.keys()
        for name in (name for name in whole if name.endswith("exp_avg") or ".pool_" in name):
            assert torch.allclose(each[name], whole[name], atol=1e-6 + 1e-4 * whole[name].abs().max().item()), name
