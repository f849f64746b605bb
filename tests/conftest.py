"""What the tests share: tiny pictures, a real VGG19 with random weights, and where large material may stand."""

import math
import os
import socket
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from scumble import GAN, GANSettings
from scumble.gan.evaluation.feature_cache import PictureSet
from scumble.gan.networks.build import build
from scumble.gan.train import train_events
from scumble.perceptual import inception, weights
from scumble.perceptual.embedding import Embedding
from scumble.perceptual.vgg import VGG19, parameter_shapes

REPOSITORY = Path(__file__).parents[1]
CAFFE = weights.CATALOGUE["vgg19-caffe"].preprocessing


@pytest.fixture(autouse=True)
def own_caches(tmp_path_factory, monkeypatch):
    """No test sees this machine's caches and weights, or leaves anything in them."""
    for name in ("SCUMBLE_HOME", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path_factory.mktemp(name)))
    monkeypatch.delenv("SCUMBLE_WEIGHTS", raising=False)
    monkeypatch.setenv("SCUMBLE_OFFLINE", "1")


@pytest.fixture
def one_thread():
    """Tiny networks: what many threads would save, they lose waiting for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def loopback() -> None:
    """The machine's way to itself, which is closed where all of the network is: two processes meet there."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), 5):
            pass
    except OSError as error:
        pytest.skip(f"needs the loopback interface: {error}")


@pytest.fixture(scope="session")
def material() -> Path:
    """The folder of large test material, which does not belong to the project."""
    folder = Path(os.environ.get("SCUMBLE_TEST_MATERIAL", ""))
    if not (folder / "data" / "pairs").is_dir():
        pytest.skip("needs test material: SCUMBLE_TEST_MATERIAL names no folder with data/pairs")
    return folder.resolve()


@pytest.fixture(scope="session")
def caffe_weights() -> Path:
    """The real network's weights."""
    found = weights.find(weights.CATALOGUE["vgg19-caffe"]) if "SCUMBLE_WEIGHTS" in os.environ else None
    if found is None:
        pytest.skip("needs the weights vgg19-caffe: SCUMBLE_WEIGHTS names no folder with them")
    return found.resolve()


def random_tensors(seed: int = 0) -> dict[str, torch.Tensor]:
    """VGG19's parameters with random values whose features neither vanish nor explode (He et al. 2015)."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in parameter_shapes().items():
        if name.endswith("weight"):
            deviation = (2 / (shape[1] * 9)) ** 0.5
            tensors[name] = torch.randn(shape, generator=generator) * deviation
        else:
            tensors[name] = torch.randn(shape, generator=generator) * 0.1
    return tensors


def narrow_tensors(channels: int = 6) -> dict[str, torch.Tensor]:
    """Parameters of the same layers with a few channels each."""
    tensors = {}
    for name, tensor in random_tensors(4).items():
        narrow = tensor[:channels]
        if tensor.ndim == 4 and tensor.shape[1] > 3:  # fewer inputs, each as much stronger
            narrow = narrow[:, :channels] * (tensor.shape[1] / channels) ** 0.5
        tensors[name] = narrow.contiguous()
    return tensors


@pytest.fixture(scope="session")
def tensors() -> dict[str, torch.Tensor]:
    return random_tensors()


@pytest.fixture(scope="session")
def inception_tensors() -> dict[str, torch.Tensor]:
    """Inception's parameters with random values, of the same kind."""
    generator = torch.Generator().manual_seed(5)
    tensors = {}
    for name, shape in inception.parameter_shapes().items():
        match name.rpartition(".")[2]:
            case "weight" if len(shape) > 1:
                tensors[name] = torch.randn(shape, generator=generator) * (2 / math.prod(shape[1:])) ** 0.5
            case "weight" | "running_var":
                tensors[name] = torch.rand(shape, generator=generator) + 0.5
            case _:
                tensors[name] = torch.randn(shape, generator=generator) * 0.1
    return tensors


@pytest.fixture(scope="session")
def weights_file(tensors, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    safetensors.torch.save_file({name: tensor.half() for name, tensor in tensors.items()}, path)
    return path


@pytest.fixture(scope="session")
def network64(tensors) -> VGG19:
    """Random VGG19 in float64, for comparisons to many digits."""
    return VGG19(tensors, CAFFE, ("relu1_1", "relu2_1", "relu3_1"), dtype=torch.float64)


def photograph(width: int = 48, height: int = 40, seed: int = 0) -> Image.Image:
    """Something smooth with an edge, as photographs have."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return coarse.resize((width, height), Image.Resampling.BICUBIC)


@pytest.fixture
def content_file(tmp_path) -> Path:
    photograph(48, 40).save(tmp_path / "content.png")
    return tmp_path / "content.png"


@pytest.fixture
def style_file(tmp_path) -> Path:
    photograph(36, 44, seed=1).save(tmp_path / "style.png")
    return tmp_path / "style.png"


def untrained_gan(preset: str, shape=(3, 16, 20)) -> GAN:
    """A GAN whose pictures differ from seed to seed, without looking like anything."""
    settings = GANSettings(preset=preset, width=4, latent=8)
    generator, discriminator = build(settings, shape, 3)
    with torch.no_grad():
        for parameter in generator.parameters() if preset != "rpgan" else ():  # whose pictures nothing holds in [-1, 1]
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    data = {"name": "noise", "shape": list(shape), "count": 40, "classes": ["a", "b", "c"], "digest": ""}
    facts = {"settings": settings.model_dump(mode="json"), "data": data, "images_seen": 0}
    facts |= {"flip": False, "versions": {}, "threads": 1}
    networks = [network.eval().requires_grad_(False) for network in (generator, discriminator)]
    return GAN(*networks, facts)


@pytest.fixture(scope="session")
def noise_run(tmp_path_factory):
    """A run of a few steps on noise in colour, with two grids."""
    folder = tmp_path_factory.mktemp("gan")
    np.savez(folder / "noise.npz", x=np.random.default_rng(0).integers(0, 256, (40, 16, 20, 3), dtype=np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCUMBLE_HOME", str(folder / "cache"))
        settings = GANSettings(preset="dcgan", width=4, latent=8, batch=8, images=8 * 50, grids=2)
        list(train_events(folder / "noise.npz", folder / "run", settings))
    return folder / "run"


@pytest.fixture
def noise_gan(noise_run) -> GAN:
    return GAN.from_pretrained(noise_run)


def normal(*shape, seed=0) -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(seed).normal(size=shape)


def mixed(count, width, seed, scale=1.0, shift=0.0):
    """Correlated features with a scale of their own each."""
    mixture = normal(width, width, seed=99) * np.linspace(0.2, 1, width)
    return normal(count, width, seed=seed) @ mixture * scale + shift


class Projection:
    """A feature network with few features, that counts the pictures it has seen."""

    def __init__(self, width: int):
        self.matrix = torch.randn(3 * 256, width, generator=torch.Generator().manual_seed(0)) / 16
        self.seen = 0

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        self.seen += len(pictures)
        return pictures[:, :, :16, :16].flatten(1) @ self.matrix

    def embedding(self, name: str = "projection", classes: int = 5) -> Embedding:
        def probabilities(features: np.ndarray) -> np.ndarray:
            return torch.from_numpy(features[:, :classes]).double().softmax(1).numpy()

        width = self.matrix.shape[1]
        return Embedding(name, "0" * 64, "pool_3", width, None, self, probabilities, torch.device("cpu"))


def numbered(count, name="numbers") -> PictureSet:
    """Pictures that can be told from each other."""

    def take(numbers):
        return np.stack([np.random.default_rng(n).integers(0, 256, (1, 16, 16), dtype=np.uint8) for n in numbers])

    return PictureSet(name, "digest of " + name, count, (1, 16, 16), take)


def arrays(path, count=64, seed=0, side=16, **more) -> Path:
    """An .npz of noise."""
    pictures = np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)
    np.savez(path, x=pictures, **more)
    return path
