"""Nearest pictures: against naive loops, copies are found, names lead to files, and the sheet shows them."""

import json

import numpy as np
import pytest
from PIL import Image

import scumble
from conftest import photograph, run
from gan_material import Projection, arrays, looked_at_by, numbered, untrained_gan
from scumble.errors import ImageError, SettingsError
from scumble.events import returned
from scumble.gan.evaluation import feature_cache, nearest, nearest_sheet
from scumble.image import recipe

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def projection(monkeypatch) -> Projection:
    """Any network that is asked for is this one."""
    return looked_at_by(Projection(6), monkeypatch)


def naive(samples, pictures, distance) -> list[list[int]]:
    """For each sample, the three nearest pictures."""
    return [sorted(range(len(pictures)), key=lambda n: distance(sample, pictures[n]))[:3] for sample in samples]


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_nearest_are_those_of_naive_loops_whatever_the_pieces(mirrored, monkeypatch):
    monkeypatch.setattr(feature_cache, "PIECE", 13)
    monkeypatch.setattr(nearest, "CHUNK_BYTES", 17 * 16 * 16 * 4)  # of 17 pictures
    network, real = Projection(6).embedding(), numbered(50)
    in_data = feature_cache.shuffled(50)
    pictures = np.empty((50, 1, 16, 16), np.uint8)
    pictures[in_data] = real.take(range(50))  # as they are in the data
    samples = np.random.default_rng(77).integers(0, 256, (4, 16, 16, 1), dtype=np.uint8)
    found = returned(nearest.search(samples, range(4), real, network, mirrored))

    def views(sample):
        upright = sample.transpose(2, 0, 1)[None]
        return [upright, upright[..., ::-1].copy()] if mirrored else [upright]

    def by_pixels(sample, picture):
        return min(np.sqrt(np.square(view[0] - picture.astype(float)).mean()) for view in views(sample))

    def by_features(sample, picture):
        of_picture = network.features(picture[None].copy()).astype(float)
        return min(np.linalg.norm(network.features(view).astype(float) - of_picture) for view in views(sample))

    for way, distance in (("by_pixels", by_pixels), ("by_features", by_features)):
        rows = [getattr(sample, way).neighbours for sample in found.samples]
        assert [[one.picture for one in row] for row in rows] == naive(samples, pictures, distance)
        for sample, row in zip(samples, rows, strict=True):
            for one in row:
                assert one.distance == pytest.approx(distance(sample, pictures[one.picture]), rel=1e-5)
    assert np.array_equal(nearest.pictures_at(real, [3, 49]), pictures[[3, 49]].transpose(0, 2, 3, 1))


@pytest.mark.parametrize("mirrored", [False, True])
def test_copies_are_found_and_only_they(mirrored):
    real = numbered(200)
    copies = real.take(range(2)).transpose(0, 2, 3, 1).astype(int)
    copies[1] = copies[1, :, ::-1]
    other = np.random.default_rng(12).integers(0, 256, (1, 16, 16, 1))
    samples = np.concatenate([(copies + 1).clip(0, 255), other]).astype(np.uint8)
    found = returned(nearest.search(samples, [5, 6, 7], real, Projection(6).embedding(), mirrored))
    assert [one.is_near for one in found.samples] == [True, mirrored, False]
    first = found.samples[0]
    assert first.by_pixels.neighbours[0].picture == feature_cache.shuffled(200)[0]
    assert first.by_pixels.neighbours[0].distance == pytest.approx(1, abs=0.02)
    assert first.by_pixels.share == first.by_features.share == 0
    assert found.samples[2].by_pixels.share > 0.1
    told = "2 of 3 samples are nearer" if mirrored else "1 of 3 samples are nearer"
    assert found.conclusion().startswith(told)
    assert ("(seeds 5, 6)" if mirrored else "(seeds 5)") in found.conclusion()
    assert (
        "none of 1 samples is"
        in returned(nearest.search(other.astype(np.uint8), [7], real, Projection(6).embedding())).conclusion()
    )


def test_a_real_picture_is_not_its_own_neighbour():
    found = returned(nearest.search(np.zeros((1, 16, 16, 1), np.uint8), [0], numbered(40), Projection(6).embedding()))
    assert found.usual_pixels > 50
    assert found.usual_features > 0


@pytest.fixture
def model(tmp_path):
    """An untrained model of 20 x 16 pixels in colour, and photographs for it."""
    untrained_gan("sndcgan").save_pretrained(tmp_path / "model")
    (tmp_path / "photos").mkdir()
    for number in range(20):
        photograph(20, 16, seed=number).save(tmp_path / "photos" / f"p{number:02}.png")
    return tmp_path / "model"


def test_the_job_writes_a_sheet_whose_recipe_holds_the_distances_and_names(model, tmp_path):
    found = scumble.nearest(model, tmp_path / "photos", tmp_path / "near.png", seeds=[3, 8])
    with Image.open(tmp_path / "near.png") as sheet:
        assert sheet.size == (7 * (60 + 2) - 3 * 2 + 2 * nearest_sheet.GAP, 2 * (48 + 2) - 2)
    held = recipe.read(tmp_path / "near.png")
    assert [one["seed"] for one in held["samples"]] == [3, 8]
    first = found.samples[0].by_pixels.neighbours[0]
    assert held["samples"][0]["by_pixels"]["neighbours"][0]["distance"] == first.distance
    assert first.name == f"p{first.picture:02}.png"
    assert (found.count, found.data) == (20, "photos")


def test_pictures_that_are_left_out_take_the_names_with_them(model, tmp_path):
    (tmp_path / "photos" / "p00.png").write_bytes(b"no picture")
    found = scumble.nearest(model, tmp_path / "photos", seeds=[0])
    assert found.count == 19
    assert found.samples[0].by_features.neighbours[0].name is None


def test_somebody_elses_file_and_what_does_not_exist_are_refused_first(model, tmp_path):
    (tmp_path / "mine.png").write_bytes(b"mine")
    with pytest.raises(ImageError, match="not made by scumble"):
        scumble.nearest(model, tmp_path / "photos", tmp_path / "mine.png")
    with pytest.raises(SettingsError, match="class: got 'cat'"):
        scumble.nearest(model, tmp_path / "photos", of_class="cat")


def test_the_command_prints_a_table_or_events(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("gan", "nearest", "model", "photos", "--seeds", "0-2") == 0
    captured = capsys.readouterr()
    name, title, *rows, usual = captured.out.splitlines()
    assert name == "nearest.png"
    assert title.split()[:3] == ["seed", "by", "features"]
    assert [row.split()[0] for row in rows] == ["0", "1", "2"]
    assert ".png" in rows[0]
    assert usual.startswith("a real picture is usually ")
    assert "of 3 samples" in captured.err
    assert run("gan", "nearest", "model", "photos", "--seeds", "4", "--json") == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "finished"
    assert last["nearest"]["samples"][0]["seed"] == 4
    assert run("gan", "nearest", "model", str(arrays(tmp_path / "grey.npz")), "--quiet") == 1
