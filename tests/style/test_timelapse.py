"""What is written on the way: previews, copies, a film; and that none of them can spoil the picture."""

import pytest
from PIL import Image

from scumble.errors import ImageError, SettingsError
from scumble.events import Finished, Progress, Saved, Warned
from scumble.image import film, recipe
from scumble.style import timelapse
from scumble.style.outputs import Wanted
from scumble.style.preparation.sources import Sources
from scumble.style.settings import StyleSettings
from scumble.style.stylize import paint_events


@pytest.fixture
def settings() -> StyleSettings:
    return StyleSettings(preset="fine", size=48, scales=2, steps=6, backbone="pocket")


@pytest.fixture
def sources(content_file, style_file) -> Sources:
    return Sources(content_file, [style_file])


def frames_of(path) -> int:
    with Image.open(path) as animated:
        return animated.n_frames


def test_a_film_shows_every_evaluation_of_a_short_job_and_the_result(sources, settings, tmp_path, monkeypatch):
    shown = []
    write = film.write
    monkeypatch.setattr(film, "write", lambda frames, *rest: shown.append(len(frames)) or write(frames, *rest))
    wanted = Wanted(tmp_path / "out.png", timelapse=tmp_path / "film.webp")
    events = list(paint_events(sources, settings, wanted))
    assert shown == [12 + 1]
    assert frames_of(tmp_path / "film.webp") > 6  # equal ones are merged
    assert [event.path.name for event in events if isinstance(event, Saved)] == ["out.png", "film.webp"]
    assert events[-1].outputs == [tmp_path / "out.png", tmp_path / "film.webp"]
    assert not (tmp_path / "film.webp.frames").exists()
    with Image.open(tmp_path / "film.webp") as whole:
        assert whole.size == (48, 40)


def test_long_jobs_show_as_many_frames_as_a_film_holds(tmp_path):
    long = timelapse.Timelapse(tmp_path / "film.gif", 24_000)
    assert sum(long.due(evaluation) for evaluation in range(1, 24_001)) == timelapse.FRAMES


def test_a_film_of_a_job_that_was_stopped_is_whole(sources, settings, tmp_path):
    wanted = Wanted(tmp_path / "out.png", timelapse=tmp_path / "film.gif")
    events = paint_events(sources, settings, wanted)
    for event in events:
        if isinstance(event, Progress) and event.done >= 5:
            events.close()
    kept = len(list((tmp_path / "film.gif.frames").iterdir()))
    assert kept > 3
    (tmp_path / "film.gif.frames" / "000000011.jpg").write_bytes(b"from a longer job")
    list(paint_events(sources, settings, wanted, resume=True))
    list(paint_events(sources, settings, Wanted(tmp_path / "whole.png", timelapse=tmp_path / "whole.gif")))
    assert (tmp_path / "film.gif").read_bytes() == (tmp_path / "whole.gif").read_bytes()
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


def test_copies_are_numbered_over_all_scales_and_carry_their_recipe(sources, settings, tmp_path):
    list(paint_events(sources, settings, Wanted(tmp_path / "out.png", save_every=5)))
    copies = ["out-000005.png", "out-000010.png"]
    assert sorted(path.name for path in tmp_path.glob("out*")) == [*copies, "out.png"]
    assert recipe.read(tmp_path / copies[0])["result"]["stopped"]
    with Image.open(tmp_path / copies[0]) as copy:
        assert copy.size == (48, 40)


def test_a_film_that_fails_leaves_the_picture(sources, settings, tmp_path, monkeypatch):
    add = timelapse.Timelapse.add

    def full(self, evaluation, picture):
        if evaluation > 3:
            raise ImageError("there is no space left")
        add(self, evaluation, picture)

    monkeypatch.setattr(timelapse.Timelapse, "add", full)
    events = list(paint_events(sources, settings, Wanted(tmp_path / "out.png", timelapse=tmp_path / "film.gif")))
    assert [event.message for event in events if isinstance(event, Warned)] == ["no film: there is no space left"]
    assert isinstance(events[-1], Finished)
    assert (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(None, save_every=5), "save-every"),
        (Wanted(None, timelapse="film.avi"), "wanted one of .webp"),
        (Wanted("out.png", save_every=0), "save-every: got 0"),
        (Wanted("out.webp", timelapse="out.webp"), "itself, wanted another file"),
    ],
)
def test_files_that_cannot_be_written_are_refused_before_any_work(sources, settings, tmp_path, wanted, message):
    paths = {name: tmp_path / path for name, path in wanted._asdict().items() if isinstance(path, str)}
    with pytest.raises(SettingsError, match=message):
        next(paint_events(sources, settings, wanted._replace(**paths)))
