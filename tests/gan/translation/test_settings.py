"""Settings of translation: presets, weights of losses, and what is refused because it would mean nothing."""

from typing import get_args

import pytest

from scumble import SettingsError, TranslationSettings
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.networks.build import build
from scumble.gan.translation.presets import PRESETS
from scumble.gan.translation.settings import NETWORKS, counts
from scumble.gan.translation.train import train_translator_events


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_whole_and_its_kind_knows_its_terms(preset):
    settings, entry = TranslationSettings(preset=preset), PRESETS[preset]
    assert settings.kind in KINDS
    assert settings.weights_over(KINDS[settings.kind].weights).keys() == KINDS[settings.kind].weights.keys()
    assert entry.year in range(2014, 2026)
    assert entry.differs
    assert entry.learns_from


def test_presets_stand_in_order_of_year():
    years = [entry.year for entry in PRESETS.values()]
    assert years == sorted(years)


def test_the_kinds_that_can_be_asked_for_are_those_of_the_table():
    assert set(get_args(TranslationSettings.model_fields["kind"].annotation)) == KINDS.keys() == NETWORKS.keys()


def test_a_weight_that_is_given_takes_the_place_of_one_alone():
    of_kind = KINDS["unpaired"].weights
    assert TranslationSettings(preset="cyclegan", weights="cycle=3").weights_over(of_kind) == {**of_kind, "cycle": 3.0}
    of_preset = TranslationSettings(preset="discogan").weights_over(of_kind)
    assert TranslationSettings(preset="discogan", weights="cycle=3").weights_over(of_kind) == {**of_preset, "cycle": 3}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"network": "resnet"}, "network: got resnet with kind paired, wanted unet"),
        (
            {"preset": "srgan", "network": "unet"},
            "network: got unet with kind super-resolution, wanted srresnet or rrdb",
        ),
        ({"batch": 4, "accumulate": 3}, "accumulate: got 3 with batch 4, wanted parts of equally many pictures"),
        ({"batch": 3, "devices": 2}, "batch: got 3 for 2 processes"),
        ({"preset": "esrgan", "accumulate": 2}, "accumulate: got 2 with loss relativistic-average"),
        ({"preset": "context-encoder", "batch": 1}, "batch: got 1 with network encoder-decoder, whose middle"),
        ({"preset": "context-encoder", "batch": 2, "devices": 2}, "batch: got 2 with network encoder-decoder"),
        ({"weights": "cycle"}, "weights: got 'cycle', wanted something like cycle=10,identity=5"),
        ({"size": "64x"}, "size: got '64x', wanted something like 128 or 256x128"),
        ({"preset": "pix3pix"}, "preset: got 'pix3pix', wanted"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(given, words):
    with pytest.raises(SettingsError) as error:
        TranslationSettings.model_validate(given)
    assert str(error.value).startswith(words)
    assert "\n" not in str(error.value)


def test_a_size_is_a_side_or_both():
    assert TranslationSettings(size=64).cut == (64, 64)
    assert TranslationSettings(size="96x64").cut == (96, 64)


@pytest.mark.parametrize("preset", ["pix2pix", "cyclegan", "munit", "esrgan"])
def test_batches_of_one_picture_are_the_papers(preset):
    assert TranslationSettings(preset=preset, batch=1).batch == 1


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"blocks": 9}, "blocks: got 9, which changes nothing with kind paired and network unet; leave it out"),
        ({"preset": "cyclegan", "network": "unet", "blocks": 9}, "blocks: got 9, which changes nothing with kind unp"),
        ({"pool": 50}, "pool: got 50, which changes nothing with kind paired"),
        ({"preset": "srgan", "patch_layers": 2}, "patch-layers: got 2, which changes nothing with kind super-res"),
        ({"preset": "stargan", "norm": "batch"}, "norm: got batch, which changes nothing with kind domains"),
        ({"preset": "pixelda", "upsampling": "shuffle"}, "upsampling: got shuffle, which changes nothing with kind a"),
        ({"preset": "esrgan", "upsampling": "shuffle"}, "upsampling: got shuffle, which changes nothing with kind s"),
        ({"perceptual": "vgg19"}, "perceptual: got vgg19, which changes nothing with kind paired"),
    ],
)
def test_a_training_refuses_what_would_change_nothing_and_a_saved_one_is_read(given, words, tmp_path):
    settings = TranslationSettings.model_validate(given)
    with pytest.raises(SettingsError) as error:
        next(train_translator_events("photos", tmp_path / "run", settings))
    assert str(error.value).startswith(words)


@pytest.mark.parametrize("name", ["blocks", "upsampling", "norm", "patch_layers", "latent"])
@pytest.mark.parametrize("preset", PRESETS)
def test_what_counts_changes_the_networks_and_nothing_else_does(preset, name):
    def shapes_of(**given):
        settings = TranslationSettings.model_validate({"preset": preset, "size": "32", "width": 4, **given})
        classes = 2 if KINDS[settings.kind].learns_from == "classes" or settings.kind == "adaptation" else 0
        side = 32 // KINDS[settings.kind].enlarges
        made = build(settings, Shapes((3, side, side), (3, 32, 32), classes))
        return {name: str(network) for name, network in made.items()}

    of_preset = TranslationSettings(preset=preset)
    others = {"blocks": 2, "upsampling": "shuffle", "patch_layers": 2, "latent": 5}
    other = others.get(name) or ("none" if of_preset.norm == "batch" else "batch")
    changed = shapes_of(patch_layers=1, blocks=1) != shapes_of(**{"patch_layers": 1, "blocks": 1, name: other})
    assert changed == counts(name, of_preset.kind, of_preset.network)


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_kind_has_a_network_of_its_own_and_is_read_again(kind):
    settings = TranslationSettings.model_validate({"kind": kind})
    assert settings.network == NETWORKS[kind][0]
    assert TranslationSettings.model_validate(settings.model_dump(mode="json")) == settings
