"""Films: every frame in its order, for as long as was asked, in all formats."""

import subprocess

import numpy as np
import pytest
from PIL import Image

from scumble.errors import ImageError, SettingsError
from scumble.image import film


def frames(count: int = 5, size: tuple[int, int] = (33, 21)) -> list[Image.Image]:
    """Grey, lighter from one to the next."""
    return [Image.new("RGB", size, (40 * number,) * 3) for number in range(count)]


@pytest.mark.parametrize("suffix", [".webp", ".gif"])
def test_animated_pictures_hold_all_frames_and_the_last_one_longer(tmp_path, suffix):
    film.write(frames(), tmp_path / f"film{suffix}", 1.0)
    with Image.open(tmp_path / f"film{suffix}") as found:
        assert found.n_frames == 5
        durations, greys = [], []
        for number in range(5):
            found.seek(number)
            greys.append(np.asarray(found.convert("RGB"))[5, 5, 0])
            durations.append(found.info["duration"])
    np.testing.assert_allclose(greys, [0, 40, 80, 120, 160], atol=4)
    if suffix == ".gif":
        assert durations == [200, 200, 200, 200, 2200]


def test_mp4_holds_all_frames_in_their_order(tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    film.write(frames(), tmp_path / "film.mp4", 1.0)
    command = [ffmpeg, "-v", "error", "-i", str(tmp_path / "film.mp4"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    found = np.frombuffer(raw, np.uint8).reshape(-1, 20, 32, 3)  # H.264 has even sides
    np.testing.assert_allclose(found[:, 5, 5, 0], [0, 40, 80, 120, 160] + [160] * 10, atol=6)


def test_what_cannot_be_written_is_refused_in_one_line(tmp_path):
    with pytest.raises(SettingsError, match=r"ends in '.avi'; wanted one of .webp, .gif, .mp4"):
        film.check(tmp_path / "film.avi", 1.0)
    with pytest.raises(SettingsError, match=r"seconds: got 0.01, wanted 0.1 to 3600"):
        film.check(tmp_path / "film.gif", 0.01)
    with pytest.raises(ImageError, match=r"film.gif cannot be written: No such file"):
        film.write(frames(), tmp_path / "nowhere" / "film.gif", 1.0)
