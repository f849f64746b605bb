"""The paintings that come with scumble, and the program that drew them."""

import hashlib
import io
import sys

import numpy as np
import pytest
from PIL import Image

from conftest import REPOSITORY
from scumble.web import shelf

sys.path.insert(0, str(REPOSITORY / "recipes"))


@pytest.mark.parametrize("name", shelf.PAINTINGS)
def test_a_painting_is_there_and_small(name):
    path = shelf.path(name)
    assert path.stat().st_size <= 60_000
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        assert max(picture.size) == 480
        assert np.asarray(picture, float).std() > 20  # something is to be seen


def test_the_shelf_tells_what_uploads_tell():
    told = shelf.shelf()
    assert [painting["id"] for painting in told] == [f"shelf:{name}" for name in shelf.PAINTINGS]
    for painting in told:
        data = shelf.path(painting["id"].removeprefix("shelf:")).read_bytes()
        assert painting["sha256"] == hashlib.sha256(data).hexdigest()
        assert Image.open(io.BytesIO(data)).size == (painting["width"], painting["height"])
        assert painting["name"]
        assert painting["about"]


def test_nothing_lies_there_that_is_not_on_the_shelf():
    assert {path.stem for path in shelf.FOLDER.iterdir()} == set(shelf.PAINTINGS)


@pytest.mark.parametrize("name", ["", "none", "../words", "waves.jpg", "/etc/passwd", "waves\0"])
def test_no_other_name_is_a_path(name):
    with pytest.raises(KeyError):
        shelf.path(name)


@pytest.mark.parametrize("name", ["mosaic", "ink"])
def test_the_recipe_draws_the_same_paintings(name):
    recipe = pytest.importorskip("shelf", reason="needs the folder recipes, which packages do not hold")
    drawn = Image.open(io.BytesIO(recipe.encoded(recipe.PAINTINGS[name]())))
    with Image.open(shelf.path(name)) as kept:
        difference = np.abs(np.asarray(drawn, float) - np.asarray(kept, float)).mean()
    assert difference < 2  # of 255: other versions of Pillow may round lines otherwise
