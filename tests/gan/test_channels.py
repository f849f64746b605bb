"""Pictures of other channels than grey and colours: trained on, sampled, and refused where nothing can look at them."""

import numpy as np
import pytest
import tifffile
from PIL import Image

from gan_material import TINY_TRAINING
from scumble.data.raw import raw_of
from scumble.errors import DataError, SettingsError
from scumble.gan.evaluation.evaluate import evaluate
from scumble.gan.models.projection import project
from scumble.gan.sample_sheets import write_samples
from scumble.gan.train import train

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def trained(tmp_path):
    def make(held: int, **settings):
        pixels = np.random.default_rng(0).integers(0, 256, (32, 16, 16, held), dtype=np.uint8)
        np.savez(tmp_path / "x.npz", x=pixels)
        return train(tmp_path / "x.npz", tmp_path / "run", **(TINY_TRAINING | {"images": 40} | settings))

    return make


@pytest.mark.parametrize(("channels", "mode"), [(2, "LA"), (4, "RGBA")])
def test_opacity_is_learnt_and_sampled(trained, tmp_path, channels, mode):
    gan = trained(channels, channels=channels)
    assert gan.facts.data.shape == (channels, 16, 16)
    (picture,) = gan.sample([3])
    assert picture.mode == mode
    (path,) = write_samples(gan, [3], tmp_path / "samples")
    assert path.suffix == ".png"
    with Image.open(path) as saved:
        assert saved.mode == "RGBA"
        assert np.array_equal(np.asarray(saved)[..., 3], np.asarray(picture)[..., -1])
        assert np.array_equal(np.asarray(saved)[..., 0], np.asarray(picture)[..., 0])
    (sheet,) = write_samples(gan, [1, 2], tmp_path / "sheet.png")
    with Image.open(sheet) as saved:
        assert saved.mode == "RGB"


def test_bands_are_learnt_and_sampled_as_tiff(trained, tmp_path):
    gan = trained(6)
    array = gan.sample_array([3])
    assert array.shape == (1, 16, 16, 6)
    (path,) = write_samples(gan, [3], tmp_path / "samples")
    assert path.suffix == ".tif"
    assert np.array_equal(tifffile.imread(path), array[0])
    raw = raw_of(path.read_bytes(), path.name)
    assert raw is not None
    assert np.array_equal(raw.read(), array[0])
    with pytest.raises(SettingsError, match="6 channels"):
        gan.sample([3])


def test_what_feature_networks_cannot_see_is_refused_in_words(trained, tmp_path):
    gan = trained(4, channels=4)
    with pytest.raises(DataError, match="has pictures of 4 channels; wanted 1 for grey or 3 for colour"):
        evaluate(tmp_path / "run", tmp_path / "x.npz")
    with pytest.raises(SettingsError, match="draws pictures of 4 channels; wanted 1 for grey or 3 for colour"):
        project(gan, Image.new("RGB", (16, 16)), tmp_path / "projected.png")
    with pytest.raises(DataError, match="has pictures of 4 channels"):
        train(tmp_path / "x.npz", tmp_path / "other", **(TINY_TRAINING | {"channels": 4, "evaluate_every": 40}))


def test_fit_and_range_are_settings_that_no_run_changes(trained, tmp_path):
    trained(3)
    with pytest.raises(Exception, match="is a run with fit crop; got fit pad"):
        trained(3, fit="pad", images=80)
