import numpy as np
import pytest
from PIL import Image

from scumble.errors import DataError, SettingsError
from scumble.events import Noted, Warned
from scumble.gan.translation.data import open_translation
from translation_material import flat, kind_of, levels, numbered, opened, png, settings_of

A, B = range(20), range(100, 120)  # the n-th of one belongs to the n-th of the other


def all_of(pictures, part):
    batch = pictures.shown(range(pictures.amount(part)), part)
    return levels(batch["a"]), levels(batch["b"]) if "b" in batch else None


def check_pairs(pictures, learnt=16, withheld=4, back=False):
    assert pictures.has_truth
    assert (pictures.count, pictures.amount("withheld")) == (learnt, withheld)
    found = []
    for part in ("learning", "withheld"):
        a, b = all_of(pictures, part)
        assert [level + (-100 if back else 100) for level in a] == b
        found += a
    assert sorted(found) == list(B if back else A)


def side_files(pattern, levels, **shape):
    return {pattern.format(level % 100): png(flat(level, **shape)) for level in levels}


def test_train_and_test_of_a_and_b(collect):
    files = side_files("trainA/{:03}.png", A[:16]) | side_files("trainB/{:03}.png", B[:16])
    files |= side_files("testA/{:03}.png", A[16:]) | side_files("testB/{:03}.png", B[16:])
    pictures = opened(collect(files))
    check_pairs(pictures)
    assert sorted(all_of(pictures, "withheld")[0]) == list(A[16:])


@pytest.mark.parametrize("names", [("A", "B"), ("day", "night")])
@pytest.mark.parametrize("within", ["{}/{{:03}}.png", "all/{}/train/{{:03}}.png", "all/train/{}/{{:03}}.png"])
def test_a_folder_with_two_folders(tmp_path, names, within):
    for name, side in zip(names, (A, B), strict=True):
        for file, data in side_files(within.format(name), side).items():
            path = tmp_path / "data" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    check_pairs(opened(tmp_path / "data"))
    check_pairs(opened(tmp_path / "data", direction="backward"), back=True)


def test_two_folders_with_equal_names_whatever_their_endings(tmp_path):
    numbered(tmp_path / "photos", A)
    numbered(tmp_path / "maps", B, ending="PNG")
    check_pairs(opened([tmp_path / "photos", tmp_path / "maps"]))


def test_two_arrays_are_paired_by_their_order(tmp_path):
    for name, side in (("a", A), ("b", B)):
        np.save(tmp_path / f"{name}.npy", np.stack([flat(level) for level in side]))
    check_pairs(opened([tmp_path / "a.npy", tmp_path / "b.npy"]))


def test_halves_side_by_side(collect):
    parts = ["train"] * 16 + ["val"] * 4
    wide = {
        f"{part}/{a}.png": png(np.concatenate([flat(a), flat(b)], 1)) for part, a, b in zip(parts, A, B, strict=True)
    }
    check_pairs(opened(collect(wide)))


def test_names_without_a_partner_are_named(tmp_path):
    numbered(tmp_path / "d" / "A", A)
    numbered(tmp_path / "d" / "B", B[1:])
    events = open_translation(tmp_path / "d", settings_of(), kind_of())
    warned = []
    try:
        while True:
            event = next(events)
            warned += [event.message] if isinstance(event, Warned) else []
    except StopIteration as end:
        pictures = end.value
    assert pictures.count + pictures.amount("withheld") == 19
    assert any("1 of 20 pictures of d/A have no partner" in message and "A/000.png" in message for message in warned)


@pytest.mark.parametrize("layout", ["{part}{side}/{n}.png", "{side}/{part}/{n}.png", "{part}/{side}/{n}.png"])
def test_parts_that_count_from_1_again_stay_apart(tmp_path, layout):
    for part, first, count in (("train", 0, 16), ("test", 40, 6)):
        for n in range(count):
            for side, more in (("A", 0), ("B", 100)):
                path = tmp_path / layout.format(part=part, side=side, n=n)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(png(flat(first + n + more)))
    pictures = opened(tmp_path)
    assert (pictures.count, pictures.amount("withheld")) == (16, 6)
    assert sorted(all_of(pictures, "withheld")[0]) == list(range(40, 46))
    for part in ("learning", "withheld"):
        a, b = all_of(pictures, part)
        assert [level + 100 for level in a] == b


def test_a_name_that_is_there_twice_is_used_once_and_told(tmp_path):
    numbered(tmp_path / "A", A)
    numbered(tmp_path / "B", B)
    (tmp_path / "B" / "003.tif").write_bytes((tmp_path / "B" / "004.png").read_bytes())
    events = list(open_translation(tmp_path, settings_of(), kind_of()))
    warned = [event.message for event in events if isinstance(event, Warned)]
    assert any("1 names of" in message and "not B/003.tif" in message for message in warned)


@pytest.mark.parametrize("side", ["A", "B"])
def test_what_cannot_be_read_takes_its_partner_with_it(tmp_path, side):
    numbered(tmp_path / "A", range(30))
    numbered(tmp_path / "B", range(100, 130))
    (tmp_path / side / "003.png").write_bytes(b"\x89PNG no picture")
    pictures = opened(tmp_path)
    for part in ("learning", "withheld"):
        a, b = all_of(pictures, part)
        assert [level + 100 for level in a] == b
        assert 3 not in a
    assert pictures.count + pictures.amount("withheld") == 29


def test_what_is_understood_is_told(tmp_path):
    numbered(tmp_path / "A", A)
    numbered(tmp_path / "B", B)
    told = [event.message for event in open_translation(tmp_path, settings_of(), kind_of()) if isinstance(event, Noted)]
    assert "the folder A is side A and B side B, paired by their names; learns from A to B from 16 pairs" in told[-1]
    assert "4 are withheld for testing, with their truth" in told[-1]


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (["."], "no two folders"),
        (["x", "y", "z"], "no two folders"),
        (["x", "."], "no two folders"),
    ],
)
def test_unclear_layouts_are_refused_in_a_line(tmp_path, folders, words):
    for number, folder in enumerate(folders):
        numbered(tmp_path / folder, range(40 * number, 40 * number + 20))
    with pytest.raises(DataError, match=words) as refused:
        opened(tmp_path)
    assert "--pairs grey" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_sides_without_a_name_in_common_are_refused(tmp_path):
    numbered(tmp_path / "A", range(20))
    numbered(tmp_path / "B", range(20, 40))
    with pytest.raises(DataError, match="no name on side A is one on side B"):
        opened(tmp_path)


def test_sides_that_are_no_pairs_are_drawn_each_by_itself(tmp_path):
    numbered(tmp_path / "A", range(30))
    numbered(tmp_path / "B", range(100, 120))
    pictures = opened(tmp_path, kind_of("domains"))
    assert not pictures.has_truth
    assert (pictures.count, pictures.amount("withheld"), pictures.amount_of_targets()) == (26, 4, 4)
    assert all(level >= 100 for level in levels(pictures.targets(range(4))))
    assert levels(pictures.withheld(3)["b"]) == levels(pictures.targets(range(3)))


def test_two_classes_of_folders_are_two_sides_and_inner_ones_are_classes(tmp_path):
    for side, first in (("A", 0), ("B", 100)):
        for name in ("one", "two"):
            numbered(tmp_path / side / name, range(first, first + 10))
            first += 10
    pictures = opened(tmp_path, kind_of("domains"))
    assert pictures.classes == ("one", "two")
    batch = pictures.shown(range(pictures.amount("learning")), "learning")
    assert [level >= 10 for level in levels(batch["a"])] == batch["labels"].bool().tolist()


def test_a_table_gives_several_labels(tmp_path):
    numbered(tmp_path / "faces", range(20))
    rows = [f"{n:03}.png {1 if n % 2 else -1} {1 if n > 9 else -1}" for n in range(20)]
    (tmp_path / "list_attr.txt").write_text("\n".join(["20", "Smiling Young", *rows]))
    pictures = opened(tmp_path / "faces", kind_of("classes"), tmp_path / "list_attr.txt")
    assert (pictures.classes, pictures.shapes.classes) == (("Smiling", "Young"), 2)
    batch = pictures.shown(range(16), "learning")
    for level, (smiling, young) in zip(levels(batch["a"]), batch["labels"].tolist(), strict=True):
        assert (smiling, young) == (level % 2, level > 9)


def test_a_kind_that_learns_classes_refuses_pictures_without(tmp_path):
    numbered(tmp_path, range(20))
    with pytest.raises(DataError, match="has no classes"):
        opened(tmp_path, kind_of("classes"))


def test_code_makes_both_sides_of_one_set_only(tmp_path):
    numbered(tmp_path / "x", range(20))
    with pytest.raises(DataError, match="wanted one set of pictures"):
        opened([tmp_path / "x", tmp_path / "x"], pairs="grey")
    with pytest.raises(SettingsError, match="wanted x2 or x4"):
        opened(tmp_path / "x", kind_of(enlarges=4), pairs="grey")
    with pytest.raises(SettingsError, match="that 4 divides"):
        opened(tmp_path / "x", pairs="x4", size="18")


def test_depth_and_bands_have_as_many_channels_as_they_have(tmp_path):
    for side in ("A", "B"):
        (tmp_path / side).mkdir()
    for n in range(16):
        (tmp_path / "A" / f"{n}.png").write_bytes(png(flat(n + 1)))
        Image.fromarray(np.full((16, 16), 4000 * (n + 1), np.uint16)).save(tmp_path / "B" / f"{n}.png")
    pictures = opened(tmp_path)
    assert pictures.shapes[:2] == ((3, 16, 16), (1, 16, 16))
    assert pictures.value_ranges == (None, (0.0, 65535.0))
    batch = pictures.shown(range(12), "learning")
    for a, b in zip(levels(batch["a"]), levels(batch["b"]), strict=True):
        assert b == round(4000 * a / 65535 * 255)
