"""What holds for every kind of source: pictures decode when they are asked for, and what is none is one line."""

import pytest
from PIL import Image

from conftest import encoded, photograph, unpacked
from scumble.data.sources.opener import open_source, open_testing_part
from scumble.errors import DataError, ImageError, SettingsError


@pytest.mark.parametrize(
    ("name", "said"), [("missing", "does not exist; wanted a folder"), ("a.csv", "ends in '.csv'; wanted a folder")]
)
def test_what_is_no_source_is_refused(tmp_path, name, said):
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(DataError, match=said):
        open_source(tmp_path / name)


def test_items_decode_to_the_pictures_that_were_saved(collect):
    source = open_source(collect({f"{seed}.png": encoded(seed) for seed in range(3)}))
    for seed, item in enumerate(source.items):
        assert item.load().rgb.tobytes() == photograph(20, 18, seed=seed).tobytes()
        assert item.size() == (20, 18)


def test_nothing_to_learn_from_is_refused(collect):
    with pytest.raises(DataError, match=r"holds no pictures; wanted files such as .png"):
        open_source(collect({"notes.txt": b"x"}))


def test_a_damaged_picture_is_an_image_error_only_when_it_is_loaded(collect):
    source = open_source(collect({"a.png": b"no picture", "b.png": encoded()}))
    with pytest.raises(ImageError, match="a.png is not a picture"):
        source.items[0].load()
    source.items[1].load()


def test_the_size_of_a_turned_photograph_is_that_after_the_turn(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    for name in ("a.jpg", "b.png", "c.webp", "d.tif"):
        photograph(20, 18).save(tmp_path / name, exif=exif)
    for item in open_source(tmp_path).items:
        assert item.size() == item.load().size == (18, 20)


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_refused(name):
    with pytest.raises(SettingsError, match="data: got an empty name; wanted a folder"):
        open_source(name)


def test_a_folder_wins_over_a_built_in_of_the_same_name_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(open_source("digits").items) == 1797
    unpacked(tmp_path / "digits", {"train/a/1.png": encoded(), "test/a/2.png": encoded()})
    source = open_source("digits")
    assert [item.name for item in source.items] == ["train/a/1.png"]
    assert "digits is the folder of that name here, and not the built-in pictures" in source.told[0].message
    assert [item.name for item in open_testing_part("digits").items] == ["test/a/2.png"]
    (tmp_path / "shapes").write_text("a file")
    assert open_source("shapes").items[0].name == "shape 0"


def test_what_is_held_instead_of_pictures_is_told(collect):
    with pytest.raises(DataError, match=r"holds no pictures; .* \(passed over, .*: 2 \.psd\)"):
        open_source(collect({"a.psd": b"x", "b.psd": b"x"}))
