"""EXIF's turns: how a camera was held, and what undoes it."""

from PIL import Image

Turn = Image.Transpose
TURNS = {
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_270,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_90,
}
"""What undoes EXIF's turns."""
ORIENTATION = 274
TOLD_IN = {"exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"}
"""Where Pillow looks for it in a PNG."""


def found(image: Image.Image, notes: list[str]) -> int:
    """EXIF's number of how a loaded picture is turned."""
    if image.format == "PNG" and not TOLD_IN & image.info.keys():
        return 1  # as below, without making an EXIF of nothing
    try:
        turn = image.getexif().get(ORIENTATION, 1)
    except MemoryError:
        raise
    except Exception:  # whatever its reader did not think of
        notes.append("its EXIF data are damaged and left out")
        return 1
    return turn if isinstance(turn, int) else 1


def upright(image: Image.Image, turn: int) -> Image.Image:
    """A picture with EXIF's turn undone; numbers that EXIF does not know are no turn."""
    return image.transpose(TURNS[turn]) if turn in TURNS else image
