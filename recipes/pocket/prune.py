"""A narrow network cut out of VGG19: where training begins. Random weights need many times as long to get there.

Each layer keeps the channels from which the others can best be told, and every next layer is given, in place of the
channels that are gone, their linear least-squares estimate from those that were kept.
"""

from collections.abc import Iterable, Mapping

import torch

from scumble.perceptual.layers import LAYERS, after_pooling, block_of
from scumble.perceptual.pocket import FEATURES, WIDTHS
from scumble.perceptual.vgg import VGG19, parameter_shapes

TAPS = tuple(FEATURES)
CONVOLUTIONS = LAYERS[: 1 + LAYERS.index("relu5_1")]
Parameters = dict[str, torch.Tensor]


def as_next_sees(name: str, features: torch.Tensor) -> torch.Tensor:
    """What the layer after this one gets: pooled, if a block ends here."""
    following = CONVOLUTIONS[CONVOLUTIONS.index(name) + 1 :][:1]
    return torch.nn.functional.max_pool2d(features, 2) if following and after_pooling(following[0]) else features


def second_moments(network: VGG19, pictures: Iterable[torch.Tensor]) -> dict[str, torch.Tensor]:
    """The products of all channels, and of them and 1, averaged over all places: {name: (C + 1, C + 1)}, in float64.

    `name` is each convolution's, of the features as the next layer sees them; "tap NAME" is a tapped layer's own.
    """
    moments: dict[str, torch.Tensor] = {}
    count = 0
    for picture in pictures:
        with torch.no_grad():
            features = network(picture[None], CONVOLUTIONS)
        count += 1
        for name in CONVOLUTIONS:
            _add(moments, name, as_next_sees(name, features[name]))
            if name in TAPS:
                _add(moments, f"tap {name}", features[name])
    return {name: total / count for name, total in moments.items()}


def _add(moments: dict[str, torch.Tensor], name: str, features: torch.Tensor) -> None:
    places = with_ones(features.permute(0, 2, 3, 1).flatten(0, 2))
    product = (places.mT @ places).double() / len(places)
    moments[name] = moments[name] + product if name in moments else product


def with_ones(places: torch.Tensor) -> torch.Tensor:
    """(P, C) -> (P, C + 1)."""
    return torch.nn.functional.pad(places, (0, 1), value=1.0)


def principal_axes(moments: Mapping[str, torch.Tensor]) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Of each tapped layer: the leading eigenvectors of its uncentred second moments (C, k), and their energies (k)."""
    axes = {}
    for name, kept in FEATURES.items():
        values, vectors = torch.linalg.eigh(moments[f"tap {name}"][:-1, :-1])
        axes[name] = (vectors[:, -kept:].flip(1), values[-kept:].flip(0))
    return axes


def telling_channels(moment: torch.Tensor, count: int) -> list[int]:
    """The channels from which the rest can best be predicted: chosen one by one, each for what is still unexplained."""
    rest, chosen = moment.clone(), []
    floor = 1e-9 * moment.diagonal().sum()
    for _ in range(count):
        gains = rest.square().sum(0) / rest.diagonal().clamp_min(floor)
        gains[chosen] = -1
        best = int(gains.argmax())
        chosen.append(best)
        rest = rest - torch.outer(rest[best], rest[best]) / rest[best, best].clamp_min(floor)
    return sorted(chosen)


def cut(teacher: VGG19, moments: Mapping[str, torch.Tensor]) -> Parameters:
    """The narrow convolutions. Channels are scaled to a mean square of 1, which is where optimisers like them.

    Args:
        teacher: VGG19 up to relu5_1.
        moments: of `second_moments`.
    """
    parameters: Parameters = {}
    estimate = torch.eye(3, 4, dtype=torch.float64)  # of all inputs, from those that are kept, and 1
    names = iter(parameter_shapes())
    for name, convolution in zip(CONVOLUTIONS, teacher.convolutions, strict=True):
        weight, bias = (convolution.get_parameter(part).double() for part in ("weight", "bias"))
        moment = moments[name]
        kept = telling_channels(moment[:-1, :-1], WIDTHS[block_of(name) - 1])
        size = moment.diagonal()[kept].sqrt().clamp_min(1e-6)
        seen = torch.einsum("oihw,ij->ojhw", weight[kept], estimate)
        new_bias = bias[kept] + seen[:, -1].sum((1, 2))  # a border of zeros is taken for one of ones: nearly alike
        parameters[next(names)] = (seen[:, :-1] / size[:, None, None, None]).float()
        parameters[next(names)] = (new_bias / size).float()
        known = [*kept, len(moment) - 1]
        some = moment[known][:, known]
        ridge = 1e-6 * some.diagonal().mean() * torch.eye(len(some), dtype=torch.float64)
        estimate = torch.linalg.solve(some + ridge, moment[known]).mT[:-1]
        estimate = estimate * torch.cat([size, size.new_ones(1)])
    return parameters


def fitted_heads(
    student: VGG19,
    axes: Mapping[str, tuple[torch.Tensor, torch.Tensor]],
    teacher: VGG19,
    pictures: Iterable[torch.Tensor],
) -> Parameters:
    """The heads that predict VGG19's coefficients from the student's channels best, by least squares.

    Args:
        student: without heads.
        axes: of `principal_axes`.
        teacher: VGG19 up to relu5_1.
        pictures: (3, H, W) each.
    """
    inner: dict[str, torch.Tensor] = {}
    outer: dict[str, torch.Tensor] = {}
    for picture in pictures:
        with torch.no_grad():
            wanted, found = teacher(picture[None], TAPS), student(picture[None], TAPS)
        for name in TAPS:
            x = with_ones(found[name].permute(0, 2, 3, 1).flatten(0, 2)).double()
            y = wanted[name].permute(0, 2, 3, 1).flatten(0, 2).double() @ axes[name][0]
            inner[name] = inner.get(name, 0) + x.mT @ x / len(x)
            outer[name] = outer.get(name, 0) + x.mT @ y / len(x)
    heads: Parameters = {}
    for name in TAPS:
        ridge = 1e-6 * inner[name].diagonal().mean() * torch.eye(len(inner[name]), dtype=torch.float64)
        solution = torch.linalg.solve(inner[name] + ridge, outer[name]).mT.float()  # (k, C + 1)
        heads[f"heads.{name}.weight"] = solution[:, :-1, None, None].contiguous()
        heads[f"heads.{name}.bias"] = solution[:, -1].contiguous()
    return heads
