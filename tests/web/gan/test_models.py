"""Models and runs: what their folders tell, and what they draw for the page, which is what the library draws."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_material import untrained_gan
from scumble.web.gan import runs, samples


def image_of(png: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


def enlarged(pictures: np.ndarray) -> np.ndarray:
    """As `grid` shows small pictures: their pixels repeated."""
    times = 64 // max(pictures.shape[1:3])
    return pictures.repeat(times, 1).repeat(times, 2)


@pytest.fixture(autouse=True)
def nothing_is_kept_from_other_tests():
    samples._kept.clear()


@pytest.fixture
def gan(settings):
    gan = untrained_gan("sndcgan")
    gan.save_pretrained(settings.data[0] / "models" / "noise")
    return gan


@pytest.fixture
def address(gan):
    return "/api/models/root:0/models/noise"


def write_run(folder: Path, rows: list[dict], grids: tuple[int, ...] = ()) -> None:
    facts = {"kind": "gan", "settings": {"preset": "dcgan", "images": 500}, "data": {"name": "mine", "count": 40}}
    (folder / "grids").mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(facts))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"images": 9')
    for images in grids:
        Image.new("RGB", (4, 4), (images % 256, 0, 0)).save(folder / "grids" / f"{images:012}.png")


def test_models_in_allowed_folders_are_listed(client, address):
    (found,) = client.get("/api/models").json()
    assert found["id"] == "root:0/models/noise"
    assert (found["preset"], found["data"], found["width"], found["height"]) == ("sndcgan", "noise", 20, 16)
    assert found["can_draw"]
    assert client.get(address).json() == found
    assert client.get(f"{address}/picture").headers["content-type"] == "image/png"


def test_samples_are_those_of_the_library(client, address, gan):
    answer = client.post(f"{address}/samples", json={"seeds": [5, 2], "truncation": 0.7}).json()
    assert [one["seed"] for one in answer["pictures"]] == [5, 2]
    assert [one["class"] for one in answer["pictures"]] == [None, None]
    expected = enlarged(gan.sample_array([5, 2], 0.7))
    assert np.array_equal([image_of(one["png"]) for one in answer["pictures"]], expected)


def test_classes_are_drawn_in_turn_or_one_of_them(client, settings):
    untrained_gan("cgan").save_pretrained(settings.data[0] / "classes")
    of = "/api/models/root:0/classes"
    assert client.get(of).json()["classes"] == ["a", "b", "c"]
    in_turn = client.post(f"{of}/samples", json={"seeds": [0, 1, 2]}).json()["pictures"]
    assert [one["class"] for one in in_turn] == ["a", "b", "c"]
    of_one = client.post(f"{of}/samples", json={"seeds": [0, 1], "class": "b"}).json()["pictures"]
    assert [one["class"] for one in of_one] == ["b", "b"]
    refused = client.post(f"{of}/samples", json={"seeds": [0], "class": "dog"})
    assert refused.status_code == 400
    assert "dog" in refused.json()["error"]


def test_codes_can_be_chosen_one_at_a_time(client, settings):
    gan = untrained_gan("infogan", (1, 16, 16))
    gan.save_pretrained(settings.data[0] / "codes")
    of = "/api/models/root:0/codes"
    about = client.get(of).json()
    assert (about["categories"], about["numbers"]) == (3, 1)
    (one,) = client.post(f"{of}/samples", json={"seeds": [4], "code": "2,0.5"}).json()["pictures"]
    expected = enlarged(gan.sample_array([4], code="2,0.5"))[0].repeat(3, 2)
    assert np.array_equal(image_of(one["png"]), expected)
    assert client.post(f"{of}/samples", json={"seeds": [4], "code": "all"}).status_code == 400


def test_a_walk_passes_the_chosen_pictures(client, address, gan):
    wanted = {"seeds": [3, 8, 1], "between": 2, "truncation": 1.0}
    frames = client.post(f"{address}/walk", json=wanted).json()["frames"]
    assert len(frames) == 5
    expected = enlarged(gan.sample_array([3, 8, 1], 1.0))
    difference = np.abs(np.array([image_of(frames[place]) for place in (0, 2, 4)], int) - expected)
    assert difference.max() <= 1  # the way goes through sines, and rounds elsewhere


def test_a_film_is_one(client, address):
    wanted = {"seeds": [3, 8], "between": 3, "seconds": 1, "closed": True, "ending": ".gif"}
    answer = client.post(f"{address}/film", json=wanted)
    assert answer.headers["content-type"] == "image/gif"
    assert "attachment" in answer.headers["content-disposition"]
    assert Image.open(io.BytesIO(answer.content)).n_frames == 6  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    "wanted",
    [
        {}, {"seeds": []}, {"seeds": "0-9"}, {"seeds": [0] * 101}, {"seeds": [-1]}, {"seeds": [True]},
        {"seeds": [1.5]}, {"seeds": [2**70]}, {"seeds": [0], "truncation": 0.001}, {"seeds": [0], "truncation": "x"},
        {"seeds": [0], "class": 3}, {"seeds": [0], "code": "1"}, {"seeds": [0], "class": "cats"}, [], 3, None,
    ],
)  # fmt: skip
def test_bad_samples_are_refused_with_words(client, address, wanted):
    answer = client.post(f"{address}/samples", json=wanted)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"seeds": [0, 1], "ending": ".exe"}, {"seeds": [0, 1], "seconds": 0}, {"seeds": [0, 1], "seconds": 10**9},
        {"seeds": [0], "seconds": 1}, {"seeds": [0, 1], "between": 10**9}, {"seeds": [0, 1], "between": True},
        {"seeds": [0, 1], "ending": "../x.gif"}, {"seeds": [0, 1], "closed": 1},
    ],
)  # fmt: skip
def test_bad_films_are_refused_with_words(client, address, wanted):
    answer = client.post(f"{address}/film", json=wanted)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]


@pytest.mark.parametrize("name", ["root:0/squares", "root:7", "builtin:digits", "job:20260102-030405-0123abcd", "x"])
def test_what_is_no_model_is_refused(client, name):
    for way in ("", "/progress", "/picture", "/grids/3"):
        assert client.get(f"/api/models/{name}{way}").status_code == 400
    assert client.post(f"/api/models/{name}/samples", json={"seeds": [0]}).status_code == 400


def test_a_newer_state_is_drawn_as_soon_as_it_is_there(client, address, gan, settings):
    before = client.post(f"{address}/samples", json={"seeds": [0]}).json()
    for parameter in gan.generator.parameters():
        parameter.mul_(-1)
    gan.save_pretrained(settings.data[0] / "models" / "noise")
    assert client.post(f"{address}/samples", json={"seeds": [0]}).json() != before
    assert len(samples._kept) == 1


def test_no_more_than_two_models_are_kept(settings):
    gan = untrained_gan("sndcgan")
    folders = [settings.data[0] / f"model {number}" for number in range(4)]
    for folder in folders:
        gan.save_pretrained(folder)
        samples.model_of(folder)
    assert [name for name, _ in samples._kept] == [str(folder) for folder in folders[2:]]


def test_the_progress_of_a_run(client, settings):
    rows = [{"images": 10 * n, "loss_d": float(n)} for n in range(1, 5)]
    rows.append({"images": 40, "diversity": 0.5, "warnings": ["the generator repeats itself"]})
    rows.append({"images": 40, "changed": {"lr": [1, 2]}})
    write_run(settings.data[0] / "run", rows, (20, 40))
    found = client.get("/api/models/root:0/run/progress").json()
    assert found["curves"] == {"loss_d": [[10, 1.0], [20, 2.0], [30, 3.0], [40, 4.0]], "diversity": [[40, 0.5]]}
    assert found["warnings"] == [[40, "the generator repeats itself"]]
    assert found["grids"] == [20, 40]
    about = client.get("/api/models/root:0/run").json()
    assert (about["images_seen"], about["can_draw"], about["has_picture"]) == (40, False, True)
    picture = client.get("/api/models/root:0/run/grids/20")
    assert Image.open(io.BytesIO(picture.content)).getpixel((0, 0)) == (20, 0, 0)
    assert client.get("/api/models/root:0/run/grids/30").status_code == 404
    assert client.get("/api/models/root:0/run/picture").content != picture.content


def test_long_curves_are_thinned_to_means():
    points = [(images, float(images)) for images in range(1, 1001)]
    thinned = runs._thinned(points)
    assert len(thinned) == 250
    assert thinned[0] == (4, 2.5)
    assert thinned[-1] == (1000, 998.5)


def test_the_methods_are_told_with_their_papers(client):
    found = client.get("/api/presets").json()
    assert found["dcgan"]["year"] == 2015
    assert "values" not in found["dcgan"]
