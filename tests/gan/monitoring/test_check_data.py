"""The look before a training: what is understood, and advice from what pictures are."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from conftest import encoded, photograph, unpacked
from scumble.events import returned
from scumble.gan.monitoring import check_data
from scumble.gan.monitoring.check_data import Advice, check_events

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def no_clock(monkeypatch):
    monkeypatch.setattr(check_data, "_speed", lambda settings, shape: f"{shape}")


def advice(path) -> Advice:
    return returned(check_events(str(path)))


def pictures(folder, sizes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        photograph(*size, seed=number).save(folder / f"{number:03}.png")


def test_classes_are_told_by_name_and_number(tmp_path):
    unpacked(tmp_path, {f"{kind}/{n}.png": encoded(n) for n in range(9) for kind in ("cats", "dogs")})
    assert advice(tmp_path).found["classes"] == "2: cats (9), dogs (9)"
    unpacked(tmp_path, {"cover.png": encoded(99)})
    found = advice(tmp_path).found["classes"]
    assert found == "2: cats (9), dogs (9); 1 of 19 pictures have no class, the first cover.png"


def test_what_was_passed_over_is_told(tmp_path):
    unpacked(tmp_path, {f"a/{n}.png": encoded(n) for n in range(16)} | {"a/x.txt": b"x", "@eaDir/x.png": encoded(20)})
    told = " | ".join(advice(tmp_path).warnings)
    assert "passed over, as no pictures that are read: 1 .txt" in told
    assert "passed over, as folders of a system: @eaDir" in told


def test_wide_pictures_are_kept_by_a_width_and_a_height(tmp_path):
    pictures(tmp_path, [(192, 96)] * 16)
    found = advice(tmp_path)
    assert "pictures are reduced to 128x64; --size 192x96 keeps all pixels" in found.warnings
    assert found.found["speed"] == "(3, 64, 128)"


def test_the_spread_of_both_sides_is_told_where_they_differ(tmp_path):
    pictures(tmp_path, [(160, 20)] + [(60 + n, 60 - n) for n in range(1, 24)] + [(30, 90)] * 10)
    told = " | ".join(advice(tmp_path).warnings)
    assert "pictures are 30 to 160 pixels wide and 20 to 90 high, 67x52 in the median" in told
    assert "another shape: 15 of 34 lose more than a third to the crop; --fit pad keeps them" in told
    assert "are enlarged to 67x52" in told


def test_deep_and_many_bands_are_told_and_sized(tmp_path):
    values = np.random.default_rng(0).integers(0, 1024, (16, 20, 24, 5), dtype=np.uint16)
    for number, one in enumerate(values):
        tifffile.imwrite(tmp_path / f"{number}.tif", one, photometric="minisblack", planarconfig="contig")
    found = advice(tmp_path)
    assert found.found["colours"] == "5 channels"
    assert found.found["speed"] == "(5, 20, 24)"
    assert any("0 to 1023, where 0 to 65535 are usual" in line for line in found.warnings)
    for number in range(3):
        photograph(24, 20).save(tmp_path / f"{number}.png")
    found = advice(tmp_path)
    assert found.command is None
    assert any("16 of 19 pictures of" in line and "5 channels" in line for line in found.warnings)


def test_opacity_can_be_learnt(tmp_path):
    for number in range(16):
        image = photograph(24, 20, seed=number).convert("RGBA")
        image.putalpha(Image.new("L", image.size, 9))
        image.save(tmp_path / f"{number}.png")
    assert any("--channels 4 learns the transparency" in line for line in advice(tmp_path).warnings)
