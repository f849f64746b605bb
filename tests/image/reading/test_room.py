"""Memory from the first byte: large photographs are decoded at a smaller scale, or refused in words."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from conftest import PEAK, photograph
from picture_files import encoded
from scumble.errors import ImageError
from scumble.image import decode
from scumble.image.files import load, load_bytes
from scumble.image.reading import room
from scumble.image.reading.room import Room

LARGE = np.asarray(photograph(800, 600))
FILES = {kind: encoded(kind, LARGE, **({"quality": 95} if kind == "JPEG" else {})) for kind in ("JPEG", "PNG", "BMP")}


@pytest.fixture
def small_limit(monkeypatch):
    monkeypatch.setattr(room, "LARGE_PIXELS", 100_000)


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("side", [600, 301, 300, 150, 70])
def test_a_large_picture_keeps_what_is_wanted_of_it(small_limit, kind, side):
    picture = load_bytes(FILES[kind], "a", room=Room(side=side))
    assert side <= min(picture.size) < 2 * side + 8
    assert picture.size[0] / picture.size[1] == pytest.approx(4 / 3, rel=0.02)
    expected = Image.fromarray(LARGE).resize(picture.size, Image.Resampling.BOX)
    assert np.abs(np.asarray(picture.rgb).astype(int) - np.asarray(expected)).mean() < 3


def test_a_picture_that_is_not_large_keeps_all():
    assert load_bytes(FILES["JPEG"], "a", room=Room(side=10)).size == (800, 600)


def test_a_large_turned_picture_stands(small_limit):
    exif = Image.Exif()
    exif[274] = 6
    for kind in ("JPEG", "PNG"):
        picture = load_bytes(encoded(kind, LARGE, exif=exif.tobytes()), "a", room=Room(side=100))
        assert picture.size[0] < picture.size[1]
        assert min(picture.size) < 220


def test_opacity_and_16_bits_shrink_with_the_rest(small_limit):
    opaque = np.dstack([LARGE, np.full(LARGE.shape[:2], 100, np.uint8)])
    picture = load_bytes(encoded("PNG", opaque), "a", room=Room(side=100))
    assert picture.alpha is not None
    assert picture.alpha.size == picture.size
    assert min(picture.size) < 220
    deep = load_bytes(encoded("PNG", LARGE[..., 0].astype(np.uint16) * 257), "a", room=Room(side=100))
    assert min(deep.size) < 220


@pytest.mark.parametrize("kind", FILES)
def test_memory_that_is_given_holds_for_decoding(kind):
    with pytest.raises(ImageError, match="a has 800x600 pixels, which take .* GiB to decode.*raise --max-memory"):
        load_bytes(FILES[kind], "a", room=Room(memory_bytes=100_000, side=500))
    assert load_bytes(FILES[kind], "a", room=Room(memory_bytes=1e9, side=10)).size == (800, 600)


def test_little_memory_makes_a_jpeg_small():
    picture = load_bytes(FILES["JPEG"], "a", room=Room(memory_bytes=1_500_000, side=70))
    assert min(picture.size) < 200


def test_too_little_memory_is_called_so(monkeypatch):
    def fail(self):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "load", fail)
    with pytest.raises(ImageError, match="there is not enough memory to decode a"):
        load_bytes(FILES["BMP"], "a")
    monkeypatch.setattr(decode.Path, "read_bytes", fail)
    with pytest.raises(ImageError, match="there is not enough memory to read"):
        load(__file__)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured by /proc")
def test_94_megapixels_take_less_memory_than_their_pixels(tmp_path):
    Image.new("RGB", (11_200, 8_400), (90, 80, 70)).save(tmp_path / "a.jpg", quality=80)
    program = PEAK + (
        "import sys\n"
        "from scumble.image.files import load\n"
        "from scumble.image.reading.room import Room\n"
        "before = peak()\n"
        "load(sys.argv[1], room=Room(side=512))\n"
        "print(peak() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "a.jpg"], capture_output=True, check=True)
    assert 0 < int(done.stdout) < 100 << 20  # all of it would be 368 MB
