"""The linear classifier: against scikit-learn without what is around it, and known probabilities."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from scumble.gan.probe import linear
from scumble.gan.probe.linear import Scaling, fit


def blobs(count=60, features=100, classes=3, spread=1.0, seed=0):
    """(N, D) points around one of K corners, and which."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    corners = np.random.default_rng(99).normal(size=(classes, features))
    return corners[labels] + spread * random.normal(size=(count, features)), labels


def test_scaling_is_scikit_learns_over_the_root_of_the_number_of_features():
    rows = np.random.default_rng(0).normal(5, 3, (50, 8))
    rows[:, 2] = 7  # never changes
    wanted = StandardScaler().fit_transform(rows) / np.sqrt(8)
    for count in (7, 50):
        scaling = Scaling.of(rows.astype(np.float32), rows=count)
        np.testing.assert_allclose(scaling(rows.astype(np.float32)), wanted, atol=1e-5)


@pytest.mark.parametrize("count", [30, 300])
@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_the_classifier_is_scikit_learns_with_more_pictures_than_features_and_with_fewer(monkeypatch, count, kind):
    monkeypatch.setattr(linear, "GRID", (3.0,))
    rows, labels = blobs(count, spread=3.0)
    scaled = Scaling.of(rows)(rows)
    model = (LinearSVC(C=3.0, tol=1e-8, max_iter=10**6) if kind == "svm" else LogisticRegression(C=3.0, tol=1e-8)).fit(
        scaled.astype(np.float64), labels
    )
    fitted = fit(scaled, labels, kind)
    assert fitted.c == 3.0
    wanted = model.decision_function(scaled)
    np.testing.assert_allclose(fitted.scores(scaled), wanted, atol=0.02 * np.abs(wanted).max())


def test_rows_rotated_have_the_same_products_and_a_way_back(monkeypatch):
    monkeypatch.setattr(linear, "COLUMNS", 30)
    rows, _ = blobs(20, 100)
    rows[7] = rows[3]  # a picture that is there twice
    rotated, back = linear._rotated(rows)
    assert back is not None
    assert rotated.shape == back.shape == (20, 19)
    np.testing.assert_allclose(rotated @ rotated.T, rows @ rows.T, atol=1e-9)
    np.testing.assert_allclose(rows @ (back.T @ rows).T, rotated, atol=1e-9)
    alone, none = linear._rotated(rows[:, :10])
    assert alone.shape == (20, 10)
    assert none is None


@pytest.mark.parametrize("classes", [2, 3])
def test_a_large_support_vector_machine_is_scikit_learns(monkeypatch, classes):
    rows, labels = blobs(600, 30, classes, spread=2.0)
    scaled = Scaling.of(rows)(rows)
    monkeypatch.setattr(linear, "GRID", (10.0,))
    monkeypatch.setattr(linear, "MAX_LIBLINEAR_NUMBERS", 0)
    large = fit(scaled, labels)
    model = LinearSVC(C=10.0, tol=1e-8, max_iter=10**6).fit(scaled.astype(np.float64), labels)
    wanted = model.decision_function(scaled)
    found = large.scores(scaled)
    np.testing.assert_allclose(found[:, 1] if classes == 2 else found, wanted, atol=0.02)


def test_c_falls_with_the_pictures_that_cross_validation_leaves_out(monkeypatch):
    monkeypatch.setattr(linear, "GRID", (3.0,))
    monkeypatch.setattr(linear, "MAX_TUNED", 50)
    rows, labels = blobs(200, 10)
    assert fit(rows, labels).c == pytest.approx(3.0 * 50 / 200)
    assert set(labels[linear._part(labels, 0)]) == {0, 1, 2}


def test_the_temperature_that_labels_were_drawn_with_is_found():
    random = np.random.default_rng(0)
    scores = random.normal(0, 3, (20_000, 4))
    for temperature in (0.5, 2.0):
        probabilities = softmax(scores / temperature, axis=1)
        labels = (probabilities.cumsum(1) < random.random((len(scores), 1))).sum(1)
        assert linear._temperature(scores, labels) == pytest.approx(temperature, rel=0.05)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", ["svm", "logistic"])
def test_probabilities_are_of_all_classes(classes, kind):
    rows, labels = blobs(90, 20, classes, spread=0.5)
    fitted = fit(Scaling.of(rows)(rows), labels, kind)
    probabilities = fitted.probabilities(Scaling.of(rows)(rows))
    assert probabilities.shape == (90, classes)
    np.testing.assert_allclose(probabilities.sum(1), 1, rtol=1e-5)
    assert (probabilities.argmax(1) == labels).all()


def test_one_label_a_class_is_enough():
    rows, labels = blobs(3, 50, spread=0.1)
    scaled = Scaling.of(blobs(60, 50)[0])
    fitted = fit(scaled(rows), labels)
    assert fitted.temperature == 1.0
    others, theirs = blobs(60, 50, spread=0.1, seed=5)
    assert (fitted.scores(scaled(others)).argmax(1) == theirs).all()
