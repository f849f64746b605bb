"""Models, runs and classifiers that are not as they were made: every command says so in one line, and makes nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from PIL import Image

from gan_material import TINY_TRAINING
from scumble import GANSettings, train_events
from scumble.cli import app
from scumble.storage import checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def no_numbers(path: Path) -> None:
    """One weight of a generator is not a number: in a checkpoint, of its average, which is what draws."""
    with safetensors.safe_open(path, "pt") as file:
        metadata, tensors = file.metadata(), {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    name = next(n for n in sorted(tensors) if n.startswith(("averages.generator.", "generator.")) and "weight" in n)
    tensors[name].view(-1)[-1] = float("inf")
    safetensors.torch.save_file(tensors, path, metadata)


COMMANDS = {
    "sample": ["RUN", "--seeds", "0-3", "-o", "out.png"],
    "interpolate": ["RUN", "--seeds", "0-2", "-o", "out.png"],
    "arithmetic": ["RUN", "0", "1", "2", "-o", "out.png"],
    "project": ["RUN", "picture.png", "-o", "out.png"],
    "export": ["RUN", "--onnx", "out.onnx"],
    "evaluate": ["RUN", "data.npz"],
    "features": ["RUN", "data.npz", "-o", "out.npy"],
    "classify": ["RUN", "data.npz", "-o", "out"],
    "train": ["data.npz", "--run", "out", "--from", "RUN"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A run and its model, with what the commands need beside them."""
    folder = tmp_path_factory.mktemp("made")
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 16), dtype=np.uint8)
    np.savez(folder / "data.npz", x=pixels)
    Image.fromarray(pixels[0]).save(folder / "picture.png")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCUMBLE_HOME", str(folder / "cache"))
        for name, seed in (("run", 0), ("other", 1)):
            list(train_events(folder / "data.npz", folder / name, GANSettings(seed=seed, **TINY_TRAINING)))
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch) -> Path:
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def fails(capsys, *arguments: object) -> str:
    """The one line that a command fails with."""
    before = sorted(Path().rglob("*"))
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    assert exit_.value.code == 1
    out, error = capsys.readouterr()
    assert not out
    assert not [path for path in sorted(Path().rglob("*")) if path not in before and "cache" not in path.parts]
    assert "Traceback" not in error
    line = error.splitlines()[-1]
    assert line.startswith("scumble: ")
    return line


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("damaged", "words"), [(cut, "was cut short"), (no_numbers, "no finite numbers")])
def test_every_command_refuses_a_damaged_model(command, damaged, words, here, capsys):
    damaged(here / "run/model/model.safetensors")
    arguments = ["run/model" if argument == "RUN" else argument for argument in COMMANDS[command]]
    assert words in fails(capsys, "gan", command, *arguments)


@pytest.mark.parametrize(
    ("damaged", "words"), [(cut, "was cut short"), (emptied, "was cut short"), (no_numbers, "no finite numbers")]
)
def test_a_damaged_checkpoint_draws_nothing(damaged, words, here, capsys):
    damaged(sorted((here / "run/checkpoints").iterdir())[-1])
    line = fails(capsys, "gan", *("sample", "run", "-o", "out.png"))
    assert words in line
    assert "header" not in line


def test_the_checkpoint_of_another_run_draws_nothing(here, capsys):
    path = sorted((here / "other/checkpoints").iterdir())[-1]
    shutil.copy(path, here / "run/checkpoints" / path.name)
    assert "that of another run" in fails(capsys, "gan", "sample", "run", "-o", "out.png")
    assert "that of another run" in fails(capsys, "gan", "sample", f"run/checkpoints/{path.name}", "-o", "out.png")


def test_a_checkpoint_draws_what_its_run_drew_then(here, capsys):
    path = checkpoint.at(here / "run/checkpoints", 0)
    with pytest.raises(SystemExit) as exit_:
        app.main(["gan", "sample", str(path), "-o", "out.png"])
    assert exit_.value.code == 0
    assert Path("out.png").exists()


@pytest.mark.parametrize("words", ["was cut short", "no finite numbers"])
def test_label_refuses_a_damaged_classifier(words, here, capsys, halves_run, halves, one_c):
    with pytest.raises(SystemExit):
        app.main(["gan", "classify", str(halves_run), str(halves), "-o", "classifier", "--labels", "4", "--draws", "2"])
    capsys.readouterr()
    weights = here / "classifier/model.safetensors"
    if words == "was cut short":
        cut(weights)
    else:
        tensors = safetensors.torch.load_file(weights)
        tensors["weights"].view(-1)[0] = float("nan")
        safetensors.torch.save_file(tensors, weights)
    line = fails(capsys, "gan", "label", str(halves), "--classifier", "classifier", "-o", "labels.csv")
    assert words in line
