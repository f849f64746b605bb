"""The short form of the timeline's recipe: presets trained, measured, written into the page and drawn."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from conftest import REPOSITORY, photographs

sys.path.insert(0, str(REPOSITORY / "recipes"))
timeline = pytest.importorskip("timeline", reason="needs the folder recipes, which packages do not hold")

pytestmark = pytest.mark.usefixtures("one_thread")

FOUND = {"figure": "L1", "value": 0.1, "low": 0.09, "high": 0.11, "for comparison": {}, "seconds_per_step": 0.5}


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "docs" / "timeline.md"
    path.parent.mkdir()
    path.write_text("above\n<!-- timeline -->\n<!-- end of timeline -->\nbelow\n")
    return path


@pytest.fixture
def digits(tmp_path):
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (120, 32, 32), dtype=np.uint8)
    np.savez(tmp_path / "digits.npz", x=x, y=np.arange(120) % 3)
    return tmp_path / "digits.npz"


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, picture in enumerate(photographs(40, 80, 72)):
        picture.save(folder / f"{number}.png")
    return folder


def plan(runs, *presets: str, images: int = 40) -> None:
    """As an earlier call found it, so that nothing here depends on the clock."""
    runs.mkdir(exist_ok=True)
    for preset in presets:
        (runs / f"{preset}.plan.json").write_text(json.dumps({"seconds": 60.0, "images": images}))


def test_every_preset_has_a_row_that_can_be_asked_for(tmp_path):
    assert timeline.ROWS.keys() == timeline.OF_GANS.keys() | timeline.OF_TRANSLATORS.keys()
    given = dict.fromkeys((*timeline.DATA, "inverted"), "x")
    for preset in timeline.ROWS:
        job = timeline.job_of(preset, given, tmp_path, {})
        assert job.settings.preset == preset
    assert timeline.job_of("pix2pix", {"digits": "x"}, tmp_path, {}) is None


def test_a_preset_is_trained_measured_and_written(page, digits, tmp_path, capsys):
    runs = tmp_path / "runs"
    plan(runs, "dcgan")
    arguments = [str(runs), str(page), "--digits", str(digits), "--minutes", "1", "--only", "dcgan", "--short"]
    timeline.main(arguments)
    found = json.loads((runs / "dcgan.json").read_text())
    assert found["settings"]["images"] == 40
    assert found["baselines"].keys() == {"a Gaussian of the pixels"}
    assert found["low"] <= found["value"] <= found["high"]
    (line,) = [line for line in page.read_text().splitlines() if "`dcgan`" in line]
    assert line.startswith("| 2015 | `dcgan` | pictures: digits | kernel distance ")
    with Image.open(page.parent / "pictures" / "timeline.jpg") as picture:
        assert picture.width > 1000
    before = page.read_text()
    capsys.readouterr()
    timeline.main(arguments)  # nothing is done again
    assert (page.read_text(), capsys.readouterr().out) == (before, "")


def test_what_was_measured_elsewhere_stays_in_the_table_and_in_the_picture(page, tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    found = FOUND | {"lower_is_better": True, "baselines": {"identity": 0.2}, "settings": {}}
    for preset, colour in (("lapgan", "red"), ("dcgan", "blue")):
        (runs / f"{preset}.json").write_text(json.dumps(found))
        Image.new("RGB", (timeline.timeline_picture.SIDE,) * 2, colour).save(runs / f"{preset}.png")
    timeline.written(page, runs)
    (runs / "lapgan.json").unlink()
    (runs / "lapgan.png").unlink()
    (runs / "dcgan.json").write_text(json.dumps(found | {"value": 0.05}))
    timeline.written(page, runs)
    rows = timeline.tables.read(page, "timeline")
    assert [(cells[1], cells[3][:6]) for cells in rows] == [("`lapgan`", "L1 0.1"), ("`dcgan`", "L1 0.0")]
    assert all(len(cells) == len(timeline.COLUMNS) for cells in rows)
    with Image.open(page.parent / "pictures" / "timeline.jpg") as picture:
        pixels = np.asarray(picture).astype(int)
    for colour in ((255, 0, 0), (0, 0, 255)):
        near = (np.abs(pixels - colour) < 40).all(-1).sum()
        assert near == pytest.approx(timeline.timeline_picture.SIDE**2, rel=0.05)


def test_a_translator_is_measured_on_withheld_pictures(page, photos, tmp_path):
    runs = tmp_path / "runs"
    plan(runs, "pix2pix")
    timeline.main([str(runs), str(page), "--photos", str(photos), "--minutes", "1", "--only", "pix2pix", "--short"])
    found = json.loads((runs / "pix2pix.json").read_text())
    assert {"identity", "regression", "nearest"} <= found["baselines"].keys()
    assert found["low"] <= found["value"] <= found["high"]
    side = timeline.timeline_picture.SIDE
    with Image.open(runs / "pix2pix.png") as sample, Image.open(timeline.PHOTOGRAPH) as photograph:
        assert sample.size == (side, side)
        shown = np.asarray(sample.convert("RGB"))
        height = photograph.height * 2 // 3  # the lower two thirds, from the left
        cut = photograph.crop((0, photograph.height - height, height, photograph.height)).convert("RGB")
    # Ours, not one of those that it has learnt from.
    truth = shown[2 : side // 3 - 2, -side // 3 + 2 : -2].astype(float)
    assert np.abs(truth.mean((0, 1)) - np.asarray(cut).mean((0, 1))).max() < 8
    random = np.asarray(Image.open(photos / "0.png").convert("RGB")).mean((0, 1))
    assert np.abs(random - np.asarray(cut).mean((0, 1))).max() > 16
    assert "| 2017 | `pix2pix` | pairs: photos, grey by code | " in page.read_text()


def test_the_speed_of_a_training_says_how_many_images_fit(digits, tmp_path):
    job = timeline.job_of("dcgan", {"digits": str(digits)}, tmp_path, {"width": 4, "batch": 4, "device": "cpu"})
    images = timeline.images_in(job, 5.0)
    assert images >= timeline.SMALLEST_RUN
    assert json.loads((tmp_path / "dcgan.plan.json").read_text()) == {"seconds": 5.0, "images": images}
    assert timeline.images_in(job, 5.0) == images
    assert not (tmp_path / "dcgan.probe").exists()


def test_a_gaussian_has_the_pixels_mean_and_covariance():
    random = np.random.default_rng(1)
    mixed = random.normal(size=(5, 16)) * 8
    pixels = (random.normal(size=(4000, 5)) @ mixed + 128).clip(0, 255).astype(np.uint8).reshape(-1, 1, 4, 4)
    drawn = timeline.gaussian_like(pixels, 4000)
    assert drawn.shape == (4000, 4, 4, 1)
    here, there = (rows.reshape(4000, -1).astype(float) for rows in (pixels, drawn.transpose(0, 3, 1, 2)))
    assert np.abs(here.mean(0) - there.mean(0)).max() < 2
    assert np.abs(np.cov(here.T) - np.cov(there.T)).max() < 0.15 * np.cov(here.T).max()


@pytest.mark.parametrize(
    ("lower", "baselines", "expected"),
    [(True, {"a": 0.2, "b": 0.11}, True), (True, {"a": 0.2, "b": 0.05}, False), (False, {"a": 0.05}, True)],
)
def test_a_preset_beats_its_baselines_or_says_why_not(lower, baselines, expected):
    found = FOUND | {"lower_is_better": lower, "baselines": baselines, "settings": {"pairs": "edges"}}
    assert timeline.beats(found) is expected
    row = timeline.row_of("pix2pix", found)
    assert row[2] == "pairs: photos, edges by code"
    assert (row[5] == "yes") is expected


def test_no_sample_of_faces_is_kept(page, tmp_path):
    assert [name for name, row in timeline.ROWS.items() if "faces" in row.data] == ["began"]
    drawn = timeline.timeline_picture.drawn({"a": (2014, None), "b": (2017, None)})
    assert (np.asarray(drawn) == 238).all(-1).sum() == 2 * timeline.timeline_picture.SIDE**2
