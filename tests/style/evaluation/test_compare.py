"""Painted pictures compared: the bad ones that would win a figure alone, and the page that asks people."""

import json

import pytest
import torch

from conftest import photograph
from scumble.device import choose
from scumble.errors import ImageError, SettingsError
from scumble.events import returned
from scumble.image.files import load
from scumble.image.tensors import resize, to_tensor
from scumble.perceptual import backbones
from scumble.style.evaluation import blind_page
from scumble.style.evaluation.compare import compare
from scumble.style.evaluation.evaluator import SCENE_LAYER, STYLE_LAYERS, Evaluator
from scumble.style.evaluation.retrieval import Gallery
from scumble.style.evaluation.trials import trials


def scene(seed: int, height: int = 96, width: int = 128) -> torch.Tensor:
    """Something with forms: smooth noise, which is another one for each seed."""
    noise = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(seed))
    return resize(noise, (width, height))


@pytest.fixture(scope="module")
def pocket():
    placement = choose("cpu", "float32")
    return returned(backbones.load("pocket", (*STYLE_LAYERS, SCENE_LAYER), placement)).network


def test_the_photograph_and_the_painting_bound_the_table(pocket):
    judge = Evaluator(pocket, scene(0), scene(1))
    rows = judge.bounds((128, 96))
    photo, painting = rows["the photograph"], rows["the painting"]
    assert photo.features == photo.sliced == photo.patches == photo.colours == pytest.approx(1)
    assert (photo.edges, photo.coarse_edges) == (pytest.approx(1), pytest.approx(1))
    assert photo.structure == photo.leak == 0
    assert max(painting.features, painting.sliced, painting.patches, painting.colours) < 0.05
    assert painting.leak == pytest.approx(1)
    assert painting.edges < 0.2


def test_large_pictures_are_judged_at_a_size_that_fits(pocket):
    judge = Evaluator(pocket, scene(0), scene(1))
    judge.figures(resize(scene(2), (2048, 256)))
    assert list(judge.sights) == [(1024, 128)]


def test_a_photograph_is_recognised_in_itself_and_not_in_another(pocket):
    crowd = [to_tensor(load(photograph(96, 80, seed=seed))) for seed in range(12)]
    gallery = Gallery(torch.stack([Gallery.look(pocket, picture) for picture in crowd]))
    rank, distinct = gallery.recognise(pocket, crowd[3] * 0.9, crowd[3])
    assert rank == 1
    assert distinct > 2
    rank, distinct = gallery.recognise(pocket, crowd[5], crowd[3])
    assert rank > 1
    assert distinct < 1


@pytest.fixture
def painted(tmp_path):
    """Two folders as batch would fill them."""
    for name, seeds in {"contents": {"a": 0, "b": 1}, "styles": {"s": 2}}.items():
        (tmp_path / name).mkdir()
        for stem, seed in seeds.items():
            photograph(64, 48, seed=seed).save(tmp_path / name / f"{stem}.png")
    for number, who in enumerate(("one", "other")):
        (tmp_path / who).mkdir()
        for stem in ("a-s", "b-s"):
            photograph(64, 48, seed=10 + number).save(tmp_path / who / f"{stem}.png")
    return tmp_path


def test_folders_are_compared_over_all_their_pictures(painted):
    found = trials([painted / "one", painted / "other"], painted / "contents", painted / "styles")
    assert [trial.name for trial in found] == ["a-s", "b-s"]
    (painted / "other" / "b-s.png").unlink()
    assert len(trials([painted / "one", painted / "other"], painted / "contents", painted / "styles")) == 1
    with pytest.raises(ImageError, match="no picture is in all of them"):
        trials([painted / "one", painted / "styles"], painted / "contents", painted / "styles")
    with pytest.raises(SettingsError, match="either folders or pictures"):
        trials([painted / "one", painted / "other" / "a-s.png"], painted / "contents", painted / "styles")


def test_means_are_over_trials_and_ranks_are_medians(painted):
    pictures = [painted / "one", painted / "other"]
    gallery = painted / "gallery"
    gallery.mkdir()
    for seed in range(12):
        photograph(64, 48, seed=20 + seed).save(gallery / f"{seed}.png")
    found = compare(pictures, painted / "contents", painted / "styles", gallery=gallery, network="pocket")
    assert found.gallery == 12
    name = str(painted / "one")
    table = found.means()
    assert repr(found).startswith("<Comparison by pocket, ")
    assert all(f"\n{name}: features " in repr(found) for name in table)
    assert list(table) == ["the photograph", "the painting", name, str(painted / "other")]
    assert table[name]["edges"] == pytest.approx(sum(trial[name].edges for trial in found.trials) / 2)
    assert table["the photograph"]["recognised"] == 1
    assert compare(pictures, painted / "contents", painted / "styles", network="pocket").means()[name]["rank"] is None


def test_pictures_of_another_shape_are_refused():
    with pytest.raises(ImageError, match="picture 1 is 48x48 pixels, the photograph 64x48: wanted the same shape"):
        compare([photograph(48, 48)], photograph(64, 48), photograph(48, 48), network="pocket")


@pytest.mark.parametrize("size", [(8, 8), (15, 60), (600, 17)])
def test_pictures_too_small_or_too_long_to_be_seen_are_refused(size):
    with pytest.raises(ImageError, match=f"{size[0]}x{size[1]} pixels; wanted at least 16 on each side"):
        compare([photograph(*size)], photograph(*size), photograph(48, 48, seed=1), network="pocket")


def test_long_pictures_are_judged_and_small_galleries_refused(tmp_path):
    long = photograph(300, 17)
    assert compare([long], long, photograph(48, 48, seed=1), network="pocket").trials[0]["picture 1"].edges > 0.99
    long.save(tmp_path / "long.png")
    with pytest.raises(ImageError, match="the gallery has 1 other photographs; wanted at least 10"):
        compare([long], long, photograph(48, 48, seed=1), network="pocket", gallery=tmp_path)


def test_what_cannot_be_told_apart_is_refused():
    same = photograph(48, 48)
    with pytest.raises(ImageError, match="the photograph and the painting are alike"):
        compare([photograph(48, 48, seed=1)], same, same, network="pocket")
    with pytest.raises(SettingsError, match="the same one twice"):
        trials(["a.png", "./a.png"], same, same)


# --- The page -------------------------------------------------------------------------------------------------------


def content_of(html: str) -> dict:
    start = html.index("const page = ") + len("const page = ")
    return json.loads(html[start : html.index(";\n", start)])


def test_a_blind_page_asks_for_every_pair_in_random_order_and_holds_each_picture_once(painted):
    found = trials([painted / "one", painted / "other"], painted / "contents", painted / "styles")
    html = blind_page.page(found, "Which one would you hang?", seed=1)
    page = content_of(html)
    assert page["question"] == "Which one would you hang?"
    assert sorted(trial["name"] for trial in page["trials"]) == ["a-s", "b-s"]
    for trial in page["trials"]:
        assert {trial["left"]["name"], trial["right"]["name"]} == {str(painted / "one"), str(painted / "other")}
    assert len(page["pictures"]) == len(set(page["pictures"])) == 5  # two contents, a style, two results that are alike
    assert html == blind_page.page(found, "Which one would you hang?", seed=1)
    sides = {content_of(blind_page.page(found, seed=seed))["trials"][0]["left"]["name"] for seed in range(8)}
    assert len(sides) == 2


def test_a_name_cannot_end_the_pages_script(tmp_path):
    pictures = {"</script><!--<script>": photograph(32, 32), "x": photograph(32, 32, seed=1)}
    trial = trials([], photograph(32, 32), photograph(32, 32))[0]._replace(results=pictures)
    html = blind_page.page([trial])
    assert html.count("<script>") == html.count("</script>") == 1
    assert "<!--" not in html
    assert content_of(html)["trials"][0]["left"]["name"] in pictures


def test_a_page_does_not_take_the_place_of_a_picture(painted):
    results = [painted / who / "a-s.png" for who in ("one", "other")]
    found = trials(results, painted / "contents" / "a.png", painted / "styles" / "s.png")
    with pytest.raises(SettingsError, match="wanted a name that ends in .html"):
        blind_page.write(painted / "contents" / "a.png", found)
    gallery = painted / "gallery.html"
    gallery.write_text("not really")
    with pytest.raises(ImageError, match="is also an input"):
        blind_page.check(gallery, found, str(gallery))
    with pytest.raises(SettingsError, match="got one picture"):
        blind_page.write(painted / "page.html", [found[0]._replace(results={"a": results[0]})])
    blind_page.write(painted / "page.html", found)
    assert (painted / "page.html").read_text().startswith("<!doctype html>")
    blind_page.check(painted / "page.html", found, overwrite=False)  # one of ours
    (painted / "page.html").write_text("<!doctype html>\n<html> my diary")
    with pytest.raises(ImageError, match="is there already, and not made by scumble"):
        blind_page.check(painted / "page.html", found, overwrite=False)
    assert load(painted / "contents" / "a.png").size == (64, 48)
