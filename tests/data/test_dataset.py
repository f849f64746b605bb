"""Data sets: pixels as they were, whatever they came as; made once, whole or not at all."""

import dataclasses
import io
import json
import subprocess
import sys
import textwrap
import zipfile

import filelock
import numpy as np
import pytest
import tifffile
from PIL import Image

from conftest import broken, greys, photograph, photographs, source_of
from scumble import paths
from scumble.data.dataset import Dataset, kept, prepare
from scumble.data.labels import UNLABELLED
from scumble.data.measuring import automatic_size
from scumble.data.sources.opener import open_source
from scumble.data.sources.source import Item, Source
from scumble.errors import DataError, SettingsError
from scumble.events import Noted, Progress, Started, Warned


def run(job) -> tuple[list, Dataset]:
    events = []
    while True:
        try:
            events.append(next(job))
        except StopIteration as done:
            return events, done.value


def told(events, kind) -> str:
    return " | ".join(event.message for event in events if isinstance(event, kind))


def cached() -> list[str]:
    return sorted(path.suffix for path in (paths.cache_folder() / "data").iterdir())


# --- Pixels and labels ----------------------------------------------------------------------------------------------


def test_pictures_of_the_right_size_come_through_untouched():
    images = photographs(20)
    _, dataset = run(prepare(source_of(images)))
    assert dataset.shape == (3, 20, 24)
    assert np.array_equal(dataset.pixels, np.stack([np.asarray(image) for image in images]).transpose(0, 3, 1, 2))
    assert isinstance(dataset.pixels, np.memmap)
    assert not dataset.pixels.flags.writeable
    assert dataset.labels is None
    assert dataset.classes == ()


def test_grey_pictures_have_one_channel_and_one_coloured_pixel_makes_three():
    images = greys(20)
    _, grey = run(prepare(source_of(images)))
    assert grey.shape == (1, 20, 24)
    assert np.array_equal(grey.pixels[:, 0], np.stack([np.asarray(image)[..., 0] for image in images]))
    images[-1].putpixel((3, 4), (10, 10, 11))
    _, colour = run(prepare(source_of(images)))
    assert colour.shape == (3, 20, 24)
    assert np.array_equal(colour.pixels[-1, :, 4, 3], [10, 10, 11])


@pytest.mark.parametrize(("images", "channels"), [(greys(16), 3), (photographs(16), 1)])
def test_channels_can_be_asked_for(images, channels):
    _, dataset = run(prepare(source_of(images), channels=channels))
    assert dataset.shape == (channels, 20, 24)
    expected = np.asarray(images[5].convert("L" if channels == 1 else "RGB")).reshape(20, 24, -1)
    assert np.array_equal(dataset.pixels[5], expected.transpose(2, 0, 1))


def test_classes_are_sorted_as_people_count():
    labels = [str(n % 11) for n in range(22)]
    _, dataset = run(prepare(source_of(photographs(22), labels)))
    assert dataset.classes == tuple(str(n) for n in range(11))
    assert dataset.labels.dtype == np.int64
    assert dataset.labels.tolist() == [n % 11 for n in range(22)]


def test_one_class_is_none_and_the_digest_stays_that_of_the_label():
    events, dataset = run(prepare(source_of(photographs(16), ["cat"] * 16)))
    assert (dataset.labels, dataset.classes) == (None, ())
    assert "classes: none (all are of one class, cat)" in told(events, Noted)
    assert dataset.why_no_classes == "all are of one class, cat"
    assert dataset.digest != run(prepare(source_of(photographs(16), ["dog"] * 16)))[1].digest


def test_classes_are_told_with_their_numbers_before_anything_is_read():
    events, _ = run(prepare(source_of(photographs(17), ["b", "a"] * 8 + ["a"])))
    assert events[0] == Noted("made up: 17 pictures; classes: 2: a (9), b (8)")


def test_one_class_that_not_all_pictures_have_is_none():
    events, dataset = run(prepare(source_of(photographs(16), ["cat"] * 15 + [None])))
    assert dataset.labels is None
    assert not dataset.is_partly_labelled
    assert "1 of 16 pictures have no class" in told(events, Noted)


def test_pictures_without_a_class_are_kept_beside_those_that_have_one():
    source = source_of(photographs(16), ["cat", "dog"] * 2 + [None] * 12)
    for _ in range(2):  # made, and opened again
        events, dataset = run(prepare(source))
        assert dataset.labels is not None
        assert dataset.labels.tolist() == [0, 1, 0, 1] + [UNLABELLED] * 12
        assert dataset.classes == ("cat", "dog")
        assert dataset.is_partly_labelled
        assert dataset.why_no_classes == "12 of 16 pictures have no class, the first 4.png"
        assert "classes: 2: cat (2), dog (2); 12 of 16 pictures have no class" in told(events, Noted)


def test_transparency_is_laid_on_white():
    images = [image.convert("RGBA") for image in photographs(16)]
    images[3] = Image.new("RGBA", (24, 20), (0, 0, 0, 51))  # a fifth of black: four fifths of white
    _, dataset = run(prepare(source_of(images)))
    assert (dataset.pixels[3] == 204).all()


# --- Size -----------------------------------------------------------------------------------------------------------


def test_other_shapes_are_cut_around_the_middle():
    stripes = np.zeros((20, 60, 3), np.uint8)
    stripes[:, 20:40] = (200, 100, 50)  # the middle square of 60x20
    _, dataset = run(prepare(source_of([Image.fromarray(stripes)] * 16), size=(20, 20)))
    assert (dataset.pixels.transpose(0, 2, 3, 1) == (200, 100, 50)).all()


def test_shrinking_averages_what_lies_under_a_pixel():
    checks = np.indices((80, 80)).sum(0) % 2 * 255
    image = Image.fromarray(checks.astype(np.uint8)).convert("RGB")
    _, dataset = run(prepare(source_of([image] * 16), size=(20, 20)))
    assert np.abs(dataset.pixels.astype(int) - 127).max() <= 2


def test_the_most_common_size_is_chosen_and_the_others_are_counted():
    images = photographs(15, 32, 24) + photographs(3, 40, 40) + photographs(2, 20, 20)
    events, dataset = run(prepare(source_of(images)))
    assert dataset.shape == (3, 24, 32)
    assert "5 of 20 pictures are not 32x24" in told(events, Noted)
    assert "2 of 20 pictures are smaller than 32x24" in told(events, Warned)


@pytest.mark.parametrize(
    ("common", "expected"), [((64, 64), (64, 64)), ((178, 218), (64, 78)), ((8, 8), (16, 16)), ((300, 10), (64, 16))]
)
def test_the_automatic_size_keeps_the_shape_and_has_16_to_64_pixels(common, expected):
    events, dataset = run(prepare(source_of(photographs(16, *common))))
    assert (dataset.shape[2], dataset.shape[1]) == expected
    note = f"most pictures are {common[0]}x{common[1]}: all become {expected[0]}x{expected[1]}"
    assert (note in told(events, Noted)) == (common != expected)
    assert told(events, Warned) == ""


def test_digits_become_16x16_and_grey():
    _, dataset = run(prepare(open_source("digits")))
    assert dataset.pixels.shape == (1797, 1, 16, 16)
    assert dataset.classes == tuple("0123456789")


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"size": (64, 8)}, "size 64x8 is too small; wanted at least 16 pixels"),
        ({"channels": 0}, "channels is 0; wanted 1 for grey, 3 for colour"),
    ],
)
def test_impossible_settings_are_refused(choice, said):
    with pytest.raises(SettingsError, match=said):
        run(prepare(source_of(photographs(16)), **choice))


@pytest.mark.parametrize(
    ("sizes", "median"),
    [
        ([(160, 20)] + [(60 + n, 60 - n) for n in range(1, 24)], (72, 47)),
        ([(100, 100)] * 15 + [(40, 40)] * 6, (100, 100)),
        ([(30, 90)] * 9 + [(60, 40)] * 9 + [(50, 50)], (50, 50)),
    ],
)
def test_the_size_is_the_median_of_both_sides(sizes, median):
    images = [photograph(*size, seed=seed) for seed, size in enumerate(sizes)]
    events, dataset = run(prepare(source_of(images)))
    assert (dataset.shape[2], dataset.shape[1]) == automatic_size(median)
    assert f"{median[0]}x{median[1]}" in told(events, Noted)


def test_where_no_size_is_that_of_most_the_spread_is_told():
    images = [photograph(20 + seed, 60 - seed, seed=seed) for seed in range(17)]
    events, _ = run(prepare(source_of(images)))
    said = "pictures are 20 to 36 pixels wide and 44 to 60 high, 28x52 in the median: all become 28x52"
    assert said in told(events, Noted)


# --- Fit ------------------------------------------------------------------------------------------------------------


def middle_stripe() -> Image.Image:
    """60x20, white with its middle third black."""
    stripes = np.full((20, 60, 3), 255, np.uint8)
    stripes[:, 20:40] = 0
    return Image.fromarray(stripes)


def test_a_padded_picture_is_whole_within_margins():
    _, dataset = run(prepare(source_of([middle_stripe()] * 16), (60, 60), 3, "pad"))
    assert (dataset.pixels[:, :, :20] == 0).all()
    assert (dataset.pixels[:, :, 40:] == 0).all()
    assert np.array_equal(dataset.pixels[0, :, 20:40], np.asarray(middle_stripe()).transpose(2, 0, 1))


def test_margins_of_a_transparent_picture_are_what_transparency_is():
    image = middle_stripe().convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    _, dataset = run(prepare(source_of([image] * 16), (60, 60), 3, "pad"))
    assert (dataset.pixels[:, :, :20] == 255).all()
    _, dataset = run(prepare(source_of([image] * 16), (60, 60), 4, "pad"))
    assert (dataset.pixels[:, 3, :20] == 0).all()
    assert (dataset.pixels[:, 3, 21:40] == 255).all()


def test_a_stretched_picture_is_whole_and_out_of_shape():
    events, dataset = run(prepare(source_of([middle_stripe()] * 16), (30, 20), 3, "stretch"))
    row = dataset.pixels[0, 0, 10]
    assert (row[:8] > 200).all()
    assert (row[12:18] < 50).all()
    assert (row[22:] > 200).all()
    assert "stretched out of shape" in told(events, Noted)


# --- Channels and values --------------------------------------------------------------------------------------------


def test_opacity_is_learnt_where_it_is_asked_for():
    images = [image.convert("RGBA") for image in photographs(16)]
    images[3].putalpha(51)
    _, colour = run(prepare(source_of(images), channels=4))
    assert colour.shape == (4, 20, 24)
    assert (colour.pixels[3, 3] == 51).all()
    assert (colour.pixels[4, 3] == 255).all()
    assert np.array_equal(colour.pixels[3, :3], np.asarray(images[3])[..., :3].transpose(2, 0, 1))
    _, grey = run(prepare(source_of(images), channels=2))
    assert np.array_equal(grey.pixels[3, 0], np.asarray(images[3].convert("RGB").convert("L")))
    assert (grey.pixels[3, 1] == 51).all()


def test_colours_have_no_fifth_channel():
    with pytest.raises(DataError, match="x has 3 channels; wanted 5"):
        run(prepare(source_of(photographs(16)), channels=5))


def tiffs(folder, values, **options):
    folder.mkdir(exist_ok=True)
    for number, one in enumerate(values):
        tifffile.imwrite(folder / f"{number:02}.tif", one, **options)
    return open_source(folder)


def test_bands_are_as_many_as_files_have(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (16, 20, 24, 5), dtype=np.uint8)
    _, dataset = run(prepare(tiffs(tmp_path, values, photometric="minisblack", planarconfig="contig")))
    assert np.array_equal(dataset.pixels, values.transpose(0, 3, 1, 2))
    with pytest.raises(DataError, match="has 5 channels; wanted 3"):
        run(prepare(open_source(tmp_path), channels=3))


def test_the_fourth_band_of_a_tiff_is_seen_where_four_are_asked_for(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (16, 20, 24, 4), dtype=np.uint8)
    source = tiffs(tmp_path, values, photometric="rgb", extrasamples=["unspecified"])
    assert np.array_equal(run(prepare(source, channels=4))[1].pixels, values.transpose(0, 3, 1, 2))
    assert np.array_equal(run(prepare(source))[1].pixels, values[..., :3].transpose(0, 3, 1, 2))


def test_pictures_of_different_channels_are_refused_unless_they_are_asked_for(tmp_path):
    values = np.random.default_rng(0).integers(0, 256, (17, 20, 24, 5), dtype=np.uint8)
    tiffs(tmp_path, values, photometric="minisblack", planarconfig="contig")
    photograph(24, 20).save(tmp_path / "99.png")
    with pytest.raises(DataError, match=r"17 of 18 pictures .* have 5 channels, and others have not \(--channels 5"):
        run(prepare(open_source(tmp_path)))
    events, dataset = run(prepare(open_source(tmp_path), channels=5))
    assert len(dataset.pixels) == 17
    assert "99.png has 3 channels; wanted 5" in told(events, Warned)


def test_twelve_bits_are_stretched_by_the_range_of_the_whole_set(tmp_path):
    for number in range(16):
        values = np.full((20, 24), 100 * number, np.uint16)
        values[0, 0] = 4000 if number == 5 else 0
        Image.fromarray(values).save(tmp_path / f"{number:02}.png")
    events, dataset = run(prepare(open_source(tmp_path)))
    assert dataset.shape == (1, 20, 24)
    assert dataset.value_range == (0, 4000)
    assert "values are 0 to 4000, where 0 to 65535 are usual: they are stretched" in told(events, Noted)
    assert dataset.pixels[:, 0, 5, 5].tolist() == [round(100 * n / 4000 * 255) for n in range(16)]
    _, asked = run(prepare(open_source(tmp_path), value_range=(0, 1000)))
    assert asked.pixels[:, 0, 5, 5].tolist() == [min(255, round(n / 10 * 255)) for n in range(16)]
    assert run(prepare(open_source(tmp_path)))[1].value_range == (0, 4000)  # from the cache


def test_sixteen_bits_that_are_used_become_what_pillow_made_of_them(tmp_path):
    random = np.random.default_rng(0)
    colours = random.integers(0, 65536, (16, 20, 24, 3), dtype=np.uint16)
    events, dataset = run(prepare(tiffs(tmp_path, colours, photometric="rgb")))
    expected = [np.asarray(Image.open(tmp_path / f"{number:02}.tif")) for number in range(16)]
    assert np.array_equal(dataset.pixels, np.stack(expected).transpose(0, 3, 1, 2))
    assert "stretched" not in told(events, Noted)


def test_sixteen_bits_are_kept_where_they_are_asked_for_and_there(tmp_path):
    values = np.sort(np.random.default_rng(0).integers(0, 65536, (16, 480), dtype=np.uint16)).reshape(16, 20, 24)
    source = tiffs(tmp_path / "deep", values)
    _, dataset = run(prepare(source, bits=16))
    assert dataset.pixels.dtype == np.uint16
    assert np.array_equal(dataset.pixels[:, 0], values)
    assert run(prepare(source, bits=16))[1].digest == dataset.digest  # from the cache
    assert run(prepare(source))[1].pixels.dtype == np.uint8
    _, smaller = run(prepare(source, (18, 16), bits=16))
    _, as_bytes = run(prepare(source, (18, 16)))
    assert np.abs(smaller.pixels / 257 - as_bytes.pixels).max() <= 2  # bytes are rounded twice
    _, of_bytes = run(prepare(source_of(photographs(16)), bits=16))
    assert of_bytes.pixels.dtype == np.uint8
    files = len(list((paths.cache_folder() / "data").glob("*.npy")))
    run(prepare(source_of(photographs(16))))
    assert len(list((paths.cache_folder() / "data").glob("*.npy"))) == files  # once, whoever asks


@pytest.mark.parametrize(("kind", "opacity"), [(np.uint16, "unassalpha"), (np.uint16, "unspecified"), (np.uint8, "")])
def test_sixteen_bits_with_a_fourth_band_are_colours_on_white_or_alone(tmp_path, kind, opacity):
    top = np.iinfo(kind).max
    values = np.random.default_rng(0).integers(0, top, (16, 20, 24, 4), dtype=kind, endpoint=True)
    source = tiffs(tmp_path / "four", values, photometric="rgb", extrasamples=[opacity or "unassalpha"])
    _, dataset = run(prepare(source, bits=16))
    assert (dataset.pixels.dtype, dataset.shape) == (kind, (3, 20, 24))
    share = values[..., 3:].astype(float) / top if opacity != "unspecified" else 1
    wanted = values[..., :3] * share + top * (1 - share)
    assert np.abs(dataset.pixels - wanted.transpose(0, 3, 1, 2)).max() <= 1


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_floats_become_sixteen_bits(tmp_path, kind):
    values = np.linspace(0, 1, 16 * 480).reshape(16, 20, 24).astype(kind)
    _, dataset = run(prepare(tiffs(tmp_path / "floats", values), bits=16))
    assert np.abs(dataset.pixels[:, 0] - values.astype(float) * 65535).max() <= 0.51


def test_bytes_among_sixteen_bits_are_as_bright_as_they_were(tmp_path):
    for number in range(16):
        values = np.full((20, 24), 100, np.uint8) if number == 3 else np.full((20, 24), 60_000, np.uint16)
        Image.fromarray(values).save(tmp_path / f"{number:02}.png")
    _, dataset = run(prepare(open_source(tmp_path), bits=16))
    assert dataset.pixels.dtype == np.uint16
    assert set(dataset.pixels[3].ravel().tolist()) == {100 * 257}
    assert set(dataset.pixels[4].ravel().tolist()) == {60_000}


def test_pictures_that_are_almost_black_are_warned_of():
    dark = [Image.fromarray(np.asarray(image) // 128) for image in photographs(16)]
    events, dataset = run(prepare(source_of(dark)))
    assert "no value is above 1 of 255: the pictures are almost black (--value-range 0,1" in told(events, Warned)
    events, bright = run(prepare(source_of(dark), value_range=(0, 1)))
    assert np.array_equal(bright.pixels, dataset.pixels * 255)
    assert "black" not in told(events, Warned)


# --- What cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, (24, 20)])
def test_a_tenth_may_be_unreadable_and_is_counted(size):
    images = photographs(18)
    images[3:3] = broken(2)
    labels = [str(n) for n in range(20)]
    events, dataset = run(prepare(source_of(images, labels), size=size))
    assert "2 of 20 pictures cannot be read and are left out, the first: broken0.png is damaged" in told(events, Warned)
    assert dataset.classes == tuple(str(n) for n in range(20) if n not in (3, 4))
    assert np.array_equal(dataset.pixels[3], np.asarray(images[5]).transpose(2, 0, 1))


@pytest.mark.parametrize("size", [None, (24, 20)])
def test_more_than_a_tenth_is_refused(size):
    source = source_of(photographs(17) + broken(3))
    with pytest.raises(
        DataError, match=r"3 of 20 pictures of made up cannot be read, the first: broken0.* at most 10%"
    ):
        run(prepare(source, size))
    assert cached() == [".lock"]


def test_too_few_pictures_are_refused():
    with pytest.raises(DataError, match="made up holds 3 pictures .*; wanted at least 16"):
        run(prepare(source_of(photographs(3))))
    with pytest.raises(DataError, match="holds 15 pictures that can be read"):
        run(prepare(source_of(photographs(15) + broken(1))))


def test_a_zip_with_a_damaged_file_is_read_without_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for seed in range(20):
            buffer = io.BytesIO()
            photograph(24, 20, seed=seed).save(buffer, "PNG")
            archive.writestr(f"x/{seed:02}.png", buffer.getvalue()[: 100 if seed == 7 else None])
    events, dataset = run(prepare(open_source(tmp_path / "a.zip")))
    assert len(dataset.pixels) == 19
    assert "1 of 20 pictures cannot be read and are left out, the first: x/07.png is damaged" in told(events, Warned)


# --- The cache ------------------------------------------------------------------------------------------------------


def test_the_second_time_nothing_is_decoded_and_the_same_is_told():
    images, labels = photographs(18) + broken(1), ["a", "b"] * 9 + ["a"]
    first = source_of(images, labels)
    events, dataset = run(prepare(first))

    def fail():
        raise AssertionError("decoded again")

    again = Source(first.name, [Item(item.name, item.label, fail) for item in first.items], first.digest)
    events_again, dataset_again = run(prepare(again))
    assert np.array_equal(dataset_again.pixels, dataset.pixels)
    assert np.array_equal(dataset_again.labels, dataset.labels)
    assert (dataset_again.classes, dataset_again.digest) == (dataset.classes, dataset.digest)
    assert events_again == [event for event in events if isinstance(event, Noted | Warned)] != []


def test_another_size_or_number_of_channels_is_another_data_set():
    source = source_of(greys(16))
    shapes = [run(prepare(source, size, channels))[1].shape for size in (None, (16, 16)) for channels in (None, 3)]
    assert shapes == [(1, 20, 24), (3, 20, 24), (1, 16, 16), (3, 16, 16)]
    assert cached().count(".npy") == 4


def test_the_digest_is_that_of_the_content_wherever_it_came_from(tmp_path):
    images = photographs(16)
    digests = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number, image in enumerate(images):
            image.save(tmp_path / name / f"{number:02}.png")
        digests.add(run(prepare(open_source(tmp_path / name)))[1].digest)
    assert len(digests) == 1
    images[0].putpixel((0, 0), (1, 2, 3))
    assert run(prepare(source_of(images)))[1].digest not in digests


@pytest.mark.parametrize("suffix", [".npy", ".json"])
@pytest.mark.parametrize("damage", [b"", b"{}", None, "short"])
def test_a_damaged_cache_is_made_again(suffix, damage):
    source = source_of(photographs(16), ["a", "b"] * 8)
    _, dataset = run(prepare(source))
    expected = dataset.pixels.copy()
    (path,) = (paths.cache_folder() / "data").glob(f"*{suffix}")
    if damage is None:
        path.unlink()
    else:
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data[:-5] if damage == "short" else damage)
    events, dataset = run(prepare(source))
    assert any(isinstance(event, Started) for event in events)
    assert np.array_equal(dataset.pixels, expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"classes": ["a", 2]}, {"classes": "ab"}, {"digest": None}, {"source": 3}, {"told": [["Printed", "a"]]},
        {"labels": [0] * 16}, {"labels": [2**70] * 16}, {"count": 15}, {"value_range": [0, "1"]}, {"format_version": 1},
        {"value_range": [0, float("nan")]},
    ],
)  # fmt: skip
def test_what_a_cache_tells_is_checked_before_it_is_used(wrong):
    source = source_of(photographs(16), ["a", "b"] * 8)
    _, dataset = run(prepare(source))
    (path,) = (paths.cache_folder() / "data").glob("*.json")
    right = json.loads(path.read_bytes())
    path.write_text(json.dumps(right | wrong))
    events, again = run(prepare(source))
    assert any(isinstance(event, Started) for event in events)
    assert (again.classes, again.digest) == (dataset.classes, dataset.digest)
    assert json.loads(path.read_bytes()) == right


def test_names_that_are_no_text_are_escaped():
    """As Python reads names of other alphabets' bytes; no file of settings could hold them."""
    source = dataclasses.replace(source_of(photographs(16), ["caf\udce9", "bar"] * 8), name="caf\udce9")
    for _ in range(2):
        events, dataset = run(prepare(source))
        assert (dataset.name, dataset.classes) == ("caf\\udce9", ("bar", "caf\\udce9"))
    assert not any(isinstance(event, Started) for event in events)


def test_whoever_stops_in_the_middle_leaves_nothing_and_frees_the_lock():
    source = source_of(photographs(40))
    job = prepare(source)
    while not (isinstance(event := next(job), Progress) and event.job == "read pictures" and event.done == 20):
        pass
    assert ".part" in cached()
    job.close()
    assert cached() == [".lock"]
    assert len(run(prepare(source))[1].pixels) == 40


SCRIPT = """
    import os, resource, signal, sys
    from scumble.data.dataset import prepare
    from scumble.data.sources.opener import open_source
    from scumble.events import Progress
    if sys.argv[2] == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    for event in prepare(open_source(sys.argv[1])):
        if sys.argv[2] == "kill" and isinstance(event, Progress) and event.done == 20:
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("end", ["full", "kill"])
def test_a_full_disk_or_a_kill_leaves_nothing_that_looks_whole(tmp_path, end):
    for number, image in enumerate(photographs(40)):
        image.save(tmp_path / f"{number:02}.png")
    command = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path), end]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if end == "full":
        assert "DataError" in done.stderr
        assert "cannot be kept in" in done.stderr.splitlines()[-1]
        assert cached() == [".lock"]
    else:
        assert done.returncode == -9
        assert not {".npy", ".json"} & set(cached())
    _, dataset = run(prepare(open_source(tmp_path)))
    assert len(dataset.pixels) == 40
    assert cached() == [".json", ".lock", ".npy"]


def test_a_second_run_waits_for_the_first():
    source = source_of(photographs(16))
    _, expected = run(prepare(source))
    (json_path,) = (paths.cache_folder() / "data").glob("*.json")
    hidden = json_path.rename(json_path.with_suffix(".hidden"))
    other = filelock.FileLock(json_path.with_suffix(".lock"))
    other.acquire()
    job = prepare(source)
    assert "16 pictures" in next(job).message
    assert "another run is preparing" in next(job).message
    hidden.rename(json_path)
    other.release()
    events, dataset = run(job)
    assert not any(isinstance(event, Started) for event in events)
    assert np.array_equal(dataset.pixels, expected.pixels)


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path / "home"))
    with pytest.raises(DataError, match="made up cannot be kept in"):
        run(prepare(source_of(photographs(16))))


def test_progress_reaches_the_end_of_each_job():
    events, _ = run(prepare(source_of(photographs(17) + broken(1))))
    jobs = [(event.job, event.total) for event in events if isinstance(event, Started)]
    assert jobs == [("measure pictures", 18), ("read pictures", 18)]
    for job, total in jobs:
        done = [event.done for event in events if isinstance(event, Progress) and event.job == job]
        assert done == sorted(done)
        assert done[-1] == total


def test_the_note_of_a_source_is_told():
    source = source_of(photographs(16))
    noted = Source(source.name, source.items, source.digest, (Noted("only the training part"),))
    assert "only the training part" in told(run(prepare(noted))[0], Noted)


# --- Real pictures --------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape", "count", "classes"),
    [
        ("mnist.npz", (1, 28, 28), 60000, 10),
        ("cifar10.zip", (3, 32, 32), 50000, 10),
        ("faces64.zip", (1, 64, 64), 12783, 0),
    ],
)
def test_real_sets_are_prepared_whole(material, name, shape, count, classes):
    path = material / "data" / name
    if not path.exists():
        pytest.skip(f"needs test material: {path}")
    _, dataset = run(prepare(open_source(path)))
    assert (dataset.shape, len(dataset.pixels), len(dataset.classes)) == (shape, count, classes)
    if name == "mnist.npz":
        assert np.array_equal(dataset.pixels[:, 0], np.load(path)["x_train"])


def test_what_the_cache_still_has_is_found_by_its_digest():
    _, prepared = run(prepare(source_of(photographs(16))))
    _, other = run(prepare(source_of(photographs(17))))
    found = kept(prepared.digest, "of before")
    assert found is not None
    assert (found.name, found.digest) == ("of before", prepared.digest)
    assert np.array_equal(found.pixels, prepared.pixels)
    assert kept("0" * 64, "none") is None
    for path in (paths.cache_folder() / "data").glob("*.npy"):
        path.write_bytes(b"damaged")
    assert kept(other.digest, "damaged") is None
