"""What a GAN has found without labels, asked for by commands: tables by category, figures of codes and of pairs."""

import csv
import json

import numpy as np
import pytest
import torch
from torch import nn

from gan_material import Projection, arrays, facts_of_noise, looked_at_by, untrained_gan
from scumble import GAN, Classifier, GANSettings, evaluate
from scumble.data.sources.domains import inverse
from scumble.errors import SettingsError
from scumble.events import Noted, returned
from scumble.gan.models.sample import draw_latents
from scumble.gan.networks.build import build
from scumble.gan.probe.clusters import Clusters, pair_agreement, readings
from scumble.gan.probe.label import label_events
from scumble.training.facts import DataFacts


class ByBrightness(nn.Module):
    """A guess that tells dark pictures from bright ones."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))

    def guess(self, pictures: torch.Tensor) -> torch.Tensor:
        mean = self.scale * pictures.mean((1, 2, 3))
        return torch.stack([-mean, mean, torch.full_like(mean, -100)], 1)


@pytest.fixture
def gan() -> GAN:
    settings = GANSettings(preset="clustergan", width=4, latent=16, categories=3)
    generator, _ = build(settings, (1, 16, 16), 0)
    return GAN(generator.eval().requires_grad_(False), ByBrightness(), facts_of_noise(settings))


@pytest.fixture
def pictures(tmp_path):
    """Dark and bright ones, and classes of which a quarter are wrong."""
    bright = np.arange(40) % 2
    pixels = (40 + 170 * bright[:, None, None] + np.zeros((1, 16, 16))).astype(np.uint8)
    np.savez(tmp_path / "pictures.npz", x=pixels, y=np.where(np.arange(40) < 10, 1 - bright, bright))
    return tmp_path / "pictures.npz"


def test_evaluation_tells_how_categories_agree_with_classes(gan, pictures):
    found = {one.name: one for one in returned(readings(gan, str(pictures), "train", None))}
    assert found["purity"].value == 0.75
    assert found["purity"].pictures == 40
    assert found["purity"].low < 0.75 < found["purity"].high
    assert found["purity"].by_chance < 0.65
    assert found["mutual_information"].value == pytest.approx(
        np.log(2) + 0.75 * np.log(0.75) + 0.25 * np.log(0.25), abs=1e-6
    )
    assert 0 < found["adjusted_rand_index"].value < 0.5


def test_pictures_without_classes_have_no_such_figures_and_it_is_said(gan, tmp_path):
    told = list(readings(gan, str(arrays(tmp_path / "noise.npz", 40)), "train", None))
    assert returned(readings(gan, str(tmp_path / "noise.npz"), "train", None)) == ()
    assert any(isinstance(event, Noted) and "these have none" in event.message for event in told)


def test_evaluate_has_them_beside_its_figures(gan, pictures, monkeypatch):
    looked_at_by(Projection(4), monkeypatch)
    found = evaluate(gan, pictures, pictures=20, measures=["frechet"])
    assert [one.name for one in found.readings] == ["purity", "mutual_information", "adjusted_rand_index"]
    plain = evaluate(untrained_gan("dcgan", (1, 16, 16)), pictures, pictures=20, measures=["frechet"])
    assert plain.readings == ()


def test_pictures_are_labelled_by_category(tmp_path, pictures):
    settings = GANSettings(preset="infogan", width=4, latent=16)
    networks = [one.eval().requires_grad_(False) for one in build(settings, (1, 16, 16), 0)]
    GAN(*networks, facts_of_noise(settings)).save_pretrained(tmp_path / "model")
    returned(label_events(pictures, tmp_path / "model", tmp_path / "labels.csv", "cpu"))
    with (tmp_path / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    made = Clusters(GAN.from_pretrained(tmp_path / "model", "cpu"))
    pixels = np.load(pictures)["x"]
    by_name = {row["picture"]: row["class"] for row in rows}
    assert len(by_name) == 40
    assert set(by_name.values()) == set(made.predict(list(pixels)))
    assert made.probabilities(list(pixels)).shape == (40, 10)


def test_a_model_without_codes_labels_nothing(tmp_path):
    with pytest.raises(SettingsError, match="has no codes to label by"):
        Clusters(untrained_gan("dcgan"))
    untrained_gan("dcgan").save_pretrained(tmp_path / "model")
    with pytest.raises(Exception, match="classifier"):
        returned(label_events("digits", tmp_path / "model", tmp_path / "labels.csv", "cpu"))
    assert Classifier


class Domains(nn.Module):
    """The first number of a latent as brightness, and inverted in the first domain; or unrelated ones."""

    def __init__(self, related: bool):
        super().__init__()
        self.related, self.one = related, nn.Parameter(torch.ones(1))

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        own = self.one * latents[:, 0].clamp(-1, 1)
        there = -own if self.related else latents[:, 1].clamp(-1, 1)
        return torch.where(labels == 0, there, own)[:, None, None, None].expand(-1, 1, 16, 16)


def coupled(related: bool) -> GAN:
    settings = GANSettings(preset="cogan", width=4, latent=8)
    data = DataFacts(name="inverse:noise", count=40, shape=(1, 16, 16), classes=("inverse", "original"), digest="")
    return GAN(Domains(related).eval(), nn.Identity(), facts_of_noise(settings).model_copy(update={"data": data}))


def test_pairs_that_go_together_agree_and_others_do_as_by_chance():
    own = draw_latents(range(1000), 8)[:, 0].clamp(-1, 1)
    found, other = (pair_agreement(coupled(related), "inverse") for related in (True, False))
    assert found.value == pytest.approx(1, abs=0.01)  # of bytes
    assert found.by_chance == pytest.approx(1 - (own - own.roll(1)).abs().mean().item() / 2, abs=0.01)
    assert other.value == pytest.approx(other.by_chance, abs=0.05)
    assert other.low < other.value < other.high
    assert np.array_equal(inverse(np.array([[[7]]], np.uint8)), [[[248]]])


def test_domains_that_code_made_are_known_by_their_classes():
    (found,) = returned(readings(coupled(True), "unread", "train", None))
    assert (found.name, found.title, found.pictures) == ("pair_agreement", "pair agreement", 1000)
    assert json.dumps(found.value)
