import numpy as np
import pytest
import torch

from conftest import photographs
from scumble import device
from scumble.events import returned
from scumble.gan.translation.data import open_translation
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.monitoring.monitor import Monitor
from scumble.gan.translation.settings import TranslationSettings
from scumble.gan.translation.task import game_of, trainer_of
from translation_material import TINY, png

pytestmark = pytest.mark.usefixtures("one_thread")


def watched(data, rows=(), **given):
    settings = TranslationSettings.model_validate(TINY | {"jitter": 1.0, "blocks": 1} | given)
    pictures = returned(open_translation(data, settings, KINDS[settings.kind]))
    game = game_of(settings, pictures.shapes, device.choose("cpu", "float32"))
    trainer = trainer_of(game, pictures.batch)
    return trainer, Monitor(trainer, game, pictures, rows)


@pytest.fixture
def sides(tmp_path):
    for side, times in (("A", 1), ("B", 2)):
        (tmp_path / side).mkdir()
        for number, picture in enumerate(photographs(30, 16, 16)):
            (tmp_path / side / f"{number}.png").write_bytes(png(np.asarray(picture) // times))
    return tmp_path


@pytest.fixture
def classes(tmp_path):
    for name in ("x", "y", "z"):
        (tmp_path / name).mkdir()
        for number, picture in enumerate(photographs(20, 16, 16)):
            (tmp_path / name / f"{number}.png").write_bytes(png(np.asarray(picture)))
    return tmp_path


@pytest.mark.parametrize(
    ("preset", "names"),
    [
        ("pix2pix", {"change", "agreement", "checkerboard"}),
        ("cyclegan", {"change", "agreement", "checkerboard", "hidden"}),
        ("cut", {"change", "agreement", "checkerboard"}),
        ("munit", {"change", "variety", "agreement", "checkerboard"}),
        ("bicyclegan", {"change", "variety", "agreement", "checkerboard"}),
    ],
)
def test_each_kind_is_looked_at_for_what_can_befall_it(sides, preset, names):
    trainer, monitor = watched(sides, preset=preset)
    before = {name: tensor.clone() for name, tensor in trainer.state().tensors.items()}
    modes = {name: module.training for name, module in trainer.task.modules.items()}
    found = monitor.figures()
    assert set(found) == names
    assert found == monitor.figures()  # nothing random is drawn
    assert all(torch.equal(before[name], tensor) for name, tensor in trainer.state().tensors.items())
    assert modes == {name: module.training for name, module in trainer.task.modules.items()}


def test_classes_and_holes(classes, sides):
    assert set(watched(classes, preset="stargan")[1].figures()) == {"variety", "checkerboard"}
    found = watched(sides / "A", preset="context-encoder")[1].figures()
    assert set(found) == {"agreement", "checkerboard"}


def test_a_network_that_does_nothing_is_told_after_three_looks_and_once(sides):
    trainer, monitor = watched(sides, preset="cyclegan", images=400)
    trainer.step = 50  # beyond the grace
    for network in trainer.averages.values():
        network.forward = lambda pictures: pictures
    told = []
    for _ in range(5):
        figures = monitor.figures()
        told.append(monitor.new_warnings(figures))
    assert figures["change"] == 0
    assert [len(one) for one in told] == [0, 0, 1, 0, 0]
    assert "results hardly differ from the pictures that they are of: 0% of what" in told[2][0]
    rows = [{"images": 200, **figures}] * 3
    again = watched(sides, rows, preset="cyclegan", images=400)[1]
    assert again.new_warnings(figures) == []  # it was told before the training was stopped


def test_sides_that_are_negatives_are_no_inverted_colours(tmp_path):
    for side, sign in (("A", 1), ("B", -1)):
        (tmp_path / side).mkdir()
        for number in range(30):
            pixels = np.zeros((16, 16), np.uint8)
            pixels[4:12, number % 8 + 2 : number % 8 + 5] = 255
            (tmp_path / side / f"{number}.png").write_bytes(png(pixels if sign > 0 else 255 - pixels))
    trainer, monitor = watched(tmp_path, preset="cyclegan", images=400)
    for network in trainer.averages.values():
        network.forward = lambda pictures: -pictures
    assert monitor.figures()["agreement"] == pytest.approx(1)


def test_looks_come_every_so_many_steps(sides):
    trainer, monitor = watched(sides, preset="cyclegan")
    trainer.step = monitor.every
    assert monitor.is_due()
    trainer.step += 1
    assert not monitor.is_due()
    assert monitor.every * trainer.task.size >= 5000
