"""Tars: read where they lie, packed or not; attacks and damage become one line, and nothing is left behind."""

import gzip
import io
import tarfile

import pytest

from conftest import encoded, tarred
from scumble import paths
from scumble.data.sources import zip as zips
from scumble.data.sources.opener import open_source
from scumble.errors import DataError, ImageError

ENTRIES = {f"{kind}/{seed}.png": encoded(seed) for seed in range(3) for kind in ("cats", "dogs")}


def made(path, *members: tarfile.TarInfo, data: bytes = b""):
    with tarfile.open(path, "w") as archive:
        for member in members:
            archive.addfile(member, io.BytesIO(data) if member.size else None)
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz", "a.tgz", "A.TAR.GZ"])
def test_a_tar_is_read_in_any_order_and_nothing_is_left(tmp_path, name):
    source = open_source(tarred(tmp_path / name, ENTRIES))
    assert {item.name: item.label for item in source.items} == {name: name.split("/")[0] for name in ENTRIES}
    for item in reversed(source.items):
        assert item.load().rgb.size == item.size() == (20, 18)
    assert source.items[4].load().rgb.tobytes() == source.items[1].load().rgb.tobytes()
    assert not [path for path in paths.cache_folder().rglob("*") if path.is_file()]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_second_name_of_a_file_is_read_and_links_are_passed_over(tmp_path):
    data = encoded()
    links = [member("b.png", tarfile.LNKTYPE, "a.png"), member("c.png", tarfile.SYMTYPE, "/etc/passwd")]
    path = made(
        tmp_path / "a.tar", member("a.png", size=len(data)), *links, member("d.png", tarfile.FIFOTYPE), data=data
    )
    source = open_source(path)
    assert [item.name for item in source.items] == ["a.png", "b.png"]
    assert source.items[1].load().size == (20, 18)
    assert "links and devices in the tar: 2, the first: c.png" in source.told[-1].message


@pytest.mark.parametrize("name", ["../a.png", "/a.png", "x/../../a.png", "C:/a.png"])
def test_names_that_lead_out_of_a_tar_are_refused(tmp_path, name):
    with pytest.raises(DataError, match="points out of it"):
        open_source(tarred(tmp_path / "a.tar", {name: encoded()}))


def test_links_that_lead_round_are_no_pictures(tmp_path):
    links = [member("a.png", tarfile.LNKTYPE, "b.png"), member("b.png", tarfile.LNKTYPE, "a.png")]
    with pytest.raises(DataError, match="holds no pictures"):
        open_source(made(tmp_path / "a.tar", *links))


def test_an_entry_that_holds_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "MAX_ENTRY_BYTES", 1 << 20)
    with pytest.raises(DataError, match="'a.png', which holds 2 MiB; wanted at most 1 MiB"):
        open_source(tarred(tmp_path / "a.tar", {"a.png": bytes(2 << 20)}))


def test_a_header_that_asks_for_everything_is_refused(tmp_path):
    header = bytearray(member("x", tarfile.XHDTYPE, size=1 << 40).tobuf(tarfile.GNU_FORMAT))
    (tmp_path / "a.tar").write_bytes(header + bytes(2048))
    with pytest.raises(DataError, match="cannot be read as a tar"):
        open_source(tmp_path / "a.tar")


def test_what_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path):
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(bytes(20 << 20)))
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        open_source(tmp_path / "a.tar.gz")


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
@pytest.mark.parametrize("keep", [0, 1, 10, 600, 0.5, 0.95])
def test_a_tar_that_was_cut_short_is_one_line(tmp_path, name, keep):
    path = tarred(tmp_path / name, ENTRIES)
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    try:
        source = open_source(path)
    except DataError as error:
        said = str(error)
    else:
        said = ""
        for item in source.items:
            try:
                item.load()
            except ImageError as error:
                said += str(error)
    assert "\n" not in said
