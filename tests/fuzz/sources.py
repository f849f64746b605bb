"""Collections of pictures to train on, and the cache of what was made of them; each is read as a training would."""

import contextlib
import gzip
import io
import json
import os
import tarfile
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from PIL import Image

from conftest import encoded
from fuzz.kinds import Files, Kind, one_spoiled
from fuzz.pictures import saved
from scumble import GANSettings
from scumble.cli.cache import list_all
from scumble.data import batches, dataset
from scumble.data.sources.opener import open_source, open_testing_part
from scumble.errors import ScumbleError
from scumble.events import returned
from scumble.gan import train

TINY = GANSettings(preset="gan", width=4, latent=8, batch=8, images=64, grids=1, ema=100)
COUNT = 20
"""Of pictures: of so many, one may be damaged and be left out."""


def noise(count: int = COUNT) -> np.ndarray:
    """(count, 16, 16) bytes."""
    return np.random.default_rng(0).integers(0, 256, (count, 16, 16), dtype=np.uint8)


def _pictures() -> Files:
    """Of two classes, in the forms that are measured in different ways."""
    deep = [saved(Image.fromarray(grey.astype(np.uint16) * 257), kind) for grey in noise(2) for kind in ("PNG", "TIFF")]
    data = [encoded(n) for n in range(COUNT - 4)]
    return {f"{'ab'[n % 2]}/{n}.png": one for n, one in enumerate(data + deep)}


def _collections() -> list[Files]:
    """What a folder or an archive may hold: pictures alone, with their classes written down, in parts."""
    pictures = _pictures()
    labels = json.dumps({"labels": [[name, n % 3] for n, name in enumerate(pictures)]}).encode()
    parts = {f"{part}/{name}": data for part in ("train", "test") for name, data in pictures.items()}
    return [pictures, {"dataset.json": labels} | pictures, parts]


def folders(_: Path) -> Kind:
    """Folders of pictures; what says their classes is spoiled most often."""
    good = [{f"data/{name}": data for name, data in held.items()} for held in _collections()]
    spoil, spoil_labels = one_spoiled(good), one_spoiled(good, lambda name: name.endswith(".json"))
    return Kind(
        good,
        lambda held, random: (
            spoil_labels if "data/dataset.json" in held and random.random() < 0.7 else spoil
        )(held, random),
        read_source,
    )  # fmt: skip


def zips(_: Path) -> Kind:
    """Zips of pictures."""
    good = []
    for entries in _collections():
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            made = io.BytesIO()
            with zipfile.ZipFile(made, "w", method) as archive:
                for name, data in entries.items():
                    archive.writestr(name, data)
            good.append({"data.zip": made.getvalue()})
    return Kind(good, one_spoiled(good), read_source)


def tars(_: Path) -> Kind:
    """Tars of pictures, plain and packed, in the three ways to write down long names, with links in them."""
    good = []
    for entries in _collections():
        for way in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
            plain = _tar(entries | {f"{'long' * 20}/{'name' * 20}.png": encoded(0)}, way)
            good += [{"data.tar": plain}, {"data.tar.gz": gzip.compress(plain, 1, mtime=0)}]
    return Kind(good, one_spoiled(good), read_source)


def _tar(entries: Files, way: int) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=way) as archive:
        for name, data in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for kind, target in ((tarfile.LNKTYPE, next(iter(entries))), (tarfile.SYMTYPE, "../outside.png")):
            link = tarfile.TarInfo("a/link.png")
            link.type, link.linkname = kind, target
            archive.addfile(link)
    return made.getvalue()


def arrays(_: Path) -> Kind:
    """Arrays, alone and several in a zip, of every type of numbers that is taken."""
    pixels, labels = noise(), np.arange(COUNT) % 2
    colours = np.stack([pixels] * 3, -1)
    held = [
        {"x": pixels, "y": labels},
        {"x_train": pixels, "y_train": labels, "x_test": pixels, "y_test": labels},
        {"images": colours.astype(np.float32) / 255, "labels": labels.astype("U1")},
        {"arr_0": pixels.astype(np.uint16) * 257, "arr_1": labels[:, None]},
    ]
    good = []
    for named in held:
        for save in (np.savez, np.savez_compressed):
            made = io.BytesIO()
            save(made, **named)
            good.append({"data.npz": made.getvalue()})
    good += [{"data.npy": _npy(one)} for one in (pixels, colours, pixels / 255, pixels > 99, pixels.astype(np.int32))]
    return Kind(good, one_spoiled(good), read_source)


def _npy(array: np.ndarray) -> bytes:
    made = io.BytesIO()
    np.save(made, array)
    return made.getvalue()


def caches(place: Path) -> Kind:
    """What is kept of pictures that were prepared; the pictures themselves are as they were."""
    good = []
    for named in ({"x": noise(), "y": np.arange(COUNT) % 2}, {"x": np.stack([noise() // 2.0] * 3, -1)}):
        data, home = place / "data.npz", place / "home"
        np.savez(data, **named)
        with _home(home):
            returned(dataset.prepare(open_source(data)))
        kept = {f"home/{path.relative_to(home)}": path.read_bytes() for path in home.rglob("*.np*")}
        kept |= {f"home/{path.relative_to(home)}": path.read_bytes() for path in home.rglob("*.json")}
        good.append({"data.npz": data.read_bytes()} | kept)
        for path in home.rglob("*.*"):
            path.unlink()
    return Kind(good, one_spoiled(good, lambda name: name.startswith("home")), read_source)


def _home(folder: Path) -> AbstractContextManager[Any]:
    """With the cache in this folder."""
    return mock.patch.dict(os.environ, {"SCUMBLE_HOME": str(folder)})


def read_source(place: Path) -> None:
    """Prepare what is in a folder called `data`, or in a file that is; and list the cache, in `home`."""
    (path,) = (path for path in place.iterdir() if path.name != "home")
    with _home(place / "home"):
        listed = io.StringIO()
        with contextlib.redirect_stdout(listed):
            list_all()
        assert listed.getvalue().replace("\n", "").isprintable()
        with contextlib.suppress(ScumbleError):
            open_testing_part(path)
        found = returned(dataset.prepare(open_source(path)))
        train._facts(TINY, found, False, None).model_dump_json()
        positions = batches.indices(len(found.pixels), TINY.batch, 0, 0)
        assert found.pixels[positions].shape == (TINY.batch, *found.shape)
        assert found.labels is None or found.labels[positions].max() < len(found.classes)
