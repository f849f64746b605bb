"""The pictures that are always at hand."""

import numpy as np

from scumble.data.sources.opener import open_source


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    expected, source = load_digits(), open_source("digits")
    assert [item.label for item in source.items] == [str(label) for label in expected.target]
    for number in (0, 1000, 1796):
        grey = np.asarray(source.items[number].load().rgb)[..., 0]
        assert np.abs(grey / 255 * 16 - expected.images[number]).max() < 0.04  # half of 16/255


def test_shapes_are_labelled_and_lie_in_their_pictures():
    source = open_source("shapes")
    assert len(source.items) == 4096
    assert {item.label for item in source.items} == {"disc", "square", "triangle"}
    picture = source.items[100].load()
    assert picture.size == source.items[100].size() == (64, 64)
    border = np.asarray(picture.rgb)[[0, -1]].reshape(-1, 3)
    assert (border == border[0]).all()
