"""The best model of a training: what is logged and kept, that it resumes to the bit, and harms no training."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import scumble
from scumble import GAN, GANSettings
from scumble.errors import DataError
from scumble.events import Finished, Noted, Progress, Saved, Warned
from scumble.gan import plots
from scumble.gan.evaluation import best_model, feature_cache
from scumble.gan.train import train_events
from scumble.image.tensors import to_signed
from scumble.storage.run import Run
from scumble.training import loop
from scumble.training.log import Log

pytestmark = pytest.mark.usefixtures("one_thread")

FIGURES = ("frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage", "near_copies")


@pytest.fixture(autouse=True)
def few_pictures(monkeypatch):
    monkeypatch.setattr(best_model, "PICTURES", 140)
    monkeypatch.setattr(feature_cache, "PIECE", 70)
    monkeypatch.setattr(loop, "PROGRESS_SECONDS", -1.0)


@pytest.fixture
def data(tmp_path) -> Path:
    pictures = np.random.default_rng(0).integers(0, 256, (150, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", x=pictures)
    return tmp_path / "noise.npz"


def settings(**others) -> GANSettings:
    return GANSettings(**({"width": 4, "latent": 8, "batch": 8, "images": 200, "evaluate_every": 80} | others))


def rows(run: Path) -> list[dict]:
    return [{name: row[name] for name in row if name != "images_per_second"} for row in Run(run).metrics()]


def evaluations(run: Path) -> dict[int, float]:
    return {row["images"]: row["frechet_distance"] for row in rows(run) if "frechet_distance" in row}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_training_is_measured_on_its_way_and_at_its_end_and_the_best_generator_is_kept(data, tmp_path):
    run = tmp_path / "run"
    events = list(train_events(data, run, settings()))
    found = evaluations(run)
    assert list(found) == [80, 160, 200]
    measured = [row for row in rows(run) if "frechet_distance" in row]
    assert all(set(row) == {"images", *FIGURES} for row in measured)
    assert isinstance(events[-1], Finished)
    assert [event.path for event in events if isinstance(event, Saved)][:2] == [run / "model", run / "best"]
    assert len([event for event in events if isinstance(event, Noted) and "Fréchet distance" in event.message]) == 3
    best = GAN.from_pretrained(run / "best")
    assert best.facts.images_seen == min(found, key=lambda images: found[images])
    assert best.facts.evaluation.figures["frechet_distance"] == min(found.values())
    assert plots.write_curves(run, tmp_path / "curves.png").stat().st_size > 10_000


def test_the_figure_is_that_of_the_kept_generator(data, tmp_path):
    run = tmp_path / "run"
    list(train_events(data, run, settings()))
    best = GAN.from_pretrained(run / "best")
    found = scumble.evaluate(run / "best", data, pictures=140, measures=["frechet"]).figures[0]
    assert (found.real, found.generated) == (140, 140)
    assert found.value == best.facts.evaluation.figures["frechet_distance"]


@pytest.mark.parametrize("stops", [[80, 160], [160]])
def test_a_training_that_was_stopped_while_it_was_measured_ends_with_the_same_lines_and_bits(data, tmp_path, stops):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    list(train_events(data, whole, settings()))
    for stop in stops:
        events = train_events(data, parts, settings())
        told = 0
        for event in events:  # the second time that these images are told of, the evaluation has begun
            told += isinstance(event, Progress) and event.job == "train" and event.done == stop
            if told == 2:
                break
        events.close()
        assert stop not in evaluations(parts)
    list(train_events(data, parts, settings()))
    assert rows(parts) == rows(whole)
    for folder in ("best", "model"):
        assert contents(parts / folder) == contents(whole / folder)


@pytest.mark.slow
def test_a_training_that_was_killed_while_it_was_measured_ends_with_the_same_lines_and_bits(data, tmp_path):
    whole, copies = tmp_path / "whole", []
    for number, _ in enumerate(train_events(data, whole, settings())):
        if (whole / "best").exists() and number % 4 == 0 and len(copies) < 4:
            copies.append(tmp_path / f"killed{number}")
            shutil.copytree(whole, copies[-1])
    assert len(copies) == 4
    for killed in copies:
        list(train_events(data, killed, settings()))
        assert rows(killed) == rows(whole)
        assert contents(killed / "best") == contents(whole / "best")


def test_a_kill_after_the_best_was_kept_and_before_it_was_written_down_is_made_good(data, tmp_path, monkeypatch):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    list(train_events(data, whole, settings(images=80)))
    with monkeypatch.context() as patch:
        add = Log.add

        def interrupt(log, figures, *warnings):
            if "frechet_distance" in figures:
                raise KeyboardInterrupt
            add(log, figures, *warnings)

        patch.setattr(Log, "add", interrupt)
        with pytest.raises(KeyboardInterrupt):
            list(train_events(data, killed, settings(images=80)))
    assert (killed / "best").exists()
    assert evaluations(killed) == {}
    list(train_events(data, killed, settings(images=80)))
    assert rows(killed) == rows(whole)
    assert contents(killed / "best") == contents(whole / "best")


def test_of_an_equilibrium_the_best_is_where_it_has_converged_most(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    values = iter([0.4, 0.2, 0.3])
    monkeypatch.setattr(best_model, "convergence", lambda *means: torch.tensor(next(values)))
    events = list(train_events(data, run, settings(preset="began", norm="spectral", loss="wasserstein")))
    found = {row["images"]: row["convergence"] for row in rows(run) if "frechet_distance" in row}
    assert found == pytest.approx({80: 0.4, 160: 0.2, 200: 0.3})
    assert GAN.from_pretrained(run / "best").facts.images_seen == 160
    assert any(isinstance(event, Noted) and "convergence 0.2, the best so far" in event.message for event in events)


def test_the_convergence_of_a_model_is_that_of_its_energies_and_looking_leaves_it_as_it_was(data, tmp_path):
    run = tmp_path / "run"
    list(train_events(data, run, settings(preset="began", norm="spectral", images=80)))
    gan = GAN.from_pretrained(run / "best")
    real = to_signed(np.load(data)["x"][feature_cache.shuffled(150)[:140], None], gan.device)
    drawn = to_signed(gan.sample_array(range(140)).transpose(0, 3, 1, 2), gan.device)
    real, drawn = (-gan.discriminator(pictures).mean().item() for pictures in (real, drawn))
    assert gan.facts.evaluation.figures["convergence"] == pytest.approx(real + abs(0.75 * real - drawn), rel=1e-4)
    list(train_events(data, tmp_path / "plain", settings(preset="began", norm="spectral", images=80, evaluate_every=0)))
    plain, evaluated = (contents(folder / "model") for folder in (tmp_path / "plain", run))
    assert plain["model.safetensors"] == evaluated["model.safetensors"]


def test_evaluations_change_nothing_of_the_training_and_may_be_begun_later(data, tmp_path):
    list(train_events(data, tmp_path / "plain", settings(evaluate_every=0)))
    list(train_events(data, tmp_path / "evaluated", settings()))
    plain, evaluated = (contents(tmp_path / run / "model") for run in ("plain", "evaluated"))
    assert plain["model.safetensors"] == evaluated["model.safetensors"]
    assert not (tmp_path / "plain" / "best").exists()
    list(train_events(data, tmp_path / "plain", settings(evaluate_every=80)))  # it is finished: its end is measured
    assert list(evaluations(tmp_path / "plain")) == [200]
    assert evaluations(tmp_path / "plain")[200] == evaluations(tmp_path / "evaluated")[200]
    list(train_events(data, tmp_path / "plain", settings(evaluate_every=80), fresh=True))
    assert list(evaluations(tmp_path / "plain")) == [80, 160, 200]


def test_too_few_pictures_to_be_measured_are_refused_before_anything_is_written(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (128, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "few.npz", x=pictures)
    with pytest.raises(DataError, match="frechet by pocket takes 129 pictures of each kind or more; got 128 real"):
        list(train_events(tmp_path / "few.npz", tmp_path / "run", settings()))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("broken", ["features", "best"])
def test_an_evaluation_that_fails_is_told_and_ends_nothing(data, tmp_path, monkeypatch, broken):
    if broken == "features":

        def refuse(path, piece):
            raise DataError("the disk is full")

        monkeypatch.setattr(feature_cache, "_write", refuse)
    else:
        nowhere = property(lambda run: data / "best", lambda run, path: None)  # a file is no folder
        monkeypatch.setattr(Run, "new_best", nowhere, raising=False)
    events = list(train_events(data, tmp_path / "run", settings()))
    assert isinstance(events[-1], Finished)
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert len(warnings) == 1
    assert warnings[0].endswith("the training goes on")
    assert evaluations(tmp_path / "run") == {}


def test_a_best_of_another_measurement_is_not_compared_with(data, tmp_path):
    run = tmp_path / "run"
    list(train_events(data, run, settings()))
    path = run / "best" / "settings.json"
    facts = json.loads(path.read_text())
    facts["evaluation"]["measured"]["sha256"] = "0" * 64
    facts["evaluation"]["figures"]["frechet_distance"] = 0.0
    path.write_text(json.dumps(facts))
    list(train_events(data, run, settings(images=240)))
    assert json.loads(path.read_text())["images_seen"] == 240
