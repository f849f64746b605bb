"""GANs of pictures with several labels each: from a table to what is drawn."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from scumble import GAN, GANSettings, train_events
from scumble.cli import app
from scumble.data import dataset
from scumble.data.sources.opener import open_source
from scumble.errors import RunError, SettingsError
from scumble.events import Noted, returned
from scumble.gan.models import onnx
from scumble.gan.models.sample import draw_latents
from scumble.gan.sample_sheets import write_samples
from scumble.image import recipe
from scumble.storage import checkpoint
from scumble.training import loop

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"preset": "projection", "critic_steps": 1, "width": 4, "latent": 8, "batch": 8, "grids": 1, "images": 64}
CLASSES = ("glasses", "hat", "smile")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """48 pictures, 16 x 16, with a bright part for each of their labels, and the table."""
    folder = tmp_path_factory.mktemp("several")
    random = np.random.default_rng(0)
    (folder / "faces").mkdir()
    lines = ["picture,smile,hat,glasses"]
    for number in range(48):
        labels = number % 2, int(number % 3 == 0), int(random.random() < 0.3)
        pixels = random.integers(0, 60, (16, 16), dtype=np.uint8)
        for label, part in zip(labels, (pixels[12:], pixels[:4], pixels[6:10]), strict=True):
            part += np.uint8(150 * label)
        Image.fromarray(pixels).save(folder / f"faces/{number:03}.png")
        lines.append(f"{number:03}.png," + ",".join("1" if label else "-1" for label in labels))
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder


@pytest.fixture(scope="module")
def run(folder):
    """A finished run of a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCUMBLE_HOME", str(folder / "cache"))
        list(trained(folder, folder / "run"))
    return folder / "run"


def trained(folder, run, **given):
    return train_events(folder / "faces", run, GANSettings(**(TINY | given)), labels=folder / "labels.csv")


def command(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


def test_what_was_understood_is_told_before_training(folder, tmp_path):
    told = [event.message for event in trained(folder, tmp_path / "run") if isinstance(event, Noted)]
    line = next(message for message in told if message.startswith("faces: 48 pictures"))
    assert "classes: 3 labels, 1.1 a picture on average; smile 50%, hat 33%, glasses" in line


@pytest.mark.parametrize("preset", ["cgan", "acgan", "projection"])
def test_it_is_stopped_and_goes_on_to_the_same_bits(folder, tmp_path, preset, monkeypatch):
    monkeypatch.setattr(loop, "PROGRESS_SECONDS", -1.0)
    given = {"preset": preset}
    list(trained(folder, tmp_path / "whole", **given))
    events = trained(folder, tmp_path / "parts", **given)
    for event in events:
        if getattr(event, "done", 0) == 24 and type(event).__name__ == "Progress":
            break
    events.close()
    assert checkpoint.numbers_in(tmp_path / "parts/checkpoints")[-1] < 64
    list(trained(folder, tmp_path / "parts", **given))
    whole, parts = (checkpoint.read(checkpoint.at(tmp_path / name / "checkpoints", 64)) for name in ("whole", "parts"))
    assert whole.tensors.keys() == parts.tensors.keys()
    for name, value in whole.tensors.items():
        assert torch.equal(value, parts.tensors[name]), name


def test_a_run_goes_on_with_its_table_only(folder, run, tmp_path):
    shutil.copytree(run, tmp_path / "run")
    with pytest.raises(RunError, match="is a run on faces"):
        list(train_events(folder / "faces", tmp_path / "run", GANSettings(images=72)))


def test_labels_are_kept_with_the_pictures(folder):
    source = open_source(folder / "faces", folder / "labels.csv")
    first, second = (returned(dataset.prepare(source)) for _ in range(2))
    for pictures in (first, second):
        assert pictures.classes == CLASSES
        assert pictures.labels is not None
        assert pictures.labels.shape == (48, 3)
        assert pictures.labels[:, 2].tolist() == [number % 2 for number in range(48)]
    plain = returned(dataset.prepare(open_source(folder / "faces")))
    assert first.digest == second.digest != plain.digest
    assert plain.label_sets is None


def test_a_class_is_some_labels_and_seeds_alone_draw_those_of_pictures(run):
    gan = GAN.from_pretrained(run)
    assert gan.classes == CLASSES
    for of_class, row in {"smile": [0, 0, 1], "smile, glasses": [1, 0, 1], "none": [0, 0, 0]}.items():
        labels = gan.labels([3, 4], of_class)
        assert labels is not None
        assert labels.tolist() == [row, row]
        assert gan.class_names(labels) == [of_class if "," not in of_class else "glasses,smile"] * 2
    in_turn = gan.labels(range(60))
    assert in_turn is not None
    assert torch.equal(in_turn[:12], in_turn[48:])  # 48 pictures
    assert in_turn[:48, 2].mean() == 0.5
    assert np.array_equal(gan.sample_array([50]), gan.sample_array(range(48, 52))[2:3])
    assert not np.array_equal(gan.sample_array([1], of_class="smile"), gan.sample_array([1], of_class="hat"))
    with pytest.raises(SettingsError, match="got 'nose', wanted some, with commas between, of glasses, hat, smile"):
        gan.labels([0], "smile,nose")


def test_samples_into_a_folder_tell_their_labels(run, tmp_path):
    gan = GAN.from_pretrained(run)
    chosen = list(write_samples(gan, [0, 1], tmp_path / "out", of_classes=["smile,hat", "glasses"]))
    places = ["hat and smile/seed000000.png", "hat and smile/seed000001.png"]
    places += ["glasses/seed000000.png", "glasses/seed000001.png"]
    assert [path.relative_to(tmp_path / "out").as_posix() for path in chosen] == places
    flat = list(write_samples(gan, [0, 1], tmp_path / "flat"))
    assert [path.name for path in flat] == ["seed000000.png", "seed000001.png"]
    labels = gan.labels([0, 1])
    assert labels is not None
    assert [recipe.read(path)["class"] for path in flat] == gan.class_names(labels)


def test_a_damaged_list_of_labels_is_one_line(run, tmp_path):
    shutil.copytree(run / "model", tmp_path / "model")
    path = tmp_path / "model/settings.json"
    facts = json.loads(path.read_text())
    for wrong in ([], ["01"], ["012"], ["abc"]):
        facts["data"]["label_sets"] = wrong
        path.write_text(json.dumps(facts))
        with pytest.raises(RunError, match="does not hold what its settings say: label_sets are no rows"):
            GAN.from_pretrained(tmp_path / "model")


def test_onnxruntime_draws_what_torch_draws(run, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    gan = GAN.from_pretrained(run, "cpu")
    list(onnx.write_program(onnx.of_generator(gan), tmp_path / "gan.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "gan.onnx")
    labels = torch.tensor([[1.0, 0, 1], [0, 0, 0], [1, 1, 1]])
    latents = draw_latents(range(3), 8)
    (pictures,) = session.run(None, {"latents": latents.numpy(), "labels": labels.numpy()})
    expected = gan.generator(latents, labels).numpy()
    np.testing.assert_allclose(pictures, expected, atol=1e-4)
    assert expected.std() > 0.002


def test_commands_take_tables_and_labels(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    flags = [word for name, value in TINY.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert command("gan", "train", "faces", "--labels", "labels.csv", "--run", tmp_path / "run", *flags) == 0
    assert command("gan", "sample", tmp_path / "run", "--class", "smile,hat", "--class", "none", "--seeds", "0-2",
                   "-o", tmp_path / "out.png") == 0  # fmt: skip
    assert recipe.read(tmp_path / "out.png")["class"] == ["smile,hat", "none"]
    with Image.open(tmp_path / "out.png") as sheet:
        assert sheet.width > sheet.height  # a row of three for each choice
    capsys.readouterr()
    assert (
        command("gan", "train", "faces", "--labels", "labels.csv", "--run", tmp_path / "few", "--preset", "sgan") == 1
    )
    assert "003.png of faces has the labels hat and smile; wanted one class a picture" in capsys.readouterr().err
    assert not (tmp_path / "few").exists()
    assert command("gan", "classify", tmp_path / "run", "faces") == 1
    assert "faces has no classes" in capsys.readouterr().err


def test_check_tells_of_labels_and_how_to_train_with_them(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert command("gan", "check", "faces", "--labels", "labels.csv") == 0
    said = capsys.readouterr().out
    assert "3 labels, 1.1 a picture on average" in said
    assert "scumble gan train faces --run runs/faces --labels labels.csv --condition projection" in said


def test_labels_that_are_not_used_are_told(folder, tmp_path):
    events = list(trained(folder, tmp_path / "run", preset="sndcgan"))
    assert any("the labels are not used" in event.message for event in events if isinstance(event, Noted))
