"""Many pictures: every pair once, whatever becomes of one of them, however often the command is given."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import photograph
from scumble.errors import ImageError, ScumbleError, SettingsError
from scumble.events import Finished, Noted, Progress, Started, Warned
from scumble.image import files
from scumble.perceptual import backbones
from scumble.style.batch import batch_events, pictures_in
from scumble.style.settings import StyleSettings


@pytest.fixture
def folders(tmp_path) -> tuple[Path, Path]:
    """Two photographs, two paintings, and a file that is no picture."""
    contents, styles = tmp_path / "contents", tmp_path / "styles"
    contents.mkdir()
    styles.mkdir()
    for seed, path in enumerate((contents / "a.png", contents / "b.jpg", styles / "s.png", styles / "t.png")):
        photograph(48, 40, seed=seed).save(path)
    (contents / "notes.txt").write_text("no picture")
    return contents, styles


@pytest.fixture
def settings() -> StyleSettings:
    return StyleSettings(size=32, steps=2, backbone="pocket")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_pair_is_painted_with_one_load_of_the_network(folders, settings, tmp_path, monkeypatch):
    loads = []
    load = backbones.load
    monkeypatch.setattr(backbones, "load", lambda *arguments: loads.append(arguments) or load(*arguments))
    events = list(batch_events([folders[0]], [folders[1]], settings, tmp_path / "out"))
    assert names(tmp_path / "out") == ["a-s.png", "a-t.png", "b-s.png", "b-t.png"]
    assert len(loads) == 1
    assert sum(isinstance(event, Finished) for event in events) == 4
    assert events[-1] == Noted("4 pictures: 4 painted, 0 there already, 0 failed")


def test_a_picture_of_a_batch_is_the_one_that_is_painted_alone(folders, settings, tmp_path):
    from scumble.style.stylize import stylize_events

    list(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    list(stylize_events(folders[0] / "a.png", folders[1] / "s.png", settings, tmp_path / "alone.png"))
    assert (tmp_path / "out" / "a-s.png").read_bytes() == (tmp_path / "alone.png").read_bytes()


def test_the_same_again_leaves_alone_what_is_there_and_goes_on_with_the_rest(folders, settings, tmp_path):
    out = tmp_path / "out"
    events = batch_events([folders[0]], [folders[1]], settings, out)
    starts = 0
    for event in events:
        starts += isinstance(event, Started)
        if starts == 2 and isinstance(event, Progress):
            events.close()
    assert names(out) == ["a-s.png", "a-t.png", "a-t.png.unfinished"]
    first = (out / "a-s.png").stat().st_mtime_ns
    told = list(batch_events([folders[0]], [folders[1]], settings, out))
    assert any(isinstance(event, Noted) and "going on with" in event.message for event in told)
    assert told[-1] == Noted("4 pictures: 3 painted, 1 there already, 0 failed")
    assert (out / "a-s.png").stat().st_mtime_ns == first
    assert names(out) == ["a-s.png", "a-t.png", "b-s.png", "b-t.png"]


def test_one_bad_file_does_not_keep_the_others_from_being_painted(folders, settings, tmp_path):
    (folders[0] / "aa.png").write_bytes(b"no picture at all")
    seen, events = [], batch_events([folders[0]], [folders[1]], settings, tmp_path / "out")
    with pytest.raises(ScumbleError, match=r"2 of 6 pictures failed: aa-s.png, aa-t.png"):
        seen.extend(events)
    assert names(tmp_path / "out") == ["a-s.png", "a-t.png", "b-s.png", "b-t.png"]
    assert [event.message[:9] for event in seen if isinstance(event, Warned)] == ["aa-s.png:", "aa-t.png:"]
    assert seen[-1] == Noted("6 pictures: 4 painted, 0 there already, 2 failed")


def test_what_was_made_otherwise_is_not_written_over(folders, settings, tmp_path):
    (tmp_path / "out").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "out" / "a-s.png")
    before = (tmp_path / "out" / "a-s.png").read_bytes()
    with pytest.raises(ScumbleError, match="1 of 1 pictures failed"):
        list(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    list(batch_events([folders[0] / "b.jpg"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    other = StyleSettings(**settings.model_dump() | {"steps": 3})
    with pytest.raises(ScumbleError, match="1 of 1 pictures failed"):
        list(batch_events([folders[0] / "b.jpg"], [folders[1] / "s.png"], other, tmp_path / "out"))
    assert (tmp_path / "out" / "a-s.png").read_bytes() == before


def test_what_only_decides_how_is_not_made_otherwise(folders, settings, tmp_path):
    list(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    more = settings.model_copy(update={"max_memory": 3.0})
    *_, last = batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], more, tmp_path / "out")
    assert last == Noted("1 pictures: 0 painted, 1 there already, 0 failed")


def test_a_picture_of_another_photograph_is_not_taken_for_this_ones(folders, settings, tmp_path):
    list(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    photograph(48, 40, seed=9).save(folders[0] / "a.png")
    told = []
    with pytest.raises(ScumbleError, match=r"1 of 1 pictures failed: a-s\.png"):
        told.extend(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    (warned,) = (event.message for event in told if isinstance(event, Warned))
    assert warned.startswith(f"a-s.png: {tmp_path / 'out' / 'a-s.png'} is there already, of another a.png")


def test_what_cannot_work_is_told_before_any_work(folders, settings, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="holds no pictures"):
        pictures_in([tmp_path / "empty"])
    photograph().save(folders[0] / "a.jpg")
    with pytest.raises(SettingsError, match=r"two pictures would be written to .*a-s.png"):
        list(batch_events([folders[0]], [folders[1]], settings, tmp_path / "out"))
    (tmp_path / "file").write_text("")
    with pytest.raises(ImageError, match="cannot be made"):
        list(batch_events([folders[0] / "b.jpg"], [folders[1]], settings, tmp_path / "file"))


@pytest.mark.parametrize("broken", [{}, {"inputs": []}, {"inputs": {"content": None}}, {"settings": "none"}])
def test_a_picture_with_a_broken_recipe_is_not_written_over_and_keeps_no_other_from_being_painted(
    folders, settings, tmp_path, broken
):
    (tmp_path / "out").mkdir()
    made = {"job": "stylize", "settings": settings.model_dump(mode="json")} | broken
    files.save(np.zeros((8, 8, 3), np.uint8), tmp_path / "out" / "a-s.png", made)
    with pytest.raises(ScumbleError, match="1 of 4 pictures failed: a-s.png"):
        list(batch_events([folders[0]], [folders[1]], settings, tmp_path / "out"))
    assert names(tmp_path / "out") == ["a-s.png", "a-t.png", "b-s.png", "b-t.png"]
