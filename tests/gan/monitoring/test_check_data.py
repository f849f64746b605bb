"""The look before a training: what is understood, and advice from what pictures are."""

import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from conftest import encoded, photograph, unpacked
from scumble.cli import app
from scumble.events import returned
from scumble.gan.monitoring import check_data
from scumble.gan.monitoring.check_data import Advice, check_events
from scumble.gan.monitoring.speed import Speed, images_for, measured
from scumble.gan.settings import GANSettings

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def timed(monkeypatch) -> list[tuple[int, ...]]:
    """The shapes of pictures that would have been timed, at a hundred images a second."""
    shapes = []

    def measured(settings, shape):
        shapes.append(shape)
        return Speed(100.0, 0.32, 1.5, 2)

    monkeypatch.setattr(check_data, "measured", measured)
    return shapes


def advice(path) -> Advice:
    return returned(check_events(str(path)))


def pictures(folder, sizes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, size in enumerate(sizes):
        photograph(*size, seed=number).save(folder / f"{number:03}.png")


def test_classes_are_told_by_name_and_number(tmp_path):
    unpacked(tmp_path, {f"{kind}/{n}.png": encoded(n) for n in range(9) for kind in ("cats", "dogs")})
    assert advice(tmp_path).found["classes"] == "2: cats (9), dogs (9)"
    unpacked(tmp_path, {"cover.png": encoded(99)})
    found = advice(tmp_path).found["classes"]
    assert found == "2: cats (9), dogs (9); 1 of 19 pictures have no class, the first cover.png"


def test_what_was_passed_over_is_told(tmp_path):
    unpacked(tmp_path, {f"a/{n}.png": encoded(n) for n in range(16)} | {"a/x.txt": b"x", "@eaDir/x.png": encoded(20)})
    told = " | ".join(advice(tmp_path).warnings)
    assert "passed over, as no pictures that are read: 1 .txt" in told
    assert "passed over, as folders of a system: @eaDir" in told


def test_wide_pictures_are_kept_by_a_width_and_a_height(tmp_path, timed):
    pictures(tmp_path, [(192, 96)] * 16)
    found = advice(tmp_path)
    assert "pictures are reduced to 128x64; --size 192x96 keeps all pixels" in found.warnings
    assert timed == [(3, 64, 128)]


def test_the_spread_of_both_sides_is_told_where_they_differ(tmp_path):
    pictures(tmp_path, [(160, 20)] + [(60 + n, 60 - n) for n in range(1, 24)] + [(30, 90)] * 10)
    told = " | ".join(advice(tmp_path).warnings)
    assert "pictures are 30 to 160 pixels wide and 20 to 90 high, 67x52 in the median" in told
    assert "another shape: 15 of 34 lose more than a third to the crop; --fit pad keeps them" in told
    assert "are enlarged to 67x52" in told


def test_deep_and_many_bands_are_told_and_sized(tmp_path, timed):
    values = np.random.default_rng(0).integers(0, 1024, (16, 20, 24, 5), dtype=np.uint16)
    for number, one in enumerate(values):
        tifffile.imwrite(tmp_path / f"{number}.tif", one, photometric="minisblack", planarconfig="contig")
    found = advice(tmp_path)
    assert found.found["colours"] == "5 channels"
    assert timed == [(5, 20, 24)]
    assert any("0 to 1023, where 0 to 65535 are usual" in line for line in found.warnings)
    for number in range(3):
        photograph(24, 20).save(tmp_path / f"{number}.png")
    found = advice(tmp_path)
    assert found.command is None
    assert any("16 of 19 pictures of" in line and "5 channels" in line for line in found.warnings)


def test_opacity_can_be_learnt(tmp_path):
    for number in range(16):
        image = photograph(24, 20, seed=number).convert("RGBA")
        image.putalpha(Image.new("L", image.size, 9))
        image.save(tmp_path / f"{number}.png")
    assert any("--channels 4 learns the transparency" in line for line in advice(tmp_path).warnings)


def test_there_is_a_command_for_an_hour_and_one_for_a_night(tmp_path):
    pictures(tmp_path / "photos", [(32, 32)] * 16)
    found = advice(tmp_path / "photos")
    start = f"scumble gan train {tmp_path / 'photos'} --run runs/photos --augment --images "
    assert found.commands == {"within the hour": start + "270000", "by tomorrow": start + "4300000"}
    assert found.figures["seconds"] == {"within the hour": 2700, "by tomorrow": 43_000}
    assert found.found["speed"] == "100 images per second, 0.32 seconds a step, measured at a load of 1.5 on 2 cores"
    pictures(tmp_path / "few", [(32, 32)])
    assert not advice(tmp_path / "few").commands


def test_a_slow_machine_is_told_to_take_smaller_pictures(tmp_path, monkeypatch):
    pictures(tmp_path, [(32, 32)] * 16)
    assert not any("slow" in line for line in advice(tmp_path).warnings)
    monkeypatch.setattr(check_data, "measured", lambda settings, shape: Speed(2.0, 16.0, None, None))
    found = advice(tmp_path)
    assert any("5,400 images within the hour show little; half the --size, 16x16" in line for line in found.warnings)
    assert found.found["speed"] == "2 images per second, 16 seconds a step"


def test_a_fast_machine_is_not_kept_busy_for_nothing():
    default = GANSettings().images
    assert images_for(Speed(1e5, 3e-4, 1.0, 8), GANSettings()) == {
        "within the hour": 10 * default,
        "by tomorrow": 10 * default,
    }


def test_it_says_what_classes_are_good_for(tmp_path):
    unpacked(tmp_path / "pets", {f"{kind}/{n}.png": encoded(n) for n in range(9) for kind in ("cats", "dogs")})
    found = advice(tmp_path / "pets").found
    assert found["to use them"].startswith("--preset projection draws each on request")
    assert f"`scumble gan classify runs/pets {tmp_path / 'pets'}` makes a classifier" in found["to use them"]
    pictures(tmp_path / "none", [(32, 32)] * 16)
    assert "to use them" not in advice(tmp_path / "none").found


def test_numbers_are_numbers_in_json(tmp_path, capsys):
    unpacked(tmp_path, {f"{kind}/{n}.png": encoded(n) for n in range(9) for kind in ("cats", "dogs")})
    with pytest.raises(SystemExit):
        app.main(["gan", "check", str(tmp_path), "--json"])
    figures = json.loads(capsys.readouterr().out)["figures"]
    assert (figures["pictures"], figures["classes"], figures["duplicates"]) == (18, {"cats": 9, "dogs": 9}, 9)
    assert (figures["images_per_second"], figures["seconds_per_step"], figures["load"]) == (100.0, 0.32, 1.5)
    assert figures["images"]["within the hour"] == 270_000


def test_the_commands_are_printed(tmp_path, capsys):
    pictures(tmp_path / "photos", [(32, 32)] * 16)
    with pytest.raises(SystemExit):
        app.main(["gan", "check", str(tmp_path / "photos")])
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith("within the hour, in about 45 min: scumble gan train ")
    assert said[-1].startswith("by tomorrow, in about 11 h 57 min: scumble gan train ")


def test_what_is_measured_is_a_step_with_all_of_its_parts(monkeypatch):
    monkeypatch.setattr("scumble.gan.monitoring.speed.MEASURED_SECONDS", 0)
    settings = GANSettings(width=4, latent=8, batch=8, critic_steps=2)
    found = measured(settings, (1, 16, 16))
    assert found.images_per_second == pytest.approx(2 * 8 / found.seconds_per_step)
    assert found.cores is None or found.cores >= 1


def test_of_a_few_labels_it_says_which_preset_learns_with_them(tmp_path, monkeypatch):
    unpacked(tmp_path, {f"{kind}/{n}.png": encoded(n) for n in range(9) for kind in ("cats", "dogs")})
    few = np.full(18, -100)  # as those whose class is not known
    few[:2] = 0, 1
    monkeypatch.setattr(check_data.labels, "numbered", lambda found: (few, ("cats", "dogs")))
    assert advice(tmp_path).found["to use them"].startswith("--preset sgan learns with those few")


def test_one_thread_is_proposed_where_it_is_faster(tmp_path, monkeypatch):
    pictures(tmp_path / "photos", [(32, 32)] * 16)
    monkeypatch.setattr(check_data, "measured", lambda settings, shape: Speed(50.0, 0.6, 9.0, 2, 1))
    found = advice(tmp_path / "photos")
    assert found.command is not None
    assert found.command.startswith("OMP_NUM_THREADS=1 scumble gan train ")
    assert "50 images per second by one thread, which is faster now than several" in found.found["speed"]
    assert found.figures["threads"] == 1


def test_the_faster_of_one_thread_and_all_is_told(monkeypatch):
    monkeypatch.setattr("torch.get_num_threads", lambda: 2)
    for seconds, threads in (((1.0, 0.5), 1), ((1.0, 0.9), None), ((0.5, 1.0), None)):
        times = iter(seconds)
        monkeypatch.setattr("scumble.gan.monitoring.speed._seconds_per_step", lambda *_, times=times: next(times))
        found = measured(GANSettings(width=4, latent=8, batch=8), (1, 16, 16))
        assert found.threads == threads
        assert found.seconds_per_step == (seconds[1] if threads else seconds[0])
