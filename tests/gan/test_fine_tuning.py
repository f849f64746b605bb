"""A training that begins with the networks of another: its bits, its settings, and what does not fit."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from gan_material import arrays
from scumble import GAN, GANSettings, train_events
from scumble.cli import app
from scumble.errors import RunError
from scumble.events import Finished, Noted
from scumble.storage import checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"width": 4, "latent": 8, "batch": 8, "grids": 1, "images": 40}


@pytest.fixture
def model(tmp_path):
    list(train_events(arrays(tmp_path / "first.npz"), tmp_path / "first", GANSettings(preset="dcgan", **TINY)))
    return tmp_path / "first"


def begun(tmp_path, start, **given) -> list:
    data = arrays(tmp_path / "second.npz", seed=1, side=given.pop("side", 16))
    return list(train_events(data, tmp_path / "second", GANSettings(**({"images": 8} | given)), start=start))


def test_both_networks_begin_with_the_models_weights(model, tmp_path):
    events = begun(tmp_path, model / "model")
    assert f"beginning with {model / 'model'}, which has seen 40 images" in [
        event.message for event in events if isinstance(event, Noted)
    ]
    first, gan = checkpoint.read(checkpoint.at(tmp_path / "second/checkpoints", 0)).tensors, GAN.from_pretrained(model)
    for home, network in (
        ("modules.generator", gan.generator),
        ("averages.generator", gan.generator),
        ("modules.discriminator", gan.discriminator),
    ):
        for name, value in network.state_dict().items():
            assert torch.equal(first[f"{home}.{name}"], value)


def test_what_is_not_given_is_the_models(model, tmp_path):
    begun(tmp_path, model, lr=1e-5, side=24)  # larger pictures are brought to the model's size
    facts = json.loads((tmp_path / "second/settings.json").read_text())
    expected = {"preset": "dcgan", "width": 4, "latent": 8, "batch": 8, "lr": 1e-5, "images": 8, "size": "16x16"}
    assert {name: facts["settings"][name] for name in expected} == expected
    assert facts["start"]["name"] == str(model)
    assert facts["start"]["images_seen"] == 40


@pytest.mark.parametrize("which", ["run", "model", "weights", "checkpoint"])
def test_models_runs_and_checkpoints_will_do(model, tmp_path, which):
    start = {
        "run": model,
        "model": model / "model",
        "weights": model / "model/model.safetensors",
        "checkpoint": model / "checkpoints/000000000000.safetensors",
    }[which]
    assert isinstance(begun(tmp_path, start)[-1], Finished)


def test_the_command_goes_on_from_where_it_stopped_and_no_other_start_is_taken(model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = arrays(tmp_path / "second.npz", seed=1)

    def run(*more: object) -> int:
        with pytest.raises(SystemExit) as exit_:
            app.main(["gan", "train", str(data), "--run", "second", *map(str, more)])
        return int(exit_.value.code or 0)

    assert run("--from", "first", "--images", "8") == 0
    list(train_events(tmp_path / "first.npz", model, GANSettings(images=80)))  # it has learnt more since
    assert run("--from", "first", "--images", "16") == 0
    assert run("--images", "24") == 0
    capsys.readouterr()
    assert run("--from", "first/model", "--images", "32") == 1
    assert f"second began with {model}; got --from first/model" in " ".join(capsys.readouterr().err.split())
    assert checkpoint.numbers_in(tmp_path / "second/checkpoints")[-1] == 24


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"width": 8}, r"the generator of .* does not fit: .* is .*, wanted"),
        ({"size": 32}, "the generator of .* does not fit"),
        ({"network": "mlp", "norm": "none"}, "the generator of .* does not fit: .* is missing|not of this network"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_nothing(model, tmp_path, given, complaint):
    with pytest.raises(RunError, match=complaint) as raised:
        begun(tmp_path, model, **given)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "second").exists()


def test_a_start_that_is_none_is_refused_before_pictures_are_read(tmp_path):
    np.savez(tmp_path / "second.npz")
    with pytest.raises(RunError, match="is no trained GAN"):
        list(train_events(tmp_path / "second.npz", tmp_path / "second", GANSettings(), start=tmp_path / "nothing"))


def twelve_bits(path, top: int) -> Path:
    pictures = np.random.default_rng(0).integers(0, top, (40, 16, 16), dtype=np.uint16)
    pictures[0, 0, 0] = top
    np.savez(path, x=pictures)
    return path


def test_the_models_range_of_values_is_taken_over_and_told_unless_one_is_given(tmp_path):
    first = twelve_bits(tmp_path / "first.npz", 4095)
    list(train_events(first, tmp_path / "first", GANSettings(preset="dcgan", **TINY)))
    second = twelve_bits(tmp_path / "second.npz", 2000)

    def begin(name: str, **given) -> tuple[list[str], dict]:
        settings = GANSettings(**({"images": 8} | given))
        events = list(train_events(second, tmp_path / name, settings, start=tmp_path / "first"))
        facts = json.loads((tmp_path / name / "settings.json").read_text())
        return [event.message for event in events if isinstance(event, Noted)], facts

    told, facts = begin("as-the-model")
    assert any("values 0 and 4095 are black and white, as in its training" in message for message in told)
    assert facts["data"]["value_range"] == [0, 4095]
    assert facts["settings"]["value_range"] == "0,4095"
    assert begin("as-the-model", images=16)[1]["data"]["value_range"] == [0, 4095]  # the same command goes on
    for given, found in (("auto", [0, 2000]), ("0,3000", [0, 3000])):
        told, facts = begin(f"given {given}", value_range=given)
        assert facts["data"]["value_range"] == found
        assert not any("as in its training" in message for message in told)


@pytest.mark.parametrize("lowest", [0.0, -1.0])
def test_what_floats_stand_for_makes_no_bytes_white(tmp_path, lowest):
    floats = np.random.default_rng(0).uniform(lowest, 1, (40, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "floats.npz", x=floats)
    list(train_events(tmp_path / "floats.npz", tmp_path / "first", GANSettings(preset="dcgan", **TINY)))
    begun(tmp_path, tmp_path / "first")
    assert "value_range" not in json.loads((tmp_path / "second/settings.json").read_text())["data"]
