import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from scumble import GAN, GANSettings
from scumble.errors import RunError, ScumbleError, SettingsError
from scumble.gan import sample, sheets
from scumble.gan.model import build
from scumble.gan.train import train_events

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of a few steps on noise in colour, with two grids."""
    folder = tmp_path_factory.mktemp("gan")
    np.savez(folder / "noise.npz", x=np.random.default_rng(0).integers(0, 256, (40, 16, 20, 3), dtype=np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCUMBLE_HOME", str(folder / "cache"))
        settings = GANSettings(preset="dcgan", width=4, latent=8, batch=8, images=8 * 50, grids=2)
        list(train_events(folder / "noise.npz", folder / "run", settings))
    return folder / "run"


@pytest.fixture
def gan(run) -> GAN:
    return GAN.from_pretrained(run)


def test_picture_seven_is_the_same_alone_and_among_others(gan):
    alone = gan.sample_array([7])[0]
    among = gan.sample_array(range(64))[7]
    assert np.array_equal(alone, among)
    assert not np.array_equal(among, gan.sample_array([8])[0])


def test_sampling_changes_neither_statistics_nor_torchs_numbers(gan):
    before = {name: tensor.clone() for name, tensor in gan.generator.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    gan.sample(range(3))
    assert torch.rand(1) == expected
    assert all(torch.equal(before[name], tensor) for name, tensor in gan.generator.state_dict().items())


def test_a_model_folder_gives_the_same_pictures_as_its_run(run, gan, tmp_path):
    model = GAN.from_pretrained(run / "model")
    assert np.array_equal(gan.sample_array(range(5)), model.sample_array(range(5)))
    model.save_pretrained(tmp_path / "copy")
    again = GAN.from_pretrained(tmp_path / "copy")
    assert np.array_equal(gan.sample_array(range(5)), again.sample_array(range(5)))
    for name, tensor in gan.discriminator.state_dict().items():
        assert torch.equal(tensor, again.discriminator.state_dict()[name])


def test_a_model_explains_itself(run):
    assert {p.name for p in (run / "model").iterdir()} == {
        "README.md",
        "model.safetensors",
        "samples.png",
        "settings.json",
    }
    card = (run / "model/README.md").read_text()
    for words in ("noise.npz", "40 pictures", "400 images", "20 x 16 pixels", "| width | 4 |", "`dcgan`"):
        assert words in card
    assert "{" not in card
    facts = json.loads((run / "model/settings.json").read_text())
    assert (facts["format_version"], facts["kind"], facts["images_seen"]) == (1, "gan", 400)


def test_a_model_of_before_there_were_kinds_opens(run, gan, tmp_path):
    shutil.copytree(run / "model", tmp_path / "old")
    facts = json.loads((tmp_path / "old/settings.json").read_text())
    del facts["kind"]
    (tmp_path / "old/settings.json").write_text(json.dumps(facts))
    assert GAN.from_pretrained(tmp_path / "old").sample([3])[0].tobytes() == gan.sample([3])[0].tobytes()


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"flip": "yes"}, "flip is 'yes'; wanted .*bool"), ({"data": []}, "data.name is None"), ({"kind": "x"}, "no gan")],
)
def test_a_model_whose_facts_were_changed_is_refused_in_one_line(run, tmp_path, changed, said):
    shutil.copytree(run / "model", tmp_path / "changed")
    path = tmp_path / "changed/settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    with pytest.raises(RunError, match=said) as raised:
        GAN.from_pretrained(tmp_path / "changed")
    assert "\n" not in str(raised.value)


def test_samples_are_pictures_of_the_right_kind(gan):
    [picture] = gan.sample([0])
    assert (picture.mode, picture.size) == ("RGB", (20, 16))


def test_latents_are_normal_and_truncation_draws_what_is_outside_again():
    plain = sample.draw_latents(range(500), 20)
    assert abs(plain.mean()) < 0.05
    assert plain.std().item() == pytest.approx(1, abs=0.03)
    truncated = sample.draw_latents(range(500), 20, 0.7)
    assert truncated.abs().max() <= 0.7
    inside = plain.abs() <= 0.7
    assert torch.equal(truncated[inside], plain[inside])
    # The deviation of a normal distribution cut at a: sqrt(1 - 2 a phi(a) / (2 Phi(a) - 1)).
    assert truncated.std().item() == pytest.approx(0.3876, abs=0.01)


def test_wrong_seeds_and_truncations_are_refused(gan):
    for truncation in (0, -1.0, float("nan")):
        with pytest.raises(SettingsError, match="truncation: got"):
            gan.sample([0], truncation)
    with pytest.raises(SettingsError, match="seeds: got -1"):
        gan.sample([3, -1])
    for wrong in ([1.5], ["3"], [None]):
        with pytest.raises(SettingsError, match="wanted whole numbers"):
            gan.sample(wrong)
    assert gan.sample(np.arange(2))[1].tobytes() == gan.sample([1])[0].tobytes()
    with pytest.raises(SettingsError, match="seeds: got none"):
        gan.sample([])


def test_folders_that_hold_no_gan_are_refused(tmp_path, run):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(RunError, match="is no"):
            GAN.from_pretrained(folder)
    model = tmp_path / "model"
    GAN.from_pretrained(run).save_pretrained(model)
    weights, settings = (model / "model.safetensors").read_bytes(), (model / "settings.json").read_text()
    (model / "model.safetensors").write_bytes(weights[:1000])
    with pytest.raises(RunError, match="cannot be read"):
        GAN.from_pretrained(model)
    (model / "model.safetensors").write_bytes(weights)
    (model / "settings.json").write_text(settings.replace('"width": 4', '"width": 8'))
    with pytest.raises(RunError, match="does not hold what its settings say"):
        GAN.from_pretrained(model)
    (model / "settings.json").write_text(settings.replace('"format_version": 1', '"format_version": 2'))
    with pytest.raises(RunError, match="format 2"):
        GAN.from_pretrained(model)
    (model / "settings.json").write_text(settings.replace('"width": 4', '"width": 4, "colour": 1'))
    with pytest.raises(ScumbleError, match="colour"):
        GAN.from_pretrained(model)


def test_frozen_statistics_are_those_of_the_training():
    generator, _ = build(GANSettings(preset="dcgan", width=4, latent=8), (1, 16, 16))
    latents = torch.randn(64, 8)
    for _ in range(200):
        seen = generator(latents)
    frozen = generator.eval()(latents)
    assert torch.allclose(frozen, seen, atol=0.05)


def test_samples_go_into_one_grid_or_a_folder(gan, tmp_path):
    [grid] = sheets.write_samples(gan, [1, 2, 3], tmp_path / "grid.png", columns=2)
    with Image.open(grid) as picture:
        assert picture.size == (2 * 60 + 2, 2 * 48 + 2)  # 20 x 16 pixels, three times as large
        corner = np.asarray(picture)[50:98, 62:]
    assert (corner == 255).all()
    written = list(sheets.write_samples(gan, [1, 22], tmp_path / "many"))
    assert [path.name for path in written] == ["seed000001.png", "seed000022.png"]
    with Image.open(written[1]) as picture:
        assert np.array_equal(np.asarray(picture), gan.sample_array([22])[0])
    with pytest.raises(SettingsError, match="ends in '.xyz'"):
        list(sheets.write_samples(gan, [1], tmp_path / "grid.xyz"))


def test_curves_and_a_film_are_drawn_from_a_run(run, tmp_path):
    for suffix in (".png", ".svg", ".pdf"):
        assert sheets.write_curves(run, tmp_path / f"curves{suffix}").stat().st_size > 5000
    film = sheets.write_film(run, tmp_path / "film.gif", seconds=1)
    with Image.open(film) as frames:
        assert getattr(frames, "n_frames", 1) == len(list((run / "grids").iterdir())) == 2
    with pytest.raises(SettingsError, match="wanted one of .webp, .gif"):
        sheets.write_film(run, tmp_path / "film.mov")
    with pytest.raises(RunError, match="is no run"):
        sheets.write_curves(tmp_path / "nothing", tmp_path / "curves.png")
    with pytest.raises(ScumbleError, match="cannot be written"):
        sheets.write_curves(run, tmp_path / "missing" / "curves.png")
