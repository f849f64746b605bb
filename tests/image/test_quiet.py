"""Nothing of a decoder reaches the screen, and nothing of the host program is changed for good."""

import ctypes
import io
import logging
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from conftest import overlapped, photograph
from scumble.errors import ImageError
from scumble.image import files, quiet
from scumble.image.quiet import decoders_quiet


def spoiled_tiffs() -> list[bytes]:
    """Files of which libtiff has much to say."""
    random = np.random.default_rng(0)
    spoiled = []
    for mode, compression in (("1", "group4"), ("RGB", "tiff_lzw"), ("RGB", "jpeg"), ("RGB", "tiff_adobe_deflate")):
        buffer = io.BytesIO()
        photograph(64, 64).convert(mode).save(buffer, "TIFF", compression=compression)
        for _ in range(25):
            data = bytearray(buffer.getvalue())
            for place in random.integers(8, len(data), 4):
                data[place] = random.integers(256)
            spoiled.append(bytes(data))
    return spoiled


def test_the_libraries_in_c_print_nothing(capfd):
    refused = 0
    for data in spoiled_tiffs():
        try:
            files.load_bytes(data, "spoiled.tif")
        except ImageError:
            refused += 1
    assert refused > 10
    assert capfd.readouterr() == ("", "")


def test_what_the_host_program_had_chosen_comes_back_when_the_last_thread_is_done():
    def host() -> tuple[object, ...]:
        handlers = [logging.getLogger(name).handlers[:] for name in quiet.LOGGERS]
        pointers = []
        for set_handler in quiet._setters():
            pointers.append(set_handler(None))
            set_handler(pointers[-1])
        return list(warnings.filters), handlers, pointers

    before = host()
    with overlapped(decoders_quiet):
        assert host() != before
    assert host() == before


def test_pictures_are_read_where_the_library_cannot_be_found(monkeypatch, content_file: Path):
    def missing(name: str) -> None:
        raise OSError("no such library")

    quiet._setters.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert quiet._setters() == []
    assert files.load(content_file).size == (48, 40)
    quiet._setters.cache_clear()


def test_decoders_log_to_whom_the_host_program_says_and_not_to_the_screen(capfd, caplog):
    with decoders_quiet(), caplog.at_level(logging.WARNING, "PIL"):
        logging.getLogger("PIL.TiffImagePlugin").error("more samples than can be decoded")
    assert "more samples" in caplog.text
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("workers", [4])
def test_threads_that_read_at_once_leave_the_filters_alone(content_file, workers):
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [files.load(content_file) for _ in range(30)]) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
