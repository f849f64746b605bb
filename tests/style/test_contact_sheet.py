"""The contact sheet of a batch: everything on it, nobody's file lost for it, and never taken for a photograph."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import photograph, tarred, zipped
from scumble.data.sources.opener import open_source
from scumble.errors import ImageError, ScumbleError
from scumble.events import Event, Finished, Noted, Saved, Warned
from scumble.image import contact_sheet, files, recipe
from scumble.image.collection import pictures_in
from scumble.image.contact_sheet import GAP, LABEL, MAX_PIXELS, MISSING, Cell, draw, layout
from scumble.style.batch import batch_events
from scumble.style.many import sheet
from scumble.style.many.pairs import Pair, Style
from scumble.style.settings import StyleSettings
from scumble.style.stylize import stylize_events

COLOURS = {"red": (250, 0, 0), "green": (0, 250, 0), "blue": (0, 0, 250)}


@pytest.fixture
def flat(tmp_path) -> dict[str, Path]:
    """Pictures of one colour each, one of them higher than wide."""
    found = {}
    for name, colour in COLOURS.items():
        found[name] = tmp_path / f"{name}.png"
        Image.new("RGB", (60, 90) if name == "blue" else (90, 60), colour).save(found[name])
    return found


def batch(tmp_path: Path, overwrite: bool = False, bad: bool = False) -> list[Event]:
    """Two photographs in one style, in the folder `out`."""
    photos = tmp_path / "photos"
    photos.mkdir(exist_ok=True)
    for seed, name in enumerate(("a.png", "b.png")):
        photograph(48, 40, seed=seed).save(photos / name)
    if bad:
        (photos / "bad.png").write_bytes(b"no picture")
    photograph(36, 44, seed=5).save(tmp_path / "style.png")
    settings = StyleSettings(size=32, steps=1)
    events = []
    try:
        for event in batch_events([photos], [tmp_path / "style.png"], settings, tmp_path / "out", overwrite=overwrite):
            events.append(event)
    except ScumbleError:
        assert bad
    return events


def near(picture: Image.Image, place: tuple[int, int], colour: tuple[int, int, int]) -> bool:
    pixel = picture.getpixel(place)
    assert isinstance(pixel, tuple)
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) < 12


def test_every_picture_stands_in_its_place_with_its_name_under_it(flat):
    heading = [Cell(""), Cell("blue", flat["blue"])]
    made, shown = draw(heading, [[Cell("red", flat["red"]), Cell("green", flat["green"])], [Cell("red"), Cell("no")]])
    bands, side, _ = layout(2, 2)
    wide, high, middle, low = side + GAP, side + GAP + LABEL, GAP + side // 2, GAP + side - 20
    assert (shown, bands) == (2, 2)  # the second row stands beside the first, under a heading of its own
    assert made.size == (4 * wide + GAP, 2 * high + GAP)
    assert near(made, (middle, low), (255, 255, 255))  # no picture and no name: nothing
    assert near(made, (middle, low + high), COLOURS["red"])
    assert near(made, (middle + wide, low + high), COLOURS["green"])
    for heading_of_band in (wide, 3 * wide):
        assert near(made, (middle + heading_of_band, low), COLOURS["blue"])
        assert near(made, (GAP + 3 + heading_of_band, low), (255, 255, 255))  # beside a high picture
    assert near(made, (middle + 3 * wide, low + high), MISSING)
    names = np.asarray(made.convert("L"))[GAP + side + high : 2 * high]
    assert names.min() < 100  # there is writing


@pytest.mark.parametrize("rows", [1, 2, 3, 20, 300, 5000])
@pytest.mark.parametrize("columns", [2, 3, 11, 40])
def test_a_sheet_has_an_end_however_many_pictures_there_are(columns, rows):
    bands, side, shown = layout(columns, rows)
    of_band = -(-shown // bands)
    width, height = bands * columns * (side + GAP) + GAP, (of_band + 1) * (side + GAP + LABEL) + GAP
    assert width * height < 1.05 * MAX_PIXELS
    assert max(width, height) < 65500  # of a JPEG
    assert shown == rows or shown * columns > 2000
    assert shown < 20 or columns > 11 or 1 < width / height < 2


def test_long_and_strange_names_are_cut_to_fit(flat):
    strange = [Cell(name, flat["red"]) for name in ("x" * 250, "\u4e2d\u6587", "a\nb\x1b[31m", "")]
    made, _ = draw([Cell("")] * 4, [strange])
    assert made.size[0] < 1200


def test_whichever_are_more_stand_at_the_side():
    contents, styles = (
        [Path("a.png"), Path("b.png"), Path("c.png")],
        [Style("s", (Path("s.png"),)), Style("t", (Path("t.png"),))],
    )
    every = [Pair(c, s, Path(f"{c.stem}-{s.name}.png")) for c in contents for s in styles]
    there = {pair.output for pair in every[1:]}
    heading, rows = sheet.table(every, there)
    assert [cell.label for cell in heading] == ["", "s", "t"]
    assert [cell.label for cell in rows[0]] == ["a", "failed", "a-t"]
    assert len(rows) == 3
    heading, rows = sheet.table([pair for pair in every if pair.content == contents[0]], there)
    assert [cell.label for cell in heading] == ["", "a"]
    assert [[cell.label for cell in row] for row in rows] == [["s", "failed"], ["t", "a-t"]]


def test_a_batch_leaves_a_sheet_and_ends_with_it(tmp_path):
    events = batch(tmp_path)
    path = tmp_path / "out" / "contact.jpg"
    *_, saved, finished = events
    assert saved == Saved(path)
    assert isinstance(finished, Finished)
    with Image.open(path) as image:
        assert image.size == finished.picture.size
    before = path.read_bytes()
    batch(tmp_path)
    assert path.read_bytes() == before


def test_what_failed_has_a_place_on_it(tmp_path):
    events = batch(tmp_path, bad=True)
    assert Saved(tmp_path / "out" / "contact.jpg") in events
    with Image.open(tmp_path / "out" / "contact.jpg") as image:
        assert MISSING in [colour for _, colour in image.getcolors(1 << 24) or []]


@pytest.mark.parametrize("foreign", ["photograph", "painting", "text"])
def test_somebody_elses_file_of_that_name_stays_unless_it_may_be_written_over(
    tmp_path, foreign, content_file, style_file
):
    path = tmp_path / "out" / "contact.jpg"
    path.parent.mkdir()
    if foreign == "painting":  # of ours, and no sheet
        list(stylize_events(content_file, style_file, StyleSettings(size=32, steps=1), path))
    elif foreign == "photograph":
        photograph(20, 30).save(path)
    else:
        path.write_text("mine")
    before = path.read_bytes()
    events = batch(tmp_path)
    (warned,) = (event.message for event in events if isinstance(event, Warned))
    assert warned.startswith("no contact sheet: ")
    assert "--overwrite writes over it" in warned
    assert isinstance(events[-1], Finished)
    assert path.read_bytes() == before
    batch(tmp_path, overwrite=True)
    assert contact_sheet.is_sheet(path)


def test_a_photograph_of_that_name_is_never_written_over(tmp_path, style_file):
    photograph(48, 40).save(tmp_path / "contact.jpg")
    before = (tmp_path / "contact.jpg").read_bytes()
    events = list(
        batch_events(
            [tmp_path / "contact.jpg"], [style_file], StyleSettings(size=32, steps=1), tmp_path, overwrite=True
        )
    )
    assert any(isinstance(event, Warned) and "is also an input" in event.message for event in events)
    assert (tmp_path / "contact.jpg").read_bytes() == before
    assert (tmp_path / "contact-style.png").exists()


def test_it_is_no_photograph_wherever_it_lies_and_no_picture_to_learn_from(tmp_path):
    batch(tmp_path)
    out = tmp_path / "out"
    found, notes = pictures_in([out])
    assert [picture.path.name for picture in found] == ["a-style.png", "b-style.png"]
    assert notes == []
    entries = {path.name: path.read_bytes() for path in out.iterdir()}
    for data in (out, zipped(tmp_path / "out.zip", entries), tarred(tmp_path / "out.tar.gz", entries)):
        names = [item.name for item in open_source(str(data)).items]
        assert names == ["a-style.png", "b-style.png"]
    shutil.copy(out / "contact.jpg", out / "c.jpg")  # who calls it otherwise means it
    assert len(pictures_in([out]).pictures) == 3
    photograph(30, 20).save(out / "contact.jpg")  # and this is a photograph of somebody's
    assert len(pictures_in([out]).pictures) == 4
    with pytest.raises(ImageError, match="no contact sheet|not made by scumble"):
        contact_sheet.check_place(out / "contact.jpg", (), overwrite=False)


def test_too_many_rows_are_told(tmp_path, monkeypatch, flat):
    monkeypatch.setattr(contact_sheet, "MAX_PIXELS", 100_000)
    style = Style("red", (flat["red"],))
    every = [Pair(tmp_path / f"{n}.png", style, tmp_path / f"{n}-red.png") for n in range(30)]
    told = list(sheet.write(every, set(), tmp_path / "contact.jpg", overwrite=False))
    assert any(isinstance(event, Noted) and "has room for" in event.message for event in told)


def test_it_tells_what_it_is(tmp_path, flat):
    made, _ = draw([Cell("")], [[Cell("red", flat["red"])]])
    contact_sheet.save(made, tmp_path / "contact.jpg")
    assert recipe.read(tmp_path / "contact.jpg")["job"] == "contact sheet"
    assert files.load(tmp_path / "contact.jpg").size == made.size


def test_a_heading_with_nothing_in_it_takes_no_room(flat):
    row = [Cell("red", flat["red"]), Cell("blue", flat["blue"])]
    bare, _ = draw([Cell(""), Cell("")], [row])
    headed, _ = draw([Cell(""), Cell("styles")], [row])
    assert bare.width == headed.width
    assert 2 * (bare.height - GAP) == headed.height - GAP
