"""Files: written whole, through links, with the mode they had, by several threads at once; names that fit."""

import contextlib
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from scumble import paths


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "far").mkdir()
    (tmp_path / "link.png").symlink_to(Path("far") / "real.png")
    for content in (b"new", b"newer"):  # it may lead to a file that is not there yet
        paths.write_atomically(tmp_path / "link.png", content)
        assert (tmp_path / "link.png").is_symlink()
        assert (tmp_path / "far" / "real.png").read_bytes() == content
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["far", "link.png", "real.png"]


def test_links_that_lead_to_each_other_are_an_error_of_the_file_system(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="symbolic links"):
        paths.write_atomically(tmp_path / "a", b"")
    assert (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666, 0o444])
def test_the_mode_of_what_was_there_is_kept(tmp_path, mode):
    path = tmp_path / "private.png"
    path.write_bytes(b"old")
    path.chmod(mode)
    paths.write_atomically(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_bytes() == b"new"


def test_a_new_file_has_the_mode_that_the_user_gives_to_files(tmp_path):
    before = os.umask(0o027)
    try:
        paths.write_atomically(tmp_path / "new.png", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new.png").stat().st_mode) == 0o640


def test_threads_that_write_into_one_folder_at_once_do_not_meet(tmp_path):
    begin = threading.Barrier(8)
    failed = []

    def write(number: int) -> None:
        begin.wait()
        try:
            for _ in range(20):
                paths.write_atomically(tmp_path / f"{number}.png", bytes([number]) * 1000)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        f"{number}.png": bytes([number]) * 1000 for number in range(8)
    }


def test_threads_that_write_one_file_at_once_leave_what_one_of_them_wrote(tmp_path):
    path, begin, failed = tmp_path / "a.png", threading.Barrier(8), []
    contents = [bytes([number]) * 100_000 for number in range(8)]

    def write(content: bytes) -> None:
        begin.wait()
        try:
            for _ in range(20):
                paths.write_atomically(path, content)
                assert path.read_bytes() in contents
        except (OSError, AssertionError) as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert path.read_bytes() in contents
    assert list(tmp_path.iterdir()) == [path]


WRITER = """
import sys
from pathlib import Path
from scumble import paths

with paths.partial(Path(sys.argv[1])) as (_, file):
    file.write(b"half")
    file.flush()
    print("writes", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def writing_elsewhere(path: Path) -> Iterator[subprocess.Popen]:
    """A process in the middle of writing a file; it ends its work when its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writes\n"
        yield process


def grow_old(folder: Path, seconds: float = 60) -> None:
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))
    paths._looked_into.clear()  # so long ago


def test_the_next_write_removes_what_a_killed_one_left(tmp_path):
    with writing_elsewhere(tmp_path / "a.png") as process:
        process.kill()
    (left,) = tmp_path.iterdir()
    paths.write_atomically(tmp_path / "b.png", b"at once")
    assert left.exists()  # of whom it is cannot be told for sure
    grow_old(tmp_path)
    paths.write_atomically(tmp_path / "b.png", b"later")
    assert list(tmp_path.iterdir()) == [tmp_path / "b.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="locks of open files are the system's own there")
def test_a_living_process_keeps_its_unfinished_file_however_long_it_takes(tmp_path):
    with writing_elsewhere(tmp_path / "a.png") as process:
        grow_old(tmp_path, 1e6)
        paths.write_atomically(tmp_path / "a.png", b"another's")
        assert len(list(tmp_path.iterdir())) == 2
        process.communicate(timeout=60)
    assert (tmp_path / "a.png").read_bytes() == b"half"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes")
def test_a_pipe_of_such_a_name_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / ".scumble-0123456789abcdef.part")
    grow_old(tmp_path)
    paths.write_atomically(tmp_path / "a.png", b"data")
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_is_looked_through_once_in_a_while(tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(type(tmp_path), "glob", lambda self, pattern: looks.append(self) or iter(()))
    for number in range(5):
        paths.write_atomically(tmp_path / f"{number}.png", b"data")
    assert looks == [tmp_path]


def test_files_of_other_programs_stay(tmp_path):
    names = [".scumble-1.part", ".scumble-0123456789abcdef.part.png", ".0123456789abcdef.part", ".scumble-notes.part"]
    for name in names:
        (tmp_path / name).write_bytes(b"mine")
    (tmp_path / ".scumble-0123456789abcdef.part").mkdir()  # a folder is none of ours
    grow_old(tmp_path)
    paths.write_atomically(tmp_path / "a.png", b"")
    assert {path.name for path in tmp_path.iterdir()} == {*names, ".scumble-0123456789abcdef.part", "a.png"}


@pytest.mark.parametrize("stem", ["long" * 100, "ü" * 130, "名" * 90, "x" * 252])
def test_names_that_no_file_system_holds_are_shortened_and_stay_different(tmp_path, stem):
    names = [paths.fitting(stem + last, ".png.unfinished") for last in "ab"]
    for name in names:
        assert len(os.fsencode(name)) <= paths.MAX_NAME_BYTES
        assert name.endswith(".png.unfinished")
        (tmp_path / name).write_bytes(b"")
    assert names[0] != names[1]


def test_names_that_fit_are_left_alone():
    assert paths.fitting("x" * 251, ".png") == "x" * 251 + ".png"
    assert paths.fitting("\udcff", ".png") == "\udcff.png"  # bytes that are no text


def homeless(monkeypatch) -> None:
    """As a user of a container who is in no list of users."""
    import pwd

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    for name in ("HOME", "XDG_CACHE_HOME", "SCUMBLE_HOME", "TORCH_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_home_folder_weights_are_looked_for_elsewhere(monkeypatch, tmp_path):
    homeless(monkeypatch)
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    assert paths.weights_folders() == [tmp_path, tmp_path / "temporary" / "scumble" / "weights"]
    assert paths.cache_folder() == tmp_path / "temporary" / "scumble"


def test_caches_that_are_named_need_no_home_folder(monkeypatch, tmp_path):
    homeless(monkeypatch)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert paths.weights_folders()[-1] == tmp_path / "torch" / "hub" / "checkpoints"
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "of-torch"))
    assert paths.weights_folders()[-1] == tmp_path / "of-torch" / "hub" / "checkpoints"
