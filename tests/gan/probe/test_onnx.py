"""The exported classifier: other programs find the probabilities that ours finds, in the pixels as they are."""

import json

import numpy as np
import pytest

from gan_material import CLASSES, some_pixels, untrained_classifier
from scumble.gan.models.onnx import write_program
from scumble.gan.networks.build import NETWORKS
from scumble.gan.probe.onnx import of_classifier

pytestmark = pytest.mark.usefixtures("one_thread")

CASES = [
    ("sndcgan", "spectral", (3, 32, 32), {}),
    ("dcgan", "batch", (1, 24, 20), {"pool": "average"}),  # 12 x 10, pooled by windows of different sizes
    ("dcgan", "spectral", (4, 20, 24), {"layers": 1, "side": 2}),
    ("resnet", "spectral", (3, 20, 36), {"pool": "average", "side": 3}),
    ("normfree", "none", (3, 20, 48), {}),
    ("mlp", "none", (1, 16, 16), {}),
    ("sagan", "spectral", (3, 24, 16), {}),
    ("ebgan", "batch", (1, 20, 28), {}),
    ("began", "none", (3, 20, 24), {"layers": 3}),
    ("laplacian", "none", (1, 28, 28), {}),
]


@pytest.mark.parametrize(("network", "norm", "shape", "given"), CASES)
def test_onnxruntime_finds_the_probabilities_that_torch_finds(network, norm, shape, given, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    classifier = untrained_classifier(network, norm, shape, **given)
    list(write_program(of_classifier(classifier), tmp_path / "classifier.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "classifier.onnx")
    for count in (1, 3, 7):
        pixels = some_pixels(count, shape, seed=count)
        (found,) = session.run(None, {"pixels": pixels.transpose(0, 2, 3, 1)})
        wanted = classifier.probabilities_of_pixels(pixels)
        np.testing.assert_allclose(found, wanted, atol=1e-4)
        np.testing.assert_allclose(found.sum(1), 1, rtol=1e-5)
        assert found.std(0).max() > 0.01 or count == 1  # a hundred times what may differ
    facts = json.loads(session.get_modelmeta().custom_metadata_map["scumble"])
    assert facts["classes"] == list(CLASSES)
    channels, height, wide = shape
    assert facts["takes"]["pixels"].startswith(f"(N, {height}, {wide}, {channels}) uint8, 0 (black) to 255 (white)")
    assert facts["classifier"]["temperature"] == 0.5


def test_every_network_is_among_the_cases():
    assert {network for network, *_ in CASES} == set(NETWORKS)


def test_the_classifier_stays_as_it_was():
    classifier = untrained_classifier("sndcgan", "spectral", (1, 16, 16))
    before = list(classifier.discriminator.state_dict())
    of_classifier(classifier)
    assert list(classifier.discriminator.state_dict()) == before


def test_the_file_says_how_deep_values_became_pixels():
    classifier = untrained_classifier("sndcgan", "spectral", (1, 16, 16))
    data = classifier.facts.data.model_copy(update={"value_range": (0.0, 4095.0)})
    classifier.facts = classifier.facts.model_copy(update={"data": data})
    assert "0 became 0 and 4095 became 255" in of_classifier(classifier).facts["takes"]["pixels"]
