"""Zips: a digest of their content, and attacks and damage that become one line."""

import struct
import zipfile

import pytest

from conftest import encoded, zipped
from scumble.data.sources import zip as zips
from scumble.data.sources.opener import open_source
from scumble.errors import DataError, ImageError


def test_a_zips_digest_is_that_of_its_content(tmp_path):
    a = zipped(tmp_path / "a.zip", {"a.png": encoded(), "b.png": encoded(1)})
    packed = zipped(tmp_path / "b.zip", {"b.png": encoded(1), "a.png": encoded()}, zipfile.ZIP_DEFLATED)
    other = zipped(tmp_path / "c.zip", {"a.png": encoded(2), "b.png": encoded(1)})
    assert open_source(a).digest == open_source(packed).digest != open_source(other).digest


@pytest.mark.parametrize("name", ["../a.png", "x/../../a.png", "/a.png", "C:/a.png", "..\\a.png", "\\a.png"])
def test_names_that_lead_out_of_a_zip_are_refused(tmp_path, name):
    with pytest.raises(DataError, match="points out of it; wanted plain relative names"):
        open_source(zipped(tmp_path / "a.zip", {name: encoded(), "b.png": encoded()}))


def test_an_entry_that_declares_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(zips, "MAX_ENTRY_BYTES", 2 << 20)
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(3 << 20)})
    with pytest.raises(DataError, match="'a.png', which unpacks to 3 MiB; wanted at most 2 MiB"):
        open_source(path)


def test_an_entry_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.bmp": bytes(17 << 20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"unpacks to \d+ times its size; wanted at most 200 times"):
        open_source(path)


def test_an_entry_that_declares_less_than_it_holds_is_damaged(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(5 << 20)}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 1000)  # the unpacked size
    path.write_bytes(data)
    with pytest.raises(ImageError, match="a.png is damaged inside its zip"):
        open_source(path).items[0].load()


def test_encrypted_entries_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": encoded()})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="which is encrypted; wanted a zip without a password"):
        open_source(path)


def test_packing_without_a_bound_is_refused(tmp_path):
    with pytest.raises(DataError, match="packed by method 14; wanted stored or deflated"):
        open_source(zipped(tmp_path / "a.zip", {"a.png": encoded()}, zipfile.ZIP_LZMA))


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_zip_that_was_cut_short_is_one_clear_line(tmp_path, keep):
    path = zipped(tmp_path / "a.zip", {f"{seed}.png": encoded(seed) for seed in range(3)})
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(DataError, match="a.zip cannot be read as a zip: .*cut short") as raised:
        open_source(path)
    assert "\n" not in str(raised.value)


def test_an_entry_with_a_flipped_byte_is_damaged_and_the_others_are_not(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": encoded(), "b.png": encoded(1)})
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 20] ^= 255
    path.write_bytes(data)
    first, second = open_source(path).items
    with pytest.raises(ImageError, match="a.png is damaged inside its zip: Bad CRC"):
        first.load()
    second.load()


@pytest.mark.parametrize("wrap", ["", "photos\\", "a\\b\\"])
def test_backslashes_part_folders_as_windows_writes_them(tmp_path, wrap):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("cats\\1.png", "dogs\\2.png", "cats\\", "cats\\Thumbs.db"):
            entry = zipfile.ZipInfo("x")
            entry.filename = wrap + name
            archive.writestr(entry, encoded() if name.endswith(".png") else b"")
    source = open_source(path)
    wrap = wrap.replace("\\", "/")
    assert {item.name: item.label for item in source.items} == {
        f"{wrap}cats/1.png": "cats",
        f"{wrap}dogs/2.png": "dogs",
    }
    assert source.items[0].load().size == (20, 18)


def test_an_entry_without_a_name_is_one_line(tmp_path):
    info = zipfile.ZipInfo("a.png")
    info.filename = ""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(info, encoded())
    with pytest.raises(DataError):
        open_source(tmp_path / "a.zip")
