"""Codes by hand: what a text stands for, the latents that it becomes, and what is read from pictures."""

import math

import numpy as np
import pytest
import torch

from gan_material import facts_of_noise
from scumble import GAN, GANSettings
from scumble.cli import app
from scumble.errors import SettingsError
from scumble.gan.models.codes import VALUES, codes_of, name_of, set_to
from scumble.gan.models.sample import draw_latents
from scumble.gan.networks.build import build
from scumble.image import recipe

INFOGAN = GANSettings(preset="infogan", width=4, latent=16)


def untrained(preset: str, **given) -> GAN:
    settings = GANSettings.model_validate({"preset": preset, "width": 4, "latent": 16} | given)
    generator, discriminator = (one.eval().requires_grad_(False) for one in build(settings, (1, 16, 16), 0))
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(6 if parameter.dim() > 1 else 1)
    return GAN(generator, discriminator, facts_of_noise(settings))


@pytest.fixture(params=["infogan", "clustergan"])
def gan(request) -> GAN:
    return untrained(request.param)


def test_a_text_stands_for_all_codes_in_order():
    assert codes_of("3", INFOGAN) == codes_of(3, INFOGAN) == [(3,)]
    assert codes_of(",-1", INFOGAN) == [(None, -1.0)]
    assert codes_of("all", INFOGAN) == [(k,) for k in range(10)]
    assert codes_of("all,all,0.5", INFOGAN) == [(k, value, 0.5) for k in range(10) for value in VALUES]
    assert name_of(codes_of(" 3 , , -0.25", INFOGAN)[0]) == "3,,-0.25"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("10", "code: got category '10', wanted 0 to 9, or all"),
        ("three", "code: got category 'three', wanted 0 to 9"),
        ("1,2", "code: got '2', wanted a number from -1 to 1, or all"),
        ("1,nan", "code: got 'nan', wanted a number"),
        ("1,0,0,0", "code: got '1,0,0,0', wanted a category, and 2 numbers after it"),
    ],
)
def test_what_is_no_code_is_refused(text, complaint):
    with pytest.raises(SettingsError, match=complaint):
        codes_of(text, INFOGAN)
    with pytest.raises(SettingsError, match="and the model has none"):
        codes_of(text, GANSettings(preset="dcgan"))


def test_latents_with_a_code_are_read_as_that_code_and_are_otherwise_as_they_were(gan):
    settings, latents = gan.settings, draw_latents(range(50), 16)
    read = gan.generator.read(latents)
    for code in codes_of("all", settings):
        changed = set_to(latents, code, settings)
        found = gan.generator.read(changed)
        assert (found[:, :10].argmax(1) == code[0]).all()
        assert torch.equal(found[:, 10:], read[:, 10:])
        assert torch.equal(changed[:, :10].sort(1).values, latents[:, :10].sort(1).values)
    assert torch.equal(set_to(latents, (None,), settings), latents)


def test_numbers_are_read_as_they_were_set():
    generator = untrained("infogan").generator
    for value in (-1.0, -0.5, 0.0, 0.37, 1.0):
        changed = set_to(draw_latents(range(3), 16), (None, None, value), INFOGAN)
        assert torch.allclose(generator.read(changed)[:, 11], torch.tensor(value), atol=2e-6)
    # Against the definition, by the standard library.
    changed = set_to(draw_latents([0], 16), (None, 0.37), INFOGAN)
    assert math.erf(changed[0, 10].item() / math.sqrt(2)) == pytest.approx(0.37, abs=1e-6)


def test_categories_are_equally_frequent_and_numbers_uniform():
    read = untrained("infogan").generator.read(torch.randn(20_000, 16, generator=torch.Generator().manual_seed(0)))
    assert read[:, :10].sum(1).eq(1).all()
    shares = read[:, :10].mean(0)
    assert (shares - 0.1).abs().max() < 4 * math.sqrt(0.09 / 20_000)
    numbers = read[:, 10:12]
    assert numbers.abs().max() <= 1
    assert (numbers.mean(0).abs() < 4 / math.sqrt(3 * 20_000)).all()
    assert torch.allclose(numbers.var(0), torch.tensor(1 / 3), atol=0.01)


def test_the_noise_of_clusters_is_small():
    read = untrained("clustergan").generator.read(torch.randn(5000, 16, generator=torch.Generator().manual_seed(0)))
    assert read[:, 10:].std().item() == pytest.approx(0.1, rel=0.03)


def test_samples_of_a_code_are_those_of_seeds_whose_code_it_is(gan):
    own = [int(latent[:10].argmax()) for latent in draw_latents(range(4), 16)]
    for seed, category in enumerate(own):
        assert np.array_equal(gan.sample_array([seed], code=category), gan.sample_array([seed]))
    rows = gan.sample_array(range(2), code="all")
    assert rows.shape == (20, 16, 16, 1)
    assert np.array_equal(rows[14], gan.sample_array([0], code=7)[0])
    assert len(gan.sample(range(2), code="3")) == 2


def test_a_sheet_has_a_row_for_each_code_and_a_column_for_each_seed_or_value():
    gan = untrained("infogan")

    def shape(**given) -> tuple[int, int]:
        sheet = gan.grid(**given)
        return round(sheet.height / 66), round(sheet.width / 66)

    assert shape(seeds=range(4), code="all") == (10, 4)
    assert shape(seeds=[0], code="all,all") == (10, 9)
    assert shape(seeds=[0], code="3,all,all") == (9, 9)
    assert shape(seeds=[0], code="3,all") == (1, 9)
    assert shape(seeds=[0, 1], code="3") == (1, 2)


def test_what_is_read_are_probabilities_and_numbers(gan):
    pictures = list(gan.sample(range(3)))
    read = gan.read_codes(pictures)
    assert read.shape == (3, 10 + gan.settings.continuous)
    assert np.allclose(read[:, :10].sum(1), 1, atol=1e-5)
    with pytest.raises(SettingsError, match="pictures: got none"):
        gan.read_codes([])
    with pytest.raises(SettingsError, match="no codes to be read"):
        untrained("dcgan").read_codes(pictures)


def test_a_model_keeps_its_codes_when_it_is_saved(gan, tmp_path):
    gan.save_pretrained(tmp_path / "model")
    found = GAN.from_pretrained(tmp_path / "model", "cpu")
    pictures = list(gan.sample(range(2)))
    assert np.array_equal(found.sample_array(range(2), code="2"), gan.sample_array(range(2), code="2"))
    assert np.allclose(found.read_codes(pictures), gan.read_codes(pictures), atol=1e-6)


def command(*words: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        app.main(["gan", *map(str, words)])
    return exit_.value.code or 0


def test_the_command_draws_by_code(tmp_path, capsys):
    untrained("infogan").save_pretrained(tmp_path / "model")
    sheet = tmp_path / "sheet.png"
    assert command("sample", tmp_path / "model", "--code", "all,all", "-o", sheet) == 0
    assert recipe.read(sheet)["code"] == ["all,all"]
    assert recipe.read(sheet)["seeds"] == [0]
    assert command("sample", tmp_path / "model", "--code", "3", "--code", "4,,1", "--seeds", "5,6", "-o", tmp_path) == 0
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob("code*/*"))
    assert names == [f"{code}/seed00000{seed}.png" for code in ("code 3", "code 4__1") for seed in (5, 6)]
    assert command("sample", tmp_path / "model", "--code", "eleven", "-o", tmp_path / "no.png") == 2
    assert "code: got category 'eleven', wanted 0 to 9, or all" in capsys.readouterr().err
    assert not (tmp_path / "no.png").exists()
