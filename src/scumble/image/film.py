"""Films of pictures: animated WebP and GIF by Pillow, MP4 by the ffmpeg that the package imageio-ffmpeg brings."""

import contextlib
import io
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import ExifTags, Image

from scumble import paths
from scumble.errors import ImageError, SettingsError, reason

SUFFIXES = (".webp", ".gif", ".mp4")
LAST_SECONDS = 2.0
"""How much longer the last picture stays, unless asked otherwise."""

SECONDS = (0.1, 3600.0)

MARK = "film made by scumble"
"""What every film holds as its EXIF note of the program (WebP) or its comment: it may then be written over."""


def check(output: Path, seconds: float) -> None:
    """Raise `SettingsError` unless a film can be written there, before the work for it is done."""
    if output.suffix.lower() not in SUFFIXES:
        ending = output.suffix or "nothing"
        raise SettingsError(f"output {output} ends in {ending!r}; wanted one of {', '.join(SUFFIXES)}")
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise SettingsError(f"seconds: got {seconds}, wanted {SECONDS[0]:g} to {SECONDS[1]:g}")
    if output.suffix.lower() == ".mp4":
        _ffmpeg()


def write(frames: Sequence[Image.Image], output: Path, seconds: float, hold: float = LAST_SECONDS) -> None:
    """Show pictures one after another, the last one longer.

    Args:
        frames: RGB pictures of one size, two at least.
        output: .webp, .gif or .mp4.
        seconds: how long the film is, but for the last picture's stay.
        hold: how much longer that is, in seconds.

    Raises:
        ImageError: if it cannot be written.
        SettingsError: as `check` does.
    """
    check(output, seconds)
    try:
        suffix = output.suffix.lower()
        data = _mp4(frames, seconds, hold) if suffix == ".mp4" else _animated(frames, suffix, seconds, hold)
        paths.write_atomically(output, data)
    except OSError as error:
        raise ImageError(f"{output} cannot be written: {reason(error)}") from error


def _animated(frames: Sequence[Image.Image], suffix: str, seconds: float, hold: float) -> memoryview:
    milliseconds = max(20, round(1000 * seconds / len(frames)))
    durations = [milliseconds] * (len(frames) - 1) + [milliseconds + round(1000 * hold)]
    encoded = io.BytesIO()
    note = Image.Exif()
    note[ExifTags.Base.Software] = MARK
    options = {"quality": 85, "method": 3, "exif": note} if suffix == ".webp" else {"comment": MARK}
    frames[0].save(encoded, suffix[1:], save_all=True, append_images=frames[1:], duration=durations, loop=0, **options)
    return encoded.getbuffer()


def _mp4(frames: Sequence[Image.Image], seconds: float, hold: float) -> bytes:
    """H.264, whose sides must be even, through a file: an index at the front, where players look, needs going back."""
    width, height = (side // 2 * 2 for side in frames[0].size)
    rate = max(1.0, len(frames) / seconds)
    with tempfile.TemporaryDirectory() as folder:
        path, errors = Path(folder) / "film.mp4", Path(folder) / "errors"
        raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", f"{rate:g}", "-i", "-"]
        coded = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "16", "-movflags", "+faststart"]
        coded += ["-metadata", f"comment={MARK}", str(path)]
        command = [_ffmpeg(), "-v", "error", *raw, *coded]
        with errors.open("wb") as log, subprocess.Popen(command, stdin=subprocess.PIPE, stderr=log) as ffmpeg:
            assert ffmpeg.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # its exit code tells, and its errors why
                for frame in _with_hold(frames, round(hold * rate)):
                    ffmpeg.stdin.write(frame.crop((0, 0, width, height)).tobytes())
                ffmpeg.stdin.close()
        if ffmpeg.returncode:
            raise OSError(f"ffmpeg: {errors.read_text(errors='replace').strip()[-200:]}")
        return path.read_bytes()


def _with_hold(frames: Sequence[Image.Image], held: int) -> Iterator[Image.Image]:
    yield from frames
    for _ in range(held):
        yield frames[-1]


def _ffmpeg() -> str:
    try:
        import imageio_ffmpeg

        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError) as error:  # the package may come without the program
        raise SettingsError(
            "an .mp4 needs ffmpeg: pip install 'scumble[film]'; .webp and .gif need nothing more"
        ) from error
