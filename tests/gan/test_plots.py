"""Plots and films of a run."""

import pytest
from PIL import Image

from scumble.errors import RunError, ScumbleError, SettingsError
from scumble.gan import plots, sample_sheets

pytestmark = pytest.mark.usefixtures("one_thread")


def test_curves_and_a_film_are_drawn_from_a_run(noise_run, tmp_path):
    for suffix in (".png", ".svg", ".pdf"):
        assert plots.write_curves(noise_run, tmp_path / f"curves{suffix}").stat().st_size > 5000
    film = sample_sheets.write_film(noise_run, tmp_path / "film.gif", seconds=1)
    with Image.open(film) as frames:
        assert getattr(frames, "n_frames", 1) == len(list((noise_run / "grids").iterdir())) == 2
    with pytest.raises(SettingsError, match="wanted one of .webp, .gif"):
        sample_sheets.write_film(noise_run, tmp_path / "film.mov")
    with pytest.raises(RunError, match="is no run"):
        plots.write_curves(tmp_path / "nothing", tmp_path / "curves.png")
    with pytest.raises(ScumbleError, match="cannot be written"):
        plots.write_curves(noise_run, tmp_path / "missing" / "curves.png")
