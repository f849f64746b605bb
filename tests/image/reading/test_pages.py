"""Files of several pictures: the first is taken and told, `file[2]` takes another."""

import io
import time

import numpy as np
import pytest
import tifffile
from PIL import Image

from conftest import photographs
from scumble.errors import ImageError
from scumble.image.files import check_output, load
from scumble.image.reading import pages

PAGES = photographs(3)


@pytest.fixture(params=["tif", "gif", "webp", "png", "avif"])
def several(request, tmp_path):
    path = tmp_path / f"several.{request.param}"
    options = {"lossless": True} if request.param == "webp" else {}
    PAGES[0].save(path, save_all=True, append_images=PAGES[1:], **options)
    return path


def mean_difference(picture, page) -> float:
    return np.abs(np.asarray(picture.rgb).astype(int) - np.asarray(PAGES[page])).mean()


def test_the_first_is_taken_and_told(several):
    picture = load(several)
    assert mean_difference(picture, 0) < 12
    told = f"holds 3 pictures, of which the first is taken ({several.name}[2] takes another)"
    assert picture.notes == (told,)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_another_can_be_taken(several, page):
    picture = load(f"{several}[{page}]")
    assert mean_difference(picture, page - 1) < 12
    assert picture.notes == ()
    assert picture.name == f"{several.name}[{page}]"


@pytest.mark.parametrize("page", [0, 4, 999999])
def test_pages_that_are_not_there_are_refused(several, page):
    with pytest.raises(ImageError, match=rf"has 3 pictures, got \[{page}\]; wanted \[1\] to \[3\]"):
        load(f"{several}[{page}]")


def test_a_single_picture_has_one_page(tmp_path):
    PAGES[0].save(tmp_path / "a.png")
    assert load(tmp_path / "a.png[1]").notes == ()
    with pytest.raises(ImageError, match=r"has 1 picture, got \[2\]; wanted it without \[ \]"):
        load(tmp_path / "a.png[2]")


def test_a_file_that_is_called_so_wins(several):
    named = several.with_name(f"{several.name}[2]")
    PAGES[2].save(named, "PNG")
    assert mean_difference(load(named), 2) == 0
    assert pages.split(named) == (named, None)


def test_a_file_that_is_missing_is_named_without_its_page(tmp_path):
    with pytest.raises(ImageError, match=r"a\.tif does not exist"):
        load(tmp_path / "a.tif[2]")


def test_a_page_that_pillow_does_not_read_is_taken_too(tmp_path):
    deep = np.zeros((3, 20, 30, 3), np.float32)
    deep[1] = 1
    tifffile.imwrite(tmp_path / "a.tif", deep, photometric="rgb")
    assert np.asarray(load(tmp_path / "a.tif[2]").rgb).min() == 255
    assert np.asarray(load(tmp_path / "a.tif").rgb).max() == 0
    with pytest.raises(ImageError, match=r"\[9\]"):
        load(tmp_path / "a.tif[9]")


def test_pages_are_not_counted_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "MAX_PAGES", 20)
    buffer = io.BytesIO()
    tiny = [Image.new("L", (1, 1))] * 60
    tiny[0].save(buffer, "TIFF", save_all=True, append_images=tiny[1:])
    (tmp_path / "a.tif").write_bytes(buffer.getvalue())
    started = time.perf_counter()
    assert "more than 20 pictures" in load(tmp_path / "a.tif").notes[0]
    assert time.perf_counter() - started < 5


def test_an_output_over_the_file_of_a_page_is_refused(tmp_path):
    PAGES[0].save(tmp_path / "a.png", save_all=True, append_images=PAGES[1:])
    with pytest.raises(ImageError, match="is also an input"):
        check_output(tmp_path / "a.png", inputs=(f"{tmp_path / 'a.png'}[2]",))
