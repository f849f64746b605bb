"""What the tests share: tiny pictures, a real VGG19 with random weights, and where large material may stand."""

import contextlib
import hashlib
import io
import json
import math
import os
import socket
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "300")  # before torch is there: beside other jobs, its threads wait and wait

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from scumble.cli import app
from scumble.data.sources.source import Item, Source
from scumble.errors import ImageError
from scumble.image.files import Picture
from scumble.perceptual import inception
from scumble.perceptual.catalogue import CATALOGUE, find
from scumble.perceptual.vgg import VGG19, parameter_shapes

REPOSITORY = Path(__file__).parents[1]
CAFFE = CATALOGUE["vgg19-caffe"].preprocessing

PEAK = """
def peak():  # in bytes; not getrusage's figure, which begins with the peak of the process that started this one
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))
"""
"""The beginning of programs that tell what memory they took (Linux)."""


@contextlib.contextmanager
def overlapped(block: Callable[[], AbstractContextManager[None]]) -> Iterator[None]:
    """While another thread is still in a block that this one has entered before it, and has left."""
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with block():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with block():
        thread.start()
        assert inside.wait(10)
    yield
    leave.set()
    thread.join()


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
    found = find(CATALOGUE["vgg19-caffe"]) if "SCUMBLE_WEIGHTS" in os.environ else None
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


def encoded(seed: int = 0, kind: str = "PNG", size: tuple[int, int] = (20, 18)) -> bytes:
    """A photograph as a file's bytes."""
    buffer = io.BytesIO()
    photograph(*size, seed=seed).save(buffer, kind)
    return buffer.getvalue()


def zipped(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def unpacked(folder: Path, entries: dict[str, bytes]) -> Path:
    for name, data in entries.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def tarred(path: Path, entries: dict[str, bytes]) -> Path:
    """A tar; packed, where the name says so."""
    with tarfile.open(path, "w:gz" if path.suffix in (".gz", ".tgz") else "w") as archive:
        for name, data in entries.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(params=["folder", "zip", "tar.gz"])
def collect(request, tmp_path):
    """Makes a folder or an archive of files: what holds for one holds for the others."""

    def make(entries: dict[str, bytes]):
        if request.param == "tar.gz":
            return tarred(tmp_path / "pictures.tar.gz", entries)
        if request.param == "zip":
            return zipped(tmp_path / "pictures.zip", entries)
        return unpacked(tmp_path / "pictures", entries)

    return make


def source_of(images, labels=None, name="made up") -> Source:
    """A source of PIL pictures; an exception stands for a picture that cannot be read."""

    def loader(image):
        def load():
            if isinstance(image, Exception):
                raise image
            alpha = image.getchannel("A") if image.mode == "RGBA" else None
            return Picture(image.convert("RGB"), alpha, "x", "")

        return load

    items = [Item(f"{n}.png", labels[n] if labels else None, loader(image)) for n, image in enumerate(images)]
    content = [str(i) if isinstance(i, Exception) else hashlib.sha256(i.tobytes()).hexdigest() for i in images]
    return Source(name, items, hashlib.sha256(json.dumps([content, labels]).encode()).hexdigest())


def photographs(count: int, width: int = 24, height: int = 20) -> list[Image.Image]:
    return [photograph(width, height, seed=seed) for seed in range(count)]


def greys(count: int) -> list[Image.Image]:
    return [image.convert("L").convert("RGB") for image in photographs(count)]


def broken(count: int) -> list[Exception]:
    return [ImageError(f"broken{n}.png is damaged") for n in range(count)]


def run(*arguments: object) -> int:
    """A command line's exit code."""
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)
