"""Where pictures go: nobody else's file is written over, no input ever, and whatever refuses is told in one line."""

import os
import stat
import threading
from pathlib import Path

import pytest
from PIL import Image

from conftest import photograph
from scumble import paths
from scumble.errors import ImageError, ScumbleError, SettingsError
from scumble.events import Event, Finished, Noted, Preview, Progress, Saved, Warned, returned
from scumble.image import recipe
from scumble.style import outputs
from scumble.style.outputs import Wanted
from scumble.style.preparation.sources import Sources
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import paint_events, stylize_events


@pytest.fixture
def settings() -> StyleSettings:
    return StyleSettings(size=32, steps=3, scales=1, backbone="pocket")


@pytest.fixture
def sources(content_file, style_file) -> Sources:
    return Sources(content_file, [style_file])


def painted(sources: Sources, settings: StyleSettings, wanted: Wanted | Path, resume: bool = False) -> list[Event]:
    return list(paint_events(sources, settings, wanted, resume=resume))


def foreign(path: Path) -> bytes:
    """A picture that somebody else has made."""
    photograph(9, 9, seed=7).save(path)
    return path.read_bytes()


def test_a_file_of_somebody_elses_is_written_over_only_when_asked(sources, settings, tmp_path):
    path = tmp_path / "out.png"
    for content in (foreign(path), b"no picture at all"):
        path.write_bytes(content)
        with pytest.raises(ImageError, match=r"out\.png is there already, and not made by scumble \(--overwrite"):
            painted(sources, settings, path)
        assert path.read_bytes() == content
    painted(sources, settings, Wanted(path, overwrite=True))
    assert recipe.read(path)["job"] == "stylize"


def test_the_picture_so_far_is_shown_without_a_file(sources, settings, monkeypatch):
    def shown(wanted: Wanted) -> list[Preview]:
        return [event for event in painted(sources, settings, wanted) if isinstance(event, Preview)]

    assert shown(Wanted(None)) == []
    monkeypatch.setattr(outputs, "PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr(outputs, "SHARE_OF_PREVIEWS", 1.0)
    previews = shown(Wanted(None, show=True))
    assert [preview.done for preview in previews] == [0, 1, 2, 3]  # the first by one pass
    assert {preview.path for preview in previews} == {None}
    assert previews[0].picture.size == (32, 27)
    monkeypatch.setattr(outputs, "SHARE_OF_PREVIEWS", 1e-9)  # one takes all the time that there is for them
    assert [preview.done for preview in shown(Wanted(None, show=True))] == [0, 1]


def test_a_picture_of_ours_is_remade_and_what_it_was_is_told_where_it_was_another(sources, settings, tmp_path):
    path = tmp_path / "out.png"

    def told(chosen: StyleSettings) -> list[str]:
        events = painted(sources, chosen, path)
        return [event.message for event in events if isinstance(event, Noted) and "written over" in event.message]

    assert told(settings) == told(settings) == told(settings.model_copy(update={"precision": "float32"})) == []
    (note,) = told(settings.model_copy(update={"keep": 2.0}))
    assert note == f"{path} is there already and is written over: its settings keep was 1.0, this one's is 2.0"


@pytest.mark.parametrize("role", ["content", "style"])
def test_a_picture_of_others_is_written_over_with_leave_only(content_file, style_file, settings, tmp_path, role):
    path = tmp_path / "out.png"
    list(stylize_events(content_file, style_file, settings, path))
    before = path.read_bytes()
    other = tmp_path / "other.png"
    photograph(40, 34, 5).save(other)
    pair = (other, style_file) if role == "content" else (content_file, other)
    with pytest.raises(ImageError, match="out.png is there already, and not made of other.png"):
        list(stylize_events(*pair, settings, path))
    assert path.read_bytes() == before
    list(stylize_events(*pair, settings, path, overwrite=True))
    assert path.read_bytes() != before


def test_a_photograph_that_is_much_enlarged_is_told_of(content_file, style_file, settings):
    for size, soft in ((32, False), (120, True)):
        chosen = settings.model_copy(update={"size": size, "steps": 1, "scales": 1})
        told = [event.message for event in stylize_events(content_file, style_file, chosen) if isinstance(event, Noted)]
        assert any("times, it will be soft" in message for message in told) == soft


def test_a_picture_that_is_finished_is_left_alone_when_resumed(sources, settings, tmp_path):
    """Also as a dry run, and also where it was computed in another way."""
    path = tmp_path / "out.png"
    *_, last = painted(sources, settings, path)
    before = path.stat().st_mtime_ns
    for chosen in (settings, settings.model_copy(update={"precision": "float32", "max_memory": 5.0})):
        noted, finished = painted(sources, chosen, path, resume=True)
        assert noted == Noted(f"{path} is finished: nothing is left to do")
        assert isinstance(last, Finished)
        assert isinstance(finished, Finished)
        assert (finished.job, finished.outputs, finished.figures) == ("stylize", [path], last.figures)
        assert finished.picture.tobytes() == last.picture.tobytes()
    assert path.stat().st_mtime_ns == before


def test_a_picture_that_was_made_otherwise_is_not_resumed_unless_it_may_be_written_over(sources, settings, tmp_path):
    path = tmp_path / "out.png"
    painted(sources, settings, path)
    before, other = path.read_bytes(), settings.model_copy(update={"keep": 2.0})
    with pytest.raises(
        ImageError, match=r"made otherwise: its settings keep was 1\.0, this one's is 2\.0 .*--overwrite"
    ):
        painted(sources, other, path, resume=True)
    with pytest.raises(ImageError, match="made otherwise"):  # nor for the sake of a film that is missing
        painted(sources, other, Wanted(path, timelapse=tmp_path / "film.webp"), resume=True)
    photograph(40, 30, seed=8).save(str(sources.content))
    with pytest.raises(ImageError, match=r"is there already, of another content\.png"):
        painted(sources, settings, path, resume=True)
    assert path.read_bytes() == before
    painted(sources, other, Wanted(path, overwrite=True), resume=True)
    assert recipe.read(path)["settings"]["keep"] == 2.0


def test_a_film_that_is_missing_is_work_that_is_left(sources, settings, tmp_path):
    wanted = Wanted(tmp_path / "out.png", timelapse=tmp_path / "film.webp")
    painted(sources, settings, wanted._replace(timelapse=None))
    painted(sources, settings, wanted, resume=True)
    assert (tmp_path / "film.webp").exists()
    assert len(painted(sources, settings, wanted, resume=True)) == 2


def test_a_texture_that_is_finished_is_left_alone_when_resumed(style_file, tmp_path):
    job = Sources(None, [style_file]), TextureSettings(size=32, steps=2), tmp_path / "texture.png"
    list(paint_events(*job))
    assert len(list(paint_events(*job, resume=True))) == 2


def test_an_empty_file_has_nothing_to_lose(sources, settings, tmp_path):
    path = tmp_path / "out.png"
    path.touch(0o600)
    (tmp_path / "link.png").symlink_to("out.png")
    painted(sources, settings, tmp_path / "link.png")
    assert recipe.read(path)["job"] == "stylize"
    assert (tmp_path / "link.png").is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("which", ["preview.png", "film.webp", "out-000002.png"])
def test_previews_films_and_copies_write_over_nobody_elses_file_either(sources, settings, tmp_path, which):
    before = foreign(tmp_path / which)
    wanted = Wanted(tmp_path / "out.png", tmp_path / "preview.png", tmp_path / "film.webp", save_every=1)
    with pytest.raises(ImageError, match=f"{which} is there already, and not made by scumble"):
        painted(sources, settings, wanted)
    assert (tmp_path / which).read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([which, "content.png", "style.png"])
    painted(sources, settings, wanted._replace(overwrite=True))
    assert (tmp_path / which).read_bytes() != before


@pytest.mark.parametrize("film", ["film.webp", "film.gif", "film.mp4"])
def test_the_same_again_writes_over_its_own_previews_films_and_copies(sources, settings, tmp_path, film):
    if film.endswith(".mp4"):
        pytest.importorskip("imageio_ffmpeg")
    wanted = Wanted(tmp_path / "out.png", tmp_path / "preview.png", tmp_path / film, save_every=1)
    for _ in range(2):
        events = painted(sources, settings, wanted)
        assert sum(isinstance(event, Saved) for event in events) == 5
    assert recipe.read(tmp_path / "preview.png")["job"] == "preview"


def test_no_copy_is_written_over_an_input(style_file, settings, tmp_path):
    """Whatever an input is called; the copies that are due do not come near, or the job is not begun."""
    photograph(seed=3).save(tmp_path / "p-000002.png")
    before = (tmp_path / "p-000002.png").read_bytes()
    sources = Sources(tmp_path / "p-000002.png", [style_file])
    for overwrite in (False, True):
        with pytest.raises(ImageError, match=r"p-000002\.png is also an input"):
            painted(sources, settings, Wanted(tmp_path / "p.png", save_every=1, overwrite=overwrite))
    painted(sources, settings, Wanted(tmp_path / "p.png", save_every=3))
    assert (tmp_path / "p-000002.png").read_bytes() == before


def test_a_copy_in_the_way_that_came_while_it_painted_ends_the_copies_and_not_the_work(sources, settings, tmp_path):
    events = []
    for event in paint_events(sources, settings, Wanted(tmp_path / "out.png", save_every=2)):
        events.append(event)
        if isinstance(event, Progress) and event.done == 1:
            foreign(tmp_path / "out-000002.png")
    assert any(isinstance(event, Warned) and "no more copies" in event.message for event in events)
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize("place", ["out.png.unfinished", "film.webp.frames/000000001.jpg"])
def test_what_is_kept_on_the_way_is_no_input(style_file, settings, tmp_path, place):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    photograph(seed=3).save(path, "PNG")
    before = path.read_bytes()
    with pytest.raises(ImageError, match=r"is also an input|lies where the film's pictures go"):
        painted(Sources(path, [style_file]), settings, Wanted(tmp_path / "out.png", timelapse=tmp_path / "film.webp"))
    assert path.read_bytes() == before


def test_what_else_lies_in_the_folder_of_a_films_pictures_stays(sources, settings, tmp_path):
    frames = tmp_path / "film.webp.frames"
    frames.mkdir()
    before = {name: foreign(frames / name) for name in ("holidays.jpg", "7.jpg")}
    painted(sources, settings, Wanted(tmp_path / "out.png", timelapse=tmp_path / "film.webp"))
    assert {path.name: path.read_bytes() for path in frames.iterdir()} == before


@pytest.mark.parametrize("kind", ["loop", "pipe", "into nowhere", "too long"])
def test_places_that_are_none_get_one_line_before_any_work(sources, settings, tmp_path, kind):
    path = tmp_path / "out.png"
    if kind == "loop":
        path.symlink_to("out.png")
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "into nowhere":
        path.symlink_to("none/out.png")
    else:
        path = tmp_path / ("x" * 252 + ".png")
    for wanted in (Wanted(path), Wanted(tmp_path / "fine.png", preview=path)):
        with pytest.raises(ImageError) as error:
            next(paint_events(sources, settings, wanted))
        assert "\n" not in str(error.value)


def test_places_that_may_not_be_written_to_get_one_line_before_any_work(sources, settings, tmp_path, monkeypatch):
    (tmp_path / "out.png").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path / "out.png")
    with pytest.raises(ImageError, match=r"out\.png may not be written to"):
        next(paint_events(sources, settings, tmp_path / "out.png"))
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(ImageError, match="cannot be written to"):
        next(paint_events(sources, settings, tmp_path / "out.png"))


def test_one_place_for_two_pictures_is_refused_through_links_too(sources, settings, tmp_path):
    (tmp_path / "link.png").symlink_to("out.png")
    with pytest.raises(SettingsError, match="the output .* itself"):
        next(paint_events(sources, settings, Wanted(tmp_path / "out.png", preview=tmp_path / "link.png")))


def test_names_of_the_longest_length_have_room_for_all_that_belongs_to_them(sources, settings, tmp_path):
    longest = "x" * 251
    wanted = Wanted(tmp_path / f"{longest}.png", save_every=2, timelapse=tmp_path / f"{longest[1:]}.webp")
    events = paint_events(sources, settings, wanted)
    for event in events:
        if isinstance(event, Progress) and event.done == 2:
            events.close()
    assert any(path.name.endswith(".unfinished") for path in tmp_path.iterdir())
    events = painted(sources, settings, wanted, resume=True)
    assert any(isinstance(event, Noted) and "going on with" in event.message for event in events)
    names = {path.name for path in tmp_path.iterdir()} - {"content.png", "style.png"}
    assert len(names) == 3  # the picture, a copy, the film
    assert {f"{longest}.png", f"{longest[1:]}.webp"} < names


def test_a_full_disk_is_one_line(sources, settings, tmp_path, monkeypatch):
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(outputs, "PREVIEW_SECONDS", 0.0)
    monkeypatch.setattr(paths, "write_atomically", full)
    wanted = Wanted(tmp_path / "out.png", tmp_path / "preview.png", tmp_path / "film.webp", save_every=1)
    with pytest.raises(ScumbleError, match=r"out\.png cannot be written: No space left on device"):
        painted(sources, settings, wanted)


def test_two_threads_paint_into_one_folder_at_once(content_file, style_file, settings, tmp_path):
    failed: list[BaseException] = []

    def paint(name: str) -> None:
        try:
            returned(stylize_events(content_file, style_file, settings, tmp_path / name))
        except BaseException as error:
            failed.append(error)

    names = [f"{number}.png" for number in range(3)]
    threads = [threading.Thread(target=paint, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len({(tmp_path / name).read_bytes() for name in names}) == 1
    with Image.open(tmp_path / "0.png") as picture:
        picture.load()
