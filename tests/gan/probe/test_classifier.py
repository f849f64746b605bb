"""The classifier that is saved: it is the one that was tested, and damage is reported."""

import json
import shutil
import warnings

import numpy as np
import pytest
import safetensors.torch
import torch

from gan_material import HALVES, TINY_TRAINING, halves_of_noise
from scumble import Classifier
from scumble.errors import RunError
from scumble.events import returned
from scumble.gan.probe.protocol import classify_events
from scumble.gan.probe.trials import TRIALS
from scumble.gan.settings import ClassifySettings
from scumble.gan.train import train

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")

QUICK = ClassifySettings(labelled="1,3", draws=2, supervised_steps=2)


@pytest.mark.parametrize("preset", ["sndcgan", "dcgan", "acgan"])
def test_the_classifier_that_is_kept_is_the_one_that_was_tested(preset, halves, tmp_path):
    train(halves, tmp_path / "run", preset=preset, **TINY_TRAINING)
    returned(classify_events(tmp_path / "run", halves, tmp_path / "out", QUICK))
    shutil.rmtree(tmp_path / "run")
    classifier = Classifier.from_pretrained(tmp_path / "out")
    assert classifier.classes == HALVES
    known = classifier.facts.classifier
    assert (known.labelled, known.tested) == (9, 30)
    assert repr(classifier).startswith(f"<Classifier of {classifier.facts.data.kind}: {', '.join(HALVES)}; ")
    x_test, y_test = halves_of_noise(30, 1)
    assert np.mean(np.array(classifier.predict(x_test)) == y_test) == pytest.approx(known.accuracy)
    np.testing.assert_allclose(classifier.probabilities(x_test).sum(1), 1, rtol=1e-5)
    first = [json.loads(line) for line in (tmp_path / "out" / TRIALS).read_text().splitlines() if line]
    confusion = next(t["confusion"] for t in first if (t["subject"], t["labels"], t["draw"]) == ("discriminator", 3, 0))
    assert np.trace(confusion) / 30 == pytest.approx(known.accuracy)


def test_a_damaged_classifier_is_told(halves_run, halves, tmp_path):
    returned(classify_events(halves_run, halves, tmp_path / "out", QUICK))
    with pytest.raises(RunError, match="holds no classifier"):
        Classifier.from_pretrained(halves_run / "model")
    whole = (tmp_path / "out" / "model.safetensors").read_bytes()
    tensors = safetensors.torch.load(whole)
    for name, value in (("scale", 1e-46), ("weights", 3e38), ("mean", 3e38)):
        spoiled = tensors | {name: torch.full_like(tensors[name], value)}
        (tmp_path / "out" / "model.safetensors").write_bytes(safetensors.torch.save(spoiled))
        with warnings.catch_warnings(action="error"), pytest.raises(RunError, match="lead to no probability"):
            Classifier.from_pretrained(tmp_path / "out")
    (tmp_path / "out" / "model.safetensors").write_bytes(whole)
    facts = json.loads((tmp_path / "out" / "settings.json").read_text())
    facts["classifier"]["classes"] = ["a", "b"]
    (tmp_path / "out" / "settings.json").write_text(json.dumps(facts))
    with pytest.raises(RunError, match="classes are not as many"):
        Classifier.from_pretrained(tmp_path / "out")
    (tmp_path / "out" / "model.safetensors").write_bytes(b"short")
    with pytest.raises(RunError, match="is damaged, or was cut short"):
        Classifier.from_pretrained(tmp_path / "out")
