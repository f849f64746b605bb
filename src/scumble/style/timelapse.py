"""Pictures on the way: numbered copies, and a film of the painting's making.

The film's pictures are kept in a folder beside it until it is made, so that a job that was stopped, and goes on, has a
whole film in the end.
"""

import contextlib
import re
from pathlib import Path

from PIL import Image

from scumble import paths
from scumble.errors import ImageError, reason
from scumble.image import files, film

FRAME = re.compile(r"[0-9]{9,}\.jpg")
FRAMES = 240
SECONDS = 8.0
SIDE = 720
"""Pixels of a film's longer side at most."""


class Timelapse:
    """The film of one job.

    Args:
        output: .webp, .gif or .mp4.
        evaluations: how many there will be at most, at all scales.
    """

    def __init__(self, output: Path, evaluations: int):
        self.output = output
        self.folder = frames_of(output)
        self.every = max(1, evaluations // FRAMES)

    def begin(self, resumed_from: int) -> None:
        """Make the folder; what lies beyond the evaluation that the job goes on from was never made.

        Raises:
            ImageError: if that cannot be done.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self._frames():
                if int(path.stem) > resumed_from:
                    path.unlink()
        except OSError as error:
            raise ImageError(f"{self.folder} cannot be used: {reason(error)}") from error

    def due(self, evaluation: int) -> bool:
        """Whether this one, counted over all scales, is shown."""
        return evaluation % self.every == 0

    def add(self, evaluation: int, picture: Image.Image) -> None:
        """Keep a picture for the film.

        Raises:
            ImageError: if it cannot be written.
        """
        small = picture.convert("RGB")
        small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        try:
            small.save(self.folder / f"{evaluation:09}.jpg", quality=95, subsampling=0)
        except OSError as error:
            raise ImageError(f"{self.folder} cannot be written: {reason(error)}") from error

    def finish(self, picture: Image.Image) -> None:
        """Make the film, ending with the finished picture, and remove what it was made of.

        Raises:
            ImageError: if it cannot be written; its pictures stay.
        """
        self.add(10**9 - 1, picture)
        film.write([files.load(path).rgb for path in self._frames()], self.output, SECONDS)
        self.clear()

    def clear(self) -> None:
        """Remove what the film is made of."""
        with contextlib.suppress(OSError):  # whatever else somebody has put there stays, and the folder with it
            for path in self._frames():
                path.unlink()
            self.folder.rmdir()

    def _frames(self) -> list[Path]:
        """Those that are ours, by their names, in their order."""
        return sorted(path for path in self.folder.glob("*.jpg") if FRAME.fullmatch(path.name))


def frames_of(output: Path) -> Path:
    """The folder of a film's pictures."""
    return output.with_name(paths.fitting(output.name, ".frames"))


def numbered(output: Path, evaluation: int) -> Path:
    """The name of a copy: painted.png after 50 evaluations is painted-000050.png.

    Example:
        >>> numbered(Path("painted.png"), 50).name
        'painted-000050.png'
    """
    return output.with_name(paths.fitting(output.stem, f"-{evaluation:06}{output.suffix}"))


def copies_there(output: Path, every: int) -> list[Path]:
    """The files that copies after every so many evaluations would be written over.

    Raises:
        OSError: if the folder cannot be looked into.
    """
    begin, _, end = numbered(output, 0).name.rpartition("000000")
    name = re.compile(f"{re.escape(begin)}([0-9]{{6,}}){re.escape(end)}")
    found = ((path, name.fullmatch(path.name)) for path in output.parent.iterdir())
    return [path for path, match in found if match and int(match[1]) % every == 0]
