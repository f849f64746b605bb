"""The latent whose picture is nearest to a given one.

Gradient descent starts from the nearest few of some hundred seeds. Latents stay on the sphere where nearly all of them
lie in training (Menon et al. 2020, "PULSE"): elsewhere, nearer pictures exist that the generator was never trained on.
What it has not learnt it cannot draw: a picture of another kind only finds what looks a little like it. An adversarial
autoencoder has learnt the answer: its encoder gives it at once, and there is no descent.
"""

import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from scumble.device import Placement, in_full_float32
from scumble.errors import SettingsError
from scumble.events import Event, Finished, Progress, Saved, Started, returned
from scumble.gan.models.gan import GAN
from scumble.gan.models.latents import on_sphere
from scumble.gan.models.sample import draw_latents, encoded
from scumble.image import files, recipe, tensors
from scumble.perceptual import backbones

JOB = "project"
LAYERS = ("relu1_1", "relu2_1", "relu3_1")
"""Of the small network: the deepest that still resolve pictures of 16 pixels."""

SEEDS, KEPT = 256, 8
"""How many seeds are tried, and from how many of them gradient descent starts."""

STEPS, LR = 200, 0.1
"""Of Adam, on latents of standard deviation 1; the rate decays linearly to 0."""

CHUNK = 32

DISTANCES = ("pocket", "pixels")


class Projection(NamedTuple):
    """The result: a latent (Z,), its class, its picture's distance, and the nearest seed and its distance."""

    latent: torch.Tensor
    of_class: str | None
    distance: float
    seed: int
    seed_distance: float


Distance = Callable[[torch.Tensor], torch.Tensor]
"""(N, C, H, W) pictures in [-1, 1] -> (N,): the distance of each from the given one."""


@in_full_float32
def project_events(
    gan: GAN,
    picture: files.PictureSource,
    output: Path,
    by: str = "pocket",
    of_class: str | None = None,
    overwrite: bool = False,
) -> Generator[Event, None, Projection]:
    """Find the latent, and write a sheet: the given picture, that of the nearest seed, and the projection.

    Args:
        gan: whose latents are searched.
        picture: the target; its middle is cut out and resampled to the size of the GAN's pictures.
        output: the sheet, whose recipe holds the latent.
        by: "pocket", the features of the small network, or "pixels".
        of_class: as of `GAN.sample`; by default, all classes are tried, or the labels of many pictures.
        overwrite: whether a file may be there that scumble has not made.

    Raises:
        ImageError: if the picture cannot be read, or the sheet not written.
        SettingsError: if there is no such class, the output's ending is unknown, or the GAN is of other channels.
    """
    started = time.perf_counter()
    if by not in DISTANCES:
        raise SettingsError(f"by: got {by!r}, wanted one of {', '.join(DISTANCES)}")
    files.check_output(output, inputs=(picture,), overwrite=overwrite)
    labels = gan.labels(range(SEEDS), of_class)
    target = _fitted(gan, picture)
    distance = yield from _distance(by, target)
    yield Started(JOB, STEPS, "steps")
    latents = draw_latents(range(SEEDS), gan.settings.latent)
    latents = on_sphere(latents) if gan.encoder is None else latents
    result = yield from _searched(gan, distance, target, latents, labels)
    seed = result.seed
    of_seed = gan.draw_array(latents[seed, None], None if labels is None else gan.class_names(labels[seed, None])[0])
    of_latent = gan.draw_array(result.latent[None], result.of_class)
    sheet = tensors.grid(np.concatenate([tensors.from_signed(target), of_seed, of_latent]), 3)
    figures = {"distance": result.distance, "nearest_seed": seed, "distance_of_seed": result.seed_distance}
    made_by = {"gan": gan.facts.data.name, "by": by, "class": result.of_class, "latent": result.latent.tolist()}
    files.save(sheet, output, recipe.versions() | made_by | figures)
    yield Saved(output)
    yield Finished(JOB, [output], time.perf_counter() - started, Image.fromarray(sheet), figures)
    return result


def project(
    gan: GAN,
    picture: files.PictureSource,
    output: str | Path,
    by: str = "pocket",
    of_class: str | None = None,
    overwrite: bool = False,
) -> Projection:
    """The same at once; see `project_events`."""
    return returned(project_events(gan, picture, Path(output), by, of_class, overwrite))


def _fitted(gan: GAN, picture: files.PictureSource) -> torch.Tensor:
    """(1, C, H, W) in [-1, 1], on the GAN's device."""
    colours, height, width = gan.facts.data.shape
    if colours not in (1, 3):
        raise SettingsError(f"the GAN draws pictures of {colours} channels; wanted 1 for grey or 3 for colour")
    rgb = tensors.cover(tensors.to_tensor(files.load(picture)), (width, height))
    pixels = tensors.to_image(rgb).convert("L" if colours == 1 else "RGB")
    array = np.array(pixels).reshape(1, height, width, colours).transpose(0, 3, 1, 2)
    return tensors.to_signed(array, gan.device)


def _distance(by: str, target: torch.Tensor) -> Generator[Event, None, Distance]:
    """The mean squared difference of pixels; or of features, each layer relative to the target's mean square."""
    if by == "pixels":
        return lambda pictures: (pictures - target).square().flatten(1).mean(1)
    backbone = yield from backbones.load("pocket", LAYERS, Placement(target.device, torch.float32, ""))

    def layers_of(pictures: torch.Tensor) -> list[torch.Tensor]:
        rgb = ((pictures + 1) / 2).expand(-1, 3, -1, -1)
        return list(backbone.network(rgb, LAYERS).values())

    goals = [features.detach() for features in layers_of(target)]
    sizes = [goal.square().mean().clamp_min(1e-8) for goal in goals]

    def distance(pictures: torch.Tensor) -> torch.Tensor:
        layers = zip(layers_of(pictures), goals, sizes, strict=True)
        return torch.stack([(layer - goal).square().flatten(1).mean(1) / size for layer, goal, size in layers]).mean(0)

    return distance


def _searched(
    gan: GAN, distance: Distance, target: torch.Tensor, latents: torch.Tensor, labels: torch.Tensor | None
) -> Generator[Event, None, Projection]:
    """What is nearest: from the best of the (N, Z) latents and their labels on, or by the encoder."""
    latents = latents.to(target.device)
    labels = None if labels is None else labels.to(target.device)
    at_first = _distances(gan, distance, latents, labels)
    nearest = at_first.argsort()[:KEPT]
    labels = None if labels is None else labels[nearest]
    if gan.encoder is None:
        found, distances = yield from _descend(gan, distance, latents[nearest], labels)
    else:
        found = encoded(gan.encoder, target)
        distances = _distances(gan, distance, found, None)
    best, seed = int(distances.argmin()), int(nearest[0])
    chosen = None if labels is None else gan.class_names(labels)[best]
    return Projection(found[best].cpu(), chosen, float(distances[best]), seed, float(at_first[seed]))


@torch.inference_mode()
def _distances(gan: GAN, distance: Distance, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    """(N,): of the pictures of all latents, in chunks."""
    parts = [slice(start, start + CHUNK) for start in range(0, len(latents), CHUNK)]
    return torch.cat([distance(_pictures(gan, latents[part], labels, part)) for part in parts]).clone()


def _pictures(gan: GAN, latents: torch.Tensor, labels: torch.Tensor | None, part: slice = slice(None)) -> torch.Tensor:
    return gan.generator(latents) if labels is None else gan.generator(latents, labels[part])


def _descend(
    gan: GAN, distance: Distance, latents: torch.Tensor, labels: torch.Tensor | None
) -> Generator[Event, None, tuple[torch.Tensor, torch.Tensor]]:
    """(N, Z) latents after gradient descent, and their pictures' (N,) distances."""
    with torch.inference_mode(False):
        latents = latents.clone().requires_grad_()
        optimizer = torch.optim.Adam([latents], LR)
        for step in range(STEPS):
            for group in optimizer.param_groups:
                group["lr"] = LR * (1 - step / STEPS)
            distances = distance(_pictures(gan, on_sphere(latents), labels))
            optimizer.zero_grad()
            distances.sum().backward()
            optimizer.step()
            yield Progress(JOB, step + 1, STEPS, distances.min().item())
    found = on_sphere(latents.detach())
    return found, _distances(gan, distance, found, labels)
