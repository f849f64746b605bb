"""Plots and films of a run."""

import io

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


def test_distances_of_earlier_versions_are_not_drawn_beside_those_of_now():
    """They were in the unit of the features; shares have always been shares."""
    old = {"loss_d": 1.0, "frechet_distance": 502.0, "recall": 0.1}
    new = {"loss_d": 1.0, "frechet_distance": 0.3, "recall": 0.2, "near_copies": 0.0}
    distances, shares = plots.EVALUATIONS

    def drawn(*rows):
        figure = plots.draw_curves([{"images": number} | row for number, row in enumerate(rows)], plots.EVALUATIONS)
        return {axes.get_title(): [list(line.get_ydata()) for line in axes.lines] for axes in figure.axes}

    assert drawn(old, new, new)[distances] == [[0.3, 0.3]]
    assert drawn(old, new, new)[shares][1] == [0.1, 0.2, 0.2]
    assert drawn(old, old).keys() == {shares}


def test_figures_that_have_gone_astray_are_not_drawn(recwarn):
    rows = [
        {"images": number, "loss_d": value, "loss_g": 1.0} for number, value in enumerate((1.0, -1e308, 1e308, 2.0))
    ]
    figure = plots.draw_curves(rows)
    assert list(figure.axes[0].lines[0].get_ydata()) == [1.0, 2.0]
    figure.savefig(io.BytesIO())
    assert not recwarn.list
