"""A linear classifier on standardised features, with calibrated probabilities; scikit-learn's underneath.

Standardised features are divided by the root of their number, so that one grid of C serves any discriminator. C is
chosen by stratified cross-validation. The scores of a support vector machine are not log-probabilities: they are
divided by a temperature, the one under which held-out labels are likeliest (Guo et al. 2017). What is unusual: where
there are fewer pictures than features, both are rotated into the subspace that the pictures span, which leaves the
classifier unchanged and takes a tenth of the time.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_val_predict
from sklearn.svm import LinearSVC

GRID = (0.1, 1.0, 10.0, 100.0)
DEFAULT_C = 10.0
"""C where a class has a single label and nothing can be held out: what most draws of more labels choose."""
FOLDS = 3
MAX_TUNED = 2000
"""Cross-validation uses so many pictures at most; of more, C is chosen on a part, and divided as pictures multiply."""
MAX_LIBLINEAR_NUMBERS = 2 * 10**7
"""scikit-learn's SVM copies its input, at 16 bytes a number, and goes through it class by class."""
MAX_ITERATIONS = 200
COLUMNS = 4096
"""Features that are converted to float64 at once."""
ROUNDING = 1e-12
"""Eigenvalues so much smaller than the largest are zero up to float64's rounding, which is near 1e-15."""
TEMPERATURES = (-5.0, 5.0)
"""Bounds of the temperature's logarithm."""


class Scaling(NamedTuple):
    """Features' means (D,), and their divisors (D,)."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, rows: int = 2048) -> "Scaling":
        """Of (N, D) features, which may be on the disk; constant ones get a standard deviation of 1."""
        total, squares = np.zeros(features.shape[1]), np.zeros(features.shape[1])
        shift = np.asarray(features[:rows], np.float64).mean(0)  # squares of what is near 0 lose no digits
        for start in range(0, len(features), rows):
            some = np.asarray(features[start : start + rows], np.float64) - shift
            total += some.sum(0)
            squares += (some**2).sum(0)
        mean = total / len(features)
        standard_deviation = np.sqrt(np.maximum(squares / len(features) - mean**2, 0))
        standard_deviation[standard_deviation == 0] = 1
        return cls(shift + mean, standard_deviation * np.sqrt(features.shape[1]))

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(n, D) float32: of mean 0, and rows of norm 1 on average."""
        return ((features - self.mean.astype(np.float32)) / self.scale.astype(np.float32)).astype(np.float32)


class Linear(NamedTuple):
    """Scores (n, K) of K classes: features @ weights.T + biases; probabilities are their softmax at a temperature."""

    weights: np.ndarray  # (K, D)
    biases: np.ndarray  # (K,)
    temperature: float
    c: float

    def scores(self, scaled: np.ndarray) -> np.ndarray:
        """(n, K) of (n, D) scaled features; the largest is the predicted class."""
        return scaled @ self.weights.T.astype(scaled.dtype) + self.biases

    def probabilities(self, scaled: np.ndarray) -> np.ndarray:
        """(n, K), rows with the sum 1."""
        return softmax(self.scores(scaled) / self.temperature, axis=1)


def fit(scaled: np.ndarray, labels: np.ndarray, kind: str = "svm", seed: int = 0) -> Linear:
    """A classifier of (n, D) scaled features with (n,) labels 0 ... K - 1, each of which occurs.

    Args:
        scaled: what `Scaling` returns.
        labels: integers.
        kind: "svm" or "logistic".
        seed: of the folds; below 2^32.
    """
    count = len(scaled)
    part = _part(labels, seed)
    rotated, back = _rotated(scaled[part])
    c, temperature = _tuned(rotated, labels[part], kind, seed)
    c *= len(part) / count
    if kind == "svm" and scaled.size > MAX_LIBLINEAR_NUMBERS:
        return Linear(*_large_svm(scaled, labels, c), temperature, c)
    if len(part) < count:
        rotated, back = _rotated(scaled)
    model = _model(kind, c).fit(rotated, labels)
    weights, biases = _all_classes(model.coef_, model.intercept_)
    return Linear(weights if back is None else weights @ back.T @ scaled, biases, temperature, c)


def _model(kind: str, c: float) -> Any:
    if kind == "svm":
        return LinearSVC(C=c, tol=1e-3, max_iter=10_000, random_state=0)
    return LogisticRegression(C=c, tol=1e-6, max_iter=1000)


def _large_svm(rows: np.ndarray, labels: np.ndarray, c: float) -> tuple[np.ndarray, np.ndarray]:
    """What `LinearSVC` minimises, 1/2 |w|^2 + C sum max(0, 1 - y (w x + b))^2 + b^2 / 2, for all classes at once.

    Returns:
        weights (K, D) and biases (K,).
    """
    signs = np.where(labels[:, None] == np.arange(labels.max() + 1), 1, -1).astype(rows.dtype)  # (n, K)
    shape = signs.shape[1], rows.shape[1] + 1

    def value_and_gradient(flat: np.ndarray) -> tuple[float, np.ndarray]:
        both = flat.reshape(shape)
        weights, biases = both[:, :-1].astype(rows.dtype), both[:, -1]
        short = np.maximum(0, 1 - signs * (rows @ weights.T + biases.astype(rows.dtype)))  # (n, K)
        of_scores = -2 * c * signs * short
        gradient = both + np.concatenate([of_scores.T @ rows, of_scores.sum(0)[:, None]], 1)
        return float((both**2).sum() / 2 + c * (short.astype(np.float64) ** 2).sum()), gradient.ravel()

    options = {"maxiter": MAX_ITERATIONS}
    found = minimize(value_and_gradient, np.zeros(math.prod(shape)), jac=True, method="L-BFGS-B", options=options)
    both = found.x.reshape(shape)
    return both[:, :-1], both[:, -1]


def _part(labels: np.ndarray, seed: int) -> np.ndarray:
    """Positions of at most `MAX_TUNED` pictures, each class in proportion."""
    if len(labels) <= MAX_TUNED:
        return np.arange(len(labels))
    order = np.random.default_rng(seed).permutation(len(labels))
    in_turn = order[np.argsort(labels[order], kind="stable")]  # class after class
    return in_turn[np.linspace(0, len(labels) - 1, MAX_TUNED).astype(int)]


def _rotated(scaled: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """(n, D) -> (n, r) with the same inner products, and the (n, r) inverse, where n < D; r is the rank.

    Weights w of the r columns are weights w @ back.T @ scaled of the D. The eigenvectors of the (n, n) products take a
    seventh of the time of a QR decomposition of the rows.
    """
    if len(scaled) >= scaled.shape[1] or not scaled.any():
        return scaled, None
    products = np.zeros((len(scaled), len(scaled)))
    for start in range(0, scaled.shape[1], COLUMNS):
        some = scaled[:, start : start + COLUMNS].astype(np.float64)
        products += some @ some.T
    values, vectors = np.linalg.eigh(products)
    nonzero = values > ROUNDING * values[-1]  # zero: a picture that is there twice, or all equal
    roots = np.sqrt(values[nonzero])
    return vectors[:, nonzero] * roots, vectors[:, nonzero] / roots


def _tuned(rows: np.ndarray, labels: np.ndarray, kind: str, seed: int) -> tuple[float, float]:
    """C with the fewest errors on held-out folds, and the temperature for the scores there."""
    folds = min(FOLDS, int(np.unique(labels, return_counts=True)[1].min()))
    if folds < 2:
        return DEFAULT_C, 1.0
    split = StratifiedKFold(folds, shuffle=True, random_state=seed)
    search = GridSearchCV(_model(kind, 1.0), {"C": GRID}, cv=split, refit=False).fit(rows, labels)
    c = float(search.best_params_["C"])
    scores = cross_val_predict(_model(kind, c), rows, labels, cv=split, method="decision_function")
    return c, _temperature(_both(np.asarray(scores)), labels)


def _temperature(scores: np.ndarray, labels: np.ndarray) -> float:
    def cross_entropy(logarithm: float) -> float:
        return -log_softmax(scores / np.exp(logarithm), axis=1)[np.arange(len(labels)), labels].mean()

    found: Any = minimize_scalar(cross_entropy, bounds=TEMPERATURES, method="bounded")
    return float(np.exp(found.x))


def _both(scores: np.ndarray) -> np.ndarray:
    """(n, K) scores, of two classes too, where scikit-learn gives (n,): the second's lead over the first."""
    return np.stack([-scores / 2, scores / 2], 1) if scores.ndim == 1 else scores


def _all_classes(weights: np.ndarray, biases: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Likewise weights (K, D) and biases (K,)."""
    if len(weights) > 1:
        return weights, biases
    return np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
