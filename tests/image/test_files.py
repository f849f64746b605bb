"""Every kind of picture in, every kind out: turned, converted, clipped nowhere, whole or not at all."""

import io
import os
import resource
import stat
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from conftest import photograph
from scumble.errors import ImageError, SettingsError
from scumble.image import encode, files, recipe
from scumble.image.files import load, save

RAMP = np.linspace(0, 1, 48 * 40 * 3, dtype=np.float64).reshape(40, 48, 3)
RGB8 = (RAMP * 255).round().astype(np.uint8)


def saved(image: Image.Image, path, **options):
    image.save(path, **options)
    return path


def pixels(picture: files.Picture) -> np.ndarray:
    return np.asarray(picture.rgb).astype(int)


# --- In -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.tif", "a.ppm", "a.tga"])
def test_lossless_files_come_in_as_they_are(tmp_path, name):
    picture = load(saved(Image.fromarray(RGB8), tmp_path / name))
    assert np.array_equal(pixels(picture), RGB8)
    assert picture.alpha is None
    assert picture.name == name


@pytest.mark.parametrize("name", ["a.jpg", "a.webp"])
def test_lossy_files_come_in_nearly_as_they_are(tmp_path, name):
    picture = load(saved(photograph(), tmp_path / name, quality=95))
    assert np.abs(pixels(picture) - np.asarray(photograph()).astype(int)).mean() < 4


def test_a_still_gif_is_a_picture(tmp_path):
    grey = Image.fromarray(np.repeat(RGB8[..., :1], 3, 2))
    assert load(saved(grey, tmp_path / "a.gif")).size == (48, 40)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_turn_is_undone(tmp_path, orientation):
    upright = Image.fromarray(RGB8)
    turns = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for turn in turns.get(orientation, []):
        stored = stored.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(pixels(load(tmp_path / "a.png")), RGB8)


def test_a_profile_that_says_nothing_new_or_nonsense_changes_nothing(tmp_path):
    image = Image.fromarray(RGB8)
    same = load(saved(image, tmp_path / "srgb.png", icc_profile=encode.SRGB_PROFILE))
    assert np.abs(pixels(same) - RGB8).max() <= 1
    broken = load(saved(image, tmp_path / "broken.png", icc_profile=b"no profile at all"))
    assert np.array_equal(pixels(broken), RGB8)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    other_space = load(saved(image, tmp_path / "lab.png", icc_profile=lab))
    assert np.array_equal(pixels(other_space), RGB8)


def swapped_profile() -> bytes:
    """SRGB with the tags of its red and blue primaries exchanged: its red means blue."""
    profile = bytearray(encode.SRGB_PROFILE)
    count = int.from_bytes(profile[128:132], "big")
    where = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, blue = where[b"rXYZ"], where[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile)


def test_a_profile_with_other_primaries_moves_the_colours(tmp_path):
    image = Image.new("RGB", (20, 20), (255, 0, 0))
    converted = pixels(load(saved(image, tmp_path / "a.png", icc_profile=swapped_profile())))
    assert np.abs(converted - [0, 0, 255]).max() <= 2


@pytest.mark.parametrize(
    ("mode", "name"), [("L", "a.png"), ("1", "a.png"), ("P", "a.png"), ("CMYK", "a.jpg"), ("CMYK", "a.tif")]
)
def test_other_modes_become_rgb(tmp_path, mode, name):
    image = photograph().convert(mode)
    picture = load(saved(image, tmp_path / name))
    assert picture.rgb.mode == "RGB"
    difference = np.abs(pixels(picture) - np.asarray(image.convert("RGB")).astype(int)).mean()
    assert difference < 4


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, name):
    grey = (RAMP[..., 0] * 65535).round().astype(np.uint16)
    Image.fromarray(grey).save(tmp_path / name)
    expected = (RAMP[..., 0] * 255).round()
    assert np.abs(pixels(load(tmp_path / name))[..., 1] - expected).max() <= 1


def test_16_bit_colour_comes_in(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", (RAMP * 65535).round().astype(np.uint16), photometric="rgb")
    assert np.abs(pixels(load(tmp_path / "a.tif")) - RGB8).max() <= 1


def test_16_bit_grey_whose_zero_is_white_is_not_read_as_a_negative(tmp_path):
    grey = (RAMP[..., 0] * 65535).round().astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", grey, photometric="miniswhite")
    assert np.abs(pixels(load(tmp_path / "a.tif"))[..., 1] - (255 - (RAMP[..., 0] * 255).round())).max() <= 1


def test_16_bit_planes_which_pillow_would_garble_come_in(tmp_path):
    planes = (RAMP * 65535).round().astype(np.uint16).transpose(2, 0, 1)
    tifffile.imwrite(tmp_path / "a.tif", planes, photometric="rgb", planarconfig="separate")
    assert np.abs(pixels(load(tmp_path / "a.tif")) - RGB8).max() <= 1


@pytest.mark.parametrize(("mode", "name"), [("RGBA", "a.png"), ("LA", "a.png"), ("RGBA", "a.webp"), ("RGBA", "a.tif")])
def test_opacity_is_kept(tmp_path, mode, name):
    image = photograph().convert(mode)
    opacity = Image.fromarray(np.tile(np.linspace(0, 255, 48).round().astype(np.uint8), (40, 1)))
    image.putalpha(opacity)
    options = {"lossless": True} if name.endswith("webp") else {}
    picture = load(saved(image, tmp_path / name, **options))
    assert picture.alpha is not None
    assert np.array_equal(np.asarray(picture.alpha), np.asarray(opacity))


def test_a_palette_with_a_transparent_colour_has_opacity(tmp_path):
    image = Image.new("P", (20, 20), 0)
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.paste(1, (0, 0, 10, 20))
    picture = load(saved(image, tmp_path / "a.png", transparency=1))
    assert picture.alpha is not None
    assert picture.alpha.getpixel((2, 2)) == 0
    assert picture.alpha.getpixel((15, 2)) == 255


def test_full_opacity_is_no_opacity(tmp_path):
    assert load(saved(photograph().convert("RGBA"), tmp_path / "a.png")).alpha is None


@pytest.mark.parametrize(
    "array",
    [RGB8, RAMP, RAMP.astype(np.float32), *((RAMP * 65535).round().astype(order + "u2") for order in "<>")],
)
def test_arrays_are_pictures(array):
    assert np.abs(pixels(load(array)) - RGB8).max() <= 1


def test_pil_pictures_are_pictures_and_stay_unchanged():
    image = photograph().convert("RGBA")
    before = image.tobytes()
    assert load(image).size == image.size
    assert image.tobytes() == before


def test_digests_are_those_of_the_file(tmp_path):
    import hashlib

    path = saved(photograph(), tmp_path / "a.png")
    assert load(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert load(photograph()).sha256 == load(photograph()).sha256 != load(photograph(seed=1)).sha256


# --- Bad pictures ---------------------------------------------------------------------------------------------------


def huge_png(side: int = 50_000, mode: str = "L") -> bytes:
    """A valid PNG of a few kilobytes that claims so many pixels."""
    buffer = io.BytesIO()
    Image.new(mode, (8, 8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def damaged_files(folder):
    whole = io.BytesIO()
    photograph(200, 160).save(whole, "PNG")
    jpeg = io.BytesIO()
    photograph(200, 160).save(jpeg, "JPEG")
    contents = {
        "empty.png": b"",
        "text.jpg": b"this is no picture",
        "cut.png": whole.getvalue()[:200],
        "cut.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "header.png": b"\x89PNG\r\n\x1a\n",
        "bomb.png": huge_png(),
        "deep.png": huge_png(10_000, "I;16"),
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return contents


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("empty.png", "is empty"),
        ("text.jpg", "is not a picture"),
        ("cut.png", "damaged or cut short"),
        ("cut.jpg", "damaged or cut short"),
        ("header.png", "begins as PNG, but is damaged, cut short"),
        ("bomb.png", "more than 178 million pixels"),
        ("deep.png", "more than 89 million pixels"),
        ("missing.png", "does not exist"),
        (".", "is a folder"),
    ],
)
def test_bad_pictures_are_told_in_one_line(tmp_path, name, message):
    damaged_files(tmp_path)
    with pytest.raises(ImageError, match=message) as error:
        load(tmp_path / name)
    assert "\n" not in str(error.value)


def test_things_that_never_end_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    for path in (tmp_path / "pipe.png", Path("/dev/zero")):
        with pytest.raises(ImageError, match="is a pipe or a device"):
            load(path)
        with pytest.raises(ImageError, match="is a pipe or a device"):
            recipe.read(path)
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(2**36)  # a hole: it takes no space
    with pytest.raises(ImageError, match="is larger than 1 GiB"):
        load(tmp_path / "huge.png")


def test_names_too_long_are_told(tmp_path):
    with pytest.raises(ImageError, match="File name too long"):
        load(tmp_path / ("x" * 5000))
    with pytest.raises(ImageError, match="File name too long"):
        files.check_output(tmp_path / ("x" * 260 + ".png"))
    longest = tmp_path / ("x" * 251 + ".png")
    files.check_output(longest)
    save(RGB8, longest)  # what was accepted before the work can be written after it


@pytest.mark.parametrize("thing", [None, 3, b"x", ["a.png"], {"a": 1}])
def test_things_that_are_no_pictures_are_refused(thing):
    with pytest.raises(ImageError, match="content: got .*, wanted a path, a PIL picture or a NumPy array"):
        load(thing, "content")


def test_pil_pictures_that_cannot_be_decoded_are_told(tmp_path):
    damaged_files(tmp_path)
    with Image.open(tmp_path / "cut.jpg") as lazy, pytest.raises(ImageError, match="damaged or cut short"):
        load(lazy)
    with pytest.raises(ImageError, match="has no pixels"):
        load(Image.new("RGB", (0, 0)))


def test_a_photograph_with_a_preview_inside_is_no_animation(tmp_path):
    photograph().save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[photograph(seed=1)])
    assert load(tmp_path / "a.jpg").size == (48, 40)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 2), np.uint8), "has shape"),
        (np.zeros((0, 4, 3), np.uint8), "has shape"),
        (np.zeros((4, 4, 3), np.int64), "is of type int64"),
        (np.full((4, 4, 3), 2.0), "outside 0..1"),
        (np.full((4, 4, 3), np.nan), "outside 0..1"),
    ],
)
def test_bad_arrays_are_refused(array, message):
    with pytest.raises(ImageError, match=message):
        load(array, "content")


# --- Out ------------------------------------------------------------------------------------------------------------

RECIPE = {"job": "stylize", "settings": {"size": 3, "name": "Τübingen"}}


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize(
    ("name", "bits"), [("a.png", 8), ("a.png", 16), ("a.tif", 8), ("a.tiff", 16), ("a.jpg", 8), ("a.webp", 8)]
)
def test_what_is_saved_comes_back(tmp_path, name, bits, channels):
    levels = 2**bits - 1
    ramp = np.dstack([RAMP, RAMP[..., :1]])[..., :channels]
    array = (ramp * levels).round().astype(np.uint8 if bits == 8 else np.uint16)
    save(array, tmp_path / name, RECIPE)

    assert recipe.read(tmp_path / name) == {"format_version": recipe.FORMAT_VERSION} | RECIPE
    picture = load(tmp_path / name)
    lossy = name in ("a.jpg", "a.webp")
    if channels == 3 or not lossy:
        assert np.abs(pixels(picture) - RGB8).mean() <= (3 if lossy else 0.5)
    assert (picture.alpha is not None) == (channels == 4 and name != "a.jpg")
    with Image.open(tmp_path / name) as image:
        assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"])))
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_16_bits_are_kept_to_the_last(tmp_path, name):
    import struct

    array = (RAMP * 65535).round().astype(np.uint16)
    save(array, tmp_path / name)
    if name == "a.tif":
        assert np.array_equal(tifffile.imread(tmp_path / name), array)
        return
    # Pillow reads 16-bit colour as 8 bits, so the pixels are unpacked here, after the standard's own description.
    data, chunks, place = (tmp_path / name).read_bytes(), {}, 8
    while place < len(data):
        length = struct.unpack(">I", data[place : place + 4])[0]
        chunks[data[place + 4 : place + 8]] = data[place + 8 : place + 8 + length]
        place += 12 + length
    raw = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(40, 1 + 48 * 6)
    assert (raw[:, 0] == 2).all()
    rows = np.cumsum(raw[:, 1:].astype(np.int64), 0).astype(np.uint8)
    assert np.array_equal(np.ascontiguousarray(rows).view(">u2").reshape(40, 48, 3), array)


@pytest.mark.parametrize("name", list(encode.WRITERS))
def test_saving_twice_gives_the_same_bytes(tmp_path, name):
    save(RGB8, tmp_path / f"a{name}", RECIPE)
    first = (tmp_path / f"a{name}").read_bytes()
    save(RGB8, tmp_path / f"a{name}", RECIPE)
    assert (tmp_path / f"a{name}").read_bytes() == first


def test_no_recipe_is_no_recipe(tmp_path):
    save(RGB8, tmp_path / "a.png")
    photograph().save(tmp_path / "b.jpg")
    (tmp_path / "c.png").write_text("no picture")
    for name, message in (
        ("a.png", "no recipe"),
        ("b.jpg", "no recipe"),
        ("c.png", "not a picture"),
        ("d", "exist"),
    ):
        with pytest.raises(ImageError, match=message):
            recipe.read(tmp_path / name)


def test_a_recipe_of_a_newer_format_is_refused(tmp_path):
    save(RGB8, tmp_path / "a.png", {"format_version": 99})
    with pytest.raises(ImageError, match="format 99"):
        recipe.read(tmp_path / "a.png")


def test_outputs_that_cannot_be_are_refused_before_any_work(tmp_path):
    source = saved(photograph(), tmp_path / "in.png")
    (tmp_path / "link.png").symlink_to(source)
    (tmp_path / "folder.png").mkdir()
    for path, message in [
        (tmp_path / "folder.png", "is a folder"),
        (tmp_path / "none" / "a.png", "does not exist"),
        (source, "is also an input"),
        (tmp_path / "link.png", "is also an input"),
    ]:
        with pytest.raises(ImageError, match=message):
            files.check_output(path, inputs=(source,))
    for name, bits in (("a.xyz", 8), ("a", 8), ("a.jpg", 16), ("a.webp", 16)):
        with pytest.raises(SettingsError, match="wanted one of"):
            files.check_output(tmp_path / name, bits)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(stat.S_IRUSR | stat.S_IXUSR)
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write anywhere")
    with pytest.raises(ImageError, match="cannot be written to"):
        files.check_output(locked / "a.png")


def test_a_full_disk_leaves_the_old_file(tmp_path):
    """A limit on file sizes fails a write half way, as a full disk does."""
    save(RGB8, tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    script = (
        "import numpy as np, pathlib, sys\n"
        "from scumble.errors import ImageError\n"
        "from scumble.image.files import save\n"
        "noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)\n"
        "try: save(noise, pathlib.Path(sys.argv[1]))\n"
        "except ImageError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        timeout=60,
    )
    assert "cannot be written: File too large" in done.stdout, done.stderr
    assert (tmp_path / "a.png").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("bands", [1, 2, 5])
def test_a_tiff_holds_as_many_channels_as_it_is_given(tmp_path, bands):
    pixels_ = np.arange(6 * 7 * bands, dtype=np.uint16).reshape(6, 7, bands) * 100
    save(pixels_, tmp_path / "a.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif").reshape(6, 7, bands), pixels_)
