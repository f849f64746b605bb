"""What takes minutes and needs the real network: run by `make test-slow`."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from conftest import CAFFE, REPOSITORY
from scumble import stylize
from scumble.data.synthetic import painting
from scumble.image.files import load
from scumble.image.tensors import to_tensor
from scumble.perceptual import weights
from scumble.perceptual.vgg import VGG19
from scumble.style.balance import MOMENT_STYLE_LAYERS
from scumble.style.objective.objective import Objective
from scumble.style.preparation.masks import Region, regions_of_masks

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_losses_are_at_or_below_those_of_gatys_notebook(material, caffe_weights, monkeypatch):
    """The first 100 of the notebook's 500 evaluations; benchmarks/gatys_trace.py goes to the end."""
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(caffe_weights.parent))
    pairs = material / "data" / "pairs"
    done = subprocess.run(
        [
            sys.executable,
            REPOSITORY / "benchmarks" / "gatys_trace.py",
            pairs / "content" / "tuebingen_neckarfront.jpg",
            pairs / "style" / "vangogh_starry_night.jpg",
            "--steps=100",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert '"evaluations": 100' in done.stdout


def test_masks_paint_each_region_at_least_as_well_as_no_masks(caffe_weights):
    """Two styles, left and right: each half is as near to its own as if that style had been painted everywhere."""
    photo = Image.fromarray(load_sample_image("china.jpg")).resize((256, 171), Image.Resampling.LANCZOS)
    night = painting(seed=1)
    dusk = Image.fromarray(np.array(painting(seed=4))[:, :, ::-1].copy())
    masks = [Image.new("L", photo.size, 0) for _ in range(2)]
    masks[0].paste(255, (0, 0, 128, 171))
    masks[1].paste(255, (128, 0, 256, 171))
    settings = {"preset": "fine", "size": 256, "steps": 60, "weights": caffe_weights}
    masked = stylize(photo, [night, dusk], masks=masks, **settings)

    network = VGG19(weights.read(caffe_weights).tensors, CAFFE, tuple(MOMENT_STYLE_LAYERS), padding="replicate")
    regions = regions_of_masks([load(mask) for mask in masks], photo.size)
    for style, region in zip((night, dusk), regions, strict=True):
        style_pixels = to_tensor(load(style.resize((228, 171), Image.Resampling.LANCZOS)))
        alone = Region(region.name, (1.0,), region.mask)
        objective = Objective(
            network, to_tensor(load(photo)), [style_pixels], {}, MOMENT_STYLE_LAYERS, "wasserstein", regions=[alone]
        )
        before, with_masks, without = (
            objective.value_and_gradient(to_tensor(load(picture))).loss
            for picture in (photo, masked, stylize(photo, style, **settings))
        )
        print(f"{region.name}: {before:.5g} before, {with_masks:.5g} with masks, {without:.5g} without")
        assert with_masks < 0.5 * before
        assert with_masks < 1.05 * without


def test_the_contents_chroma_is_kept_by_the_real_network(caffe_weights):
    photo = Image.fromarray(load_sample_image("flower.jpg")).resize((192, 128), Image.Resampling.LANCZOS)
    settings = {"preset": "fine", "size": 192, "steps": 40, "colour": "content", "weights": caffe_weights}
    painted = stylize(photo, painting(seed=1), **settings)
    before, after = (np.asarray(p.convert("YCbCr"), np.float64) for p in (photo, painted))
    assert np.abs(before - after)[:, :, 1:].mean() < 2
    assert np.abs(before - after)[:, :, 0].mean() > 4
