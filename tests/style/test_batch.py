"""Many pictures: every pair once, whatever becomes of one of them, however often the command is given."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import photograph
from scumble.errors import ImageError, ScumbleError, SettingsError
from scumble.events import Estimated, Finished, Noted, Planned, Progress, Saved, Started, Warned
from scumble.image import files, recipe
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


SHEET = "contact.jpg"


def names(folder: Path) -> list[str]:
    """What there is in a folder, but for a contact sheet."""
    return sorted(path.name for path in folder.iterdir() if path.name != SHEET)


def test_every_pair_is_painted_with_one_load_of_the_network(folders, settings, tmp_path, monkeypatch):
    loads = []
    load = backbones.load
    monkeypatch.setattr(backbones, "load", lambda *arguments: loads.append(arguments) or load(*arguments))
    events = list(batch_events([folders[0]], [folders[1]], settings, tmp_path / "out"))
    assert names(tmp_path / "out") == ["a-s.png", "a-t.png", "b-s.png", "b-t.png"]
    assert len(loads) == 1
    assert [event.path.name for event in events if isinstance(event, Saved)] == [*names(tmp_path / "out"), SHEET]
    assert last_line(events) == "4 painted, 0 there already"


def test_progress_is_that_of_the_whole_and_what_all_pictures_tell_is_told_once(folders, settings, tmp_path):
    photograph(20, 40, seed=7).save(folders[0] / "c.png")
    events = list(batch_events([folders[0]], [folders[1]], settings, tmp_path / "out"))
    starts = [event for event in events if isinstance(event, Started)]
    total = 4 * 32 * 27 + 2 * 16 * 32
    assert starts == [Started("batch", total, "pixels")]
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert done[-1] == total
    notes = [event.message for event in events if type(event) is Noted]
    assert len(notes) == len(set(notes))
    assert sum("float" in note for note in notes) == 1  # where it is computed


def test_a_picture_of_a_batch_is_the_one_that_is_painted_alone(folders, settings, tmp_path):
    from scumble.style.stylize import stylize_events

    list(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    list(stylize_events(folders[0] / "a.png", folders[1] / "s.png", settings, tmp_path / "alone.png"))
    assert (tmp_path / "out" / "a-s.png").read_bytes() == (tmp_path / "alone.png").read_bytes()


def test_the_same_again_leaves_alone_what_is_there_and_goes_on_with_the_rest(folders, settings, tmp_path):
    out = tmp_path / "out"
    events = batch_events([folders[0]], [folders[1]], settings, out)
    saved = 0
    for event in events:
        saved += isinstance(event, Saved)
        if saved == 1 and isinstance(event, Progress):
            events.close()
    assert names(out) == ["a-s.png", "a-t.png", "a-t.png.unfinished"]
    first = (out / "a-s.png").stat().st_mtime_ns
    told = list(batch_events([folders[0]], [folders[1]], settings, out))
    assert any(isinstance(event, Noted) and "going on with" in event.message for event in told)
    assert last_line(told) == "3 painted, 1 there already"
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
    again = batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], more, tmp_path / "out")
    assert last_line(again) == "0 painted, 1 there already"


def test_a_picture_of_another_photograph_is_not_taken_for_this_ones(folders, settings, tmp_path):
    list(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    photograph(48, 40, seed=9).save(folders[0] / "a.png")
    told = []
    with pytest.raises(ScumbleError, match=r"1 of 1 pictures failed: a-s\.png"):
        told.extend(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"))
    (warned,) = (event.message for event in told if isinstance(event, Warned))
    assert warned.startswith(f"{tmp_path / 'out' / 'a-s.png'} is there already, of another a.png")


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


def last_line(events) -> str:
    *_, last = events
    assert isinstance(last, Finished)
    assert last.job == "batch"
    return f"{last.figures['painted']} painted, {last.figures['there_already']} there already"


def test_results_that_lie_beside_their_photographs_are_not_painted_again(folders, settings, tmp_path):
    for _ in range(2):
        told = list(batch_events([folders[0]], [folders[1]], settings, folders[0]))
    assert last_line(told) == "0 painted, 4 there already"
    assert any(
        isinstance(event, Noted) and "4 pictures passed over, made by scumble" in event.message for event in told
    )
    assert names(folders[0]) == ["a-s.png", "a-t.png", "a.png", "b-s.png", "b-t.png", "b.jpg", "notes.txt"]


@pytest.mark.parametrize("change", [{"device": "cpu"}, {"precision": "float32"}, {"precision": "bfloat16"}])
def test_another_device_or_precision_makes_no_other_picture(folders, settings, tmp_path, change):
    one = [folders[0] / "a.png"], [folders[1] / "s.png"]
    list(batch_events(*one, settings, tmp_path / "out"))
    again = batch_events(*one, settings.model_copy(update=change), tmp_path / "out")
    assert last_line(again) == "0 painted, 1 there already"


def test_a_picture_that_was_stopped_with_another_precision_is_begun_anew(folders, settings, tmp_path):
    one = [folders[0] / "a.png"], [folders[1] / "s.png"]
    events = batch_events(*one, settings.model_copy(update={"precision": "bfloat16"}), tmp_path / "out")
    for event in events:
        if isinstance(event, Progress):
            events.close()
    assert names(tmp_path / "out") == ["a-s.png", "a-s.png.unfinished"]
    told = list(batch_events(*one, settings.model_copy(update={"precision": "float32"}), tmp_path / "out"))
    assert any(isinstance(event, Warned) and event.message.endswith("begun anew") for event in told)
    assert last_line(told) == "1 painted, 0 there already"
    assert names(tmp_path / "out") == ["a-s.png"]


def test_a_picture_that_was_stopped_and_has_lost_its_state_is_not_taken_for_finished(folders, settings, tmp_path):
    one = [folders[0] / "a.png"], [folders[1] / "s.png"]
    events = batch_events(*one, settings, tmp_path / "out")
    for event in events:
        if isinstance(event, Progress):
            events.close()
    (tmp_path / "out" / "a-s.png.unfinished").unlink()
    again = batch_events(*one, settings, tmp_path / "out")
    assert last_line(again) == "1 painted, 0 there already"


def test_what_is_in_the_way_is_written_over_when_asked(folders, settings, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "a-s.png").write_bytes(b"no picture")
    files.save(np.zeros((8, 8, 3), np.uint8), out / "a-t.png", {"job": "stylize", "settings": [], "inputs": []})
    arguments = [folders[0] / "a.png"], [folders[1]], settings, out
    with pytest.raises(ScumbleError, match="2 of 2 pictures failed"):
        list(batch_events(*arguments))
    assert last_line(batch_events(*arguments, overwrite=True)) == "2 painted, 0 there already"
    assert last_line(batch_events(*arguments, overwrite=True)) == "0 painted, 2 there already"


def test_no_result_is_written_over_another_pictures_input(folders, settings, tmp_path):
    photograph(seed=5).save(folders[0] / "a-s.png")
    before = (folders[0] / "a-s.png").read_bytes()
    told = []
    with pytest.raises(ScumbleError, match=r"1 of 3 pictures failed: a-s\.png; .* is also an input"):
        told += batch_events([folders[0]], [folders[1] / "s.png"], settings, folders[0], overwrite=True)
    assert (folders[0] / "a-s.png").read_bytes() == before


def test_folders_of_folders_have_results_in_folders_of_the_same_names(folders, settings, tmp_path):
    (folders[0] / "sea").mkdir()
    photograph(seed=4).save(folders[0] / "sea" / "a.png")
    out = tmp_path / "out"
    told = list(batch_events([folders[0]], [folders[1] / "s.png"], settings, out))
    messages = [event.message for event in told if isinstance(event, Noted)]
    assert f"{folders[0]}: 1 file passed over, no pictures, or of kinds that are not read: notes.txt" in messages
    assert f"{folders[0]}: 1 folder passed over, --recursive goes into folders: sea" in messages
    list(batch_events([folders[0]], [folders[1] / "s.png"], settings, out, recursive=True))
    assert names(out) == ["a-s.png", "b-s.png", "sea"]
    assert names(out / "sea") == ["a-s.png"]


def test_a_folder_of_paintings_is_one_style_when_asked(folders, settings, tmp_path):
    from scumble.style.preparation.sources import Sources
    from scumble.style.stylize import paint_events

    out, content = tmp_path / "out", folders[0] / "a.png"
    for there in (0, 1):
        told = list(batch_events([content], [], settings, out, mixes=[folders[1]]))
        assert last_line(told) == f"{1 - there} painted, {there} there already"
    assert names(out) == ["a-styles.png"]
    list(paint_events(Sources(content, [folders[1] / "s.png", folders[1] / "t.png"]), settings, tmp_path / "alone.png"))
    assert (out / "a-styles.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
    assert set(recipe.read(out / "a-styles.png")["inputs"]) >= {"style", "style 2"}
    with pytest.raises(SettingsError, match="style: got none, wanted a painting"):
        list(batch_events([content], [], settings, out))


def test_long_names_together_are_no_end_of_a_batch(folders, settings, tmp_path):
    for number in range(2):
        photograph(seed=number).save(folders[0] / f"{'long' * 60}{number}.png")
        photograph(seed=number + 5).save(folders[1] / f"{'longer' * 40}{number}.png")
    for expected in ("16 painted, 0 there already", "0 painted, 16 there already"):
        assert last_line(batch_events([folders[0]], [folders[1]], settings, tmp_path / "out")).startswith(expected)


def test_a_disk_that_is_full_for_one_picture_keeps_no_other_from_being_painted(
    folders, settings, tmp_path, monkeypatch
):
    from scumble import paths

    write = paths.write_atomically

    def full(path: Path, data: bytes) -> None:
        if path.name.startswith("a-"):
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(paths, "write_atomically", full)
    with pytest.raises(ScumbleError, match="2 of 4 pictures failed: .*No space left on device"):
        list(batch_events([folders[0]], [folders[1]], settings, tmp_path / "out"))
    assert names(tmp_path / "out") == ["b-s.png", "b-t.png"]


def test_whatever_a_file_system_refuses_ends_no_batch(folders, settings, tmp_path):
    out = tmp_path / "out"
    (out / "a-s.png").mkdir(parents=True)
    (out / "a-t.png").symlink_to("a-t.png")
    with pytest.raises(ScumbleError, match=r"2 of 4 pictures failed: a-s\.png, a-t\.png"):
        list(batch_events([folders[0]], [folders[1]], settings, out))
    assert names(out) == ["a-s.png", "a-t.png", "b-s.png", "b-t.png"]


def test_a_dry_run_tells_what_would_be_painted_and_what_all_of_it_would_take(folders, settings, tmp_path):
    out = tmp_path / "out"
    photograph(20, 40, seed=7).save(folders[0] / "c.png")
    list(batch_events([folders[0] / "a.png"], [folders[1] / "s.png"], settings, out))
    before = sorted(path.stat().st_mtime_ns for path in out.iterdir())
    events = list(batch_events([folders[0]], [folders[1]], settings, out, dry_run=True))
    assert sorted(path.stat().st_mtime_ns for path in out.iterdir()) == before
    plans, estimate = [event for event in events if isinstance(event, Planned)], events[-1]
    assert [plan.message for plan in plans] == [
        f"{out / name}: {size} pixels"
        for name, size in (
            ("a-t.png", "32x27"), ("b-s.png", "32x27"), ("b-t.png", "32x27"), ("c-s.png", "16x32"),
            ("c-t.png", "16x32"),
        )
    ]  # fmt: skip
    assert isinstance(estimate, Estimated)
    assert (estimate.pictures, estimate.there_already) == (5, 1)
    assert estimate.message.startswith("5 of 6 pictures would be painted, 1 there already: about")
    assert estimate.seconds == pytest.approx(sum(plan.seconds or 0 for plan in plans))
    assert estimate.memory_bytes == max(plan.memory_bytes for plan in plans)
    assert any("notes.txt" in event.message for event in events if isinstance(event, Noted))
    assert len([event.message for event in events]) == len({event.message for event in events})


def test_a_dry_run_makes_no_folder_and_tells_what_could_not_be_painted(folders, settings, tmp_path):
    (folders[0] / "aa.png").write_bytes(b"no picture at all")
    seen, events = [], batch_events([folders[0]], [folders[1] / "s.png"], settings, tmp_path / "out", dry_run=True)
    with pytest.raises(ScumbleError, match=r"1 of 3 pictures failed: aa-s\.png"):
        seen.extend(events)
    assert not (tmp_path / "out").exists()
    assert isinstance(seen[-1], Estimated)
    assert seen[-1].pictures == 2


def test_a_dry_run_with_nothing_to_do_says_so(folders, settings, tmp_path):
    one = [folders[0] / "a.png"], [folders[1] / "s.png"], settings, tmp_path / "out"
    list(batch_events(*one))
    *_, last = batch_events(*one, dry_run=True)
    assert last == Estimated("0 of 1 pictures would be painted, 1 there already", 0, 1, 0, 0, 0)
