import numpy as np
import pytest
import tifffile
import torch

from conftest import photographs
from scumble import SettingsError
from scumble.events import returned
from scumble.gan.translation.data import open_translation
from scumble.gan.translation.degrade import degraded
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.randomness import Share
from scumble.training.task import Moment
from translation_material import kind_of, levels, numbered, opened, png


@pytest.fixture
def folder(tmp_path):
    """Twenty photographs, no two alike anywhere."""
    (tmp_path / "photographs").mkdir()
    for number, picture in enumerate(photographs(20, 24, 24)):
        (tmp_path / "photographs" / f"{number:02}.png").write_bytes(png(np.asarray(picture)))
    return tmp_path / "photographs"


@pytest.fixture
def sides(tmp_path):
    for side, mirrored in (("A", 1), ("B", -1)):
        (tmp_path / "sides" / side).mkdir(parents=True)
        for number, picture in enumerate(photographs(20, 24, 24)):
            pixels = 128 + mirrored * (np.asarray(picture).astype(int) // 2 - 64)
            path = tmp_path / "sides" / side / f"{number:02}.png"
            path.write_bytes(png(pixels.clip(0, 255).astype(np.uint8)))
    return tmp_path / "sides"


CUTS = {"size": "20x16", "jitter": 1.2, "flip": True}


def moment(step=0, share=None, seeds=(0, 0)) -> Moment:
    return Moment(step, seeds, share or Share())


def test_pairs_are_cut_and_mirrored_alike(sides):
    pictures = opened(sides, **CUTS)
    for step in range(6):
        batch = pictures.batch(moment(step))
        assert batch["a"].shape == batch["b"].shape == (4, 3, 16, 20)
        assert (batch["a"] + batch["b"]).abs().max() < 0.02  # side B is the negative of side A
    assert pictures.shapes == ((3, 16, 20), (3, 16, 20), 0)


def test_sides_that_are_no_pairs_are_cut_each_by_itself(sides):
    pictures = opened(sides, kind_of("domains"), **CUTS)
    batches = [pictures.batch(moment(step)) for step in range(6)]
    assert all((batch["a"] + batch["b"]).abs().max() > 0.1 for batch in batches)


@pytest.mark.parametrize("learns_from", ["pairs", "domains", "classes"])
@pytest.mark.parametrize("pairs", ["none", "holes", "noise"])
def test_a_batch_is_a_function_of_the_moment_and_of_the_share(folder, sides, learns_from, pairs):
    by_code = pairs != "none" and learns_from != "classes"
    pictures = opened(folder if by_code else sides, kind_of(learns_from), pairs=pairs if by_code else "none", **CUTS)
    whole, again = pictures.batch(moment(3)), pictures.batch(moment(3))
    halves = [pictures.batch(moment(3, Share(number, 2))) for number in (0, 1)]
    for name in set(whole) - {"random"}:
        assert torch.equal(whole[name], again[name])
        assert torch.equal(whole[name], torch.cat([half[name] for half in halves]))
    for other in (moment(4), moment(3, seeds=(1, 0)), moment(3, seeds=(0, 1))):
        assert not torch.equal(pictures.batch(other)["a"], whole["a"])
    rest = [torch.rand(3, generator=batch["random"]).tolist() for batch in (whole, again)]
    assert rest[0] == rest[1]


@pytest.mark.parametrize("learns_from", ["pairs", "domains"])
def test_withheld_pictures_are_in_no_batch(tmp_path, learns_from):
    numbered(tmp_path, range(50))
    pictures = opened(tmp_path, kind_of(learns_from), pairs="blur")
    held = set(levels(pictures.shown(range(pictures.amount("withheld")))["a"]))
    assert len(held) == 5
    met = [pictures.batch(moment(step)) for step in range(40)]
    seen_a, seen_b = ({level for batch in met for level in levels(batch[side])} for side in "ab")
    assert not held & (seen_a | seen_b)
    assert len(seen_a | seen_b) == 45
    assert (learns_from == "pairs") == (seen_a == seen_b)
    assert learns_from == "pairs" or not seen_a & seen_b  # no picture is on both sides


def test_code_degrades_the_cut_that_is_the_truth(folder):
    pictures = opened(folder, pairs="x4", kind=kind_of(enlarges=4), **CUTS)
    assert pictures.shapes[:2] == ((3, 4, 5), (3, 16, 20))
    batch = pictures.batch(moment(1))
    assert torch.allclose(batch["a"], degraded("x4", batch["b"], batch["random"])[0])
    assert opened(folder, pairs="x4", **CUTS).shapes[:2] == ((3, 16, 20), (3, 16, 20))


def test_backward_goes_from_the_pictures_to_what_is_left_of_them(folder):
    pictures = opened(folder, pairs="grey", direction="backward", **CUTS)
    assert pictures.shapes[:2] == ((3, 16, 20), (1, 16, 20))
    batch = pictures.batch(moment(1))
    assert torch.allclose(batch["b"], degraded("grey", batch["a"], batch["random"])[0])


def test_pairs_of_unequal_sizes_are_cut_at_the_same_place(tmp_path):
    for side in ("A", "B"):
        (tmp_path / side).mkdir()
    for number, picture in enumerate(photographs(20, 160, 160)):
        (tmp_path / "B" / f"{number}.png").write_bytes(png(np.asarray(picture)))
        small = picture.resize((40, 40), resample=4)  # the mean of 4 x 4
        (tmp_path / "A" / f"{number}.png").write_bytes(png(np.asarray(small)))
    pictures = opened(tmp_path, kind_of(enlarges=4), size="128x96", jitter=1.25, flip=True)
    assert pictures.shapes[:2] == ((3, 24, 32), (3, 96, 128))
    for step in range(5):
        batch = pictures.batch(moment(step))
        assert (torch.nn.functional.avg_pool2d(batch["b"], 4) - batch["a"]).abs().max() < 0.05


def test_sixteen_bits_are_learnt_as_such(tmp_path):
    for side, step in (("A", 3), ("B", 5)):
        (tmp_path / side).mkdir()
        for number in range(20):
            values = np.arange(16 * 20, dtype=np.uint16).reshape(16, 20) * step + 40_000 + number
            tifffile.imwrite(tmp_path / side / f"{number:02}.tif", values)
    batch = opened(tmp_path, size="20x16").batch(moment(0))
    for name, step in (("a", 3), ("b", 5)):
        steps = (batch[name].diff(dim=3) * 65535 / 2).abs()
        assert steps.sub(step).abs().max() < 0.1, name


def test_what_is_shown_is_always_the_same_and_holes_too(folder):
    pictures = opened(folder, pairs="holes", **CUTS)
    one, two = pictures.shown(range(3)), pictures.withheld(3)
    assert all(torch.equal(one[name], two[name]) for name in ("a", "b", "mask"))
    assert torch.equal(pictures.shown(range(1, 2))["a"], one["a"][1:2])
    assert len(pictures.withheld(1000)["a"]) == pictures.amount("withheld") == 4


def test_the_digest_is_of_all_that_is_learnt_from(folder, sides):
    def digest(data, kind=None, **given):
        return opened(data, kind, **(CUTS | given)).digest

    digests = [
        digest(folder, pairs="grey"),
        digest(folder, pairs="blur"),
        digest(sides),
        digest(sides, kind_of("domains")),
    ]
    digests += [digest(sides, direction="backward")]
    assert len(set(digests)) == len(digests)
    assert digest(sides) == digest(sides, seed=5)


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("inpainting", {"pairs": "none"}, "pairs: got none, wanted holes or mosaic: inpainting fills holes"),
        ("inpainting", {"pairs": "noise"}, "pairs: got noise, wanted holes or mosaic"),
        (
            "inpainting",
            {"pairs": "holes", "direction": "backward"},
            "pairs: got holes, backward, wanted holes or mosaic",
        ),
        ("domains", {"direction": "backward"}, "direction: got backward, wanted forward: domains learns from classes"),
        ("domains", {"pairs": "grey"}, "pairs: got grey, wanted none: domains learns from classes"),
        ("super-resolution", {"pairs": "grey"}, "pairs: got grey, wanted x2 or x4"),
        ("super-resolution", {"pairs": "x2", "size": "33x32"}, "size: got 33x32, wanted sides that 2 divides"),
        ("super-resolution", {"size": "30"}, "size: got 30, wanted sides that 4 divides"),
    ],
)
def test_pairs_that_a_kind_cannot_learn_from_are_refused(folder, kind, given, words):
    settings = TranslationSettings.model_validate({"kind": kind, "size": "16"} | given)
    with pytest.raises(SettingsError, match=words):
        returned(open_translation(folder, settings, KINDS[kind]))


def test_the_smaller_side_of_an_enlargement_has_a_least_size(sides):
    settings = TranslationSettings(kind="super-resolution", size="32", jitter=1)
    with pytest.raises(SettingsError, match="size: got 32, wanted 64 or more: pictures of side A are 4 times as small"):
        returned(open_translation(sides, settings, KINDS[settings.kind]))
