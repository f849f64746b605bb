"""Good small picture files of every format that is read, in the variants that take different ways through decoders."""

import io
from importlib.util import find_spec

import numpy as np
import tifffile
from PIL import Image

from conftest import photograph
from picture_files import HEIC, with_coding
from scumble.image import decode, encode

PICTURES = (*decode.FORMATS, *(["HEIF"] if find_spec(decode.PLUGINS["HEIF"][0]) else []))
"""Those that are read here."""
WIDTH, HEIGHT = 20, 18


def saved(image: Image.Image, kind: str, **options) -> bytes:
    """A file's bytes, as Pillow writes them."""
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


def tiff(**options) -> bytes:
    """One of 16 bits, as tifffile writes them."""
    made = io.BytesIO()
    pixels = np.arange(WIDTH * HEIGHT * 3, dtype=np.uint16).reshape(HEIGHT, WIDTH, 3) * 60
    tifffile.imwrite(made, pixels, **options)
    return made.getvalue()


def variants(kind: str) -> list[bytes]:
    """Files of one of the formats."""
    if kind == "HEIF":  # is never written here
        return [HEIC, with_coding(HEIC, 9, 16)]
    photo, other = photograph(WIDTH, HEIGHT), photograph(WIDTH, HEIGHT, 1)
    deep = Image.fromarray(np.random.default_rng(0).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16))
    clear = photo.copy()
    clear.putalpha(photo.convert("L"))
    modes = {mode: photo.convert(mode) for mode in ("L", "1", "P", "LA", "CMYK", "LAB")}
    turned = Image.Exif()
    turned[0x0112], turned[0x010F] = 6, "a camera"
    noted = {"exif": turned, "icc_profile": encode.SRGB_PROFILE}
    film = {"save_all": True, "append_images": [other]}
    # fmt: off
    ways = {
        "PNG": [
            *((image, more) for image in (photo, deep, clear, modes["P"], modes["1"], modes["LA"])
              for more in ({}, noted | {"dpi": (72, 72)})),
            (modes["P"], {"transparency": 3}), (photo, film),
        ],
        "JPEG": [(photo, noted), (photo, {"progressive": True}), (modes["L"], {}), (modes["CMYK"], {"dpi": (72, 72)})],
        "MPO": [(photo, film)],
        "WEBP": [(photo, noted), (clear, {"lossless": True}), (clear, {}), (photo, film)],
        "TIFF": [
            *((photo, {"compression": name}) for name in (None, "tiff_lzw", "jpeg", "packbits", "tiff_deflate")),
            *((image, noted) for image in (deep, clear, modes["CMYK"], modes["LAB"])),
            (modes["1"], {"compression": "group4"}),
        ],
        "GIF": [(photo, {}), (photo, film)],
        "PPM": [(image, {}) for image in (photo, deep, modes["L"], modes["1"])],
        "TGA": [(photo, {}), (clear, {"compression": "tga_rle"}), (modes["P"], {})],
        "JPEG2000": [(photo, {}), (clear, {"irreversible": True}), (deep, {}), (photo, {"no_jp2": True})],
        "AVIF": [(photo, noted | {"speed": 10}), (clear, {"speed": 10})],
        "BMP": [(photo, {}), (modes["P"], {}), (modes["1"], {})],
    }
    # fmt: on
    made = [saved(image, kind, **options) for image, options in ways.get(kind, [(photo, {}), (clear, {})])]
    if kind == "TIFF":
        options = [{}, {"tile": (16, 16)}, {"byteorder": ">"}, {"bigtiff": True}, {"planarconfig": "separate"}]
        made += [tiff(compression="zlib", predictor=True), *(tiff(photometric="rgb", **more) for more in options[:4])]
    return made
