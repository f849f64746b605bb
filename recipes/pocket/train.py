"""Train the small network that ships with scumble: from VGG19's weights and two archives of pictures to one file.

    python recipes/pocket/train.py WORK --photos photos.zip --paintings paintings.zip [--without FOLDER]

`pocket.safetensors` in the folder WORK is the network (in the package, the first digits of its SHA-256 follow its
name), `report.json` its figures on pictures that were held back. Every step leaves its result in WORK: the same command
goes on where it was stopped. `--without` names a folder of paintings that, with all their copies, are not trained on,
for results to be judged by. Two hours on one core, 7 GB in WORK.
"""

import argparse
import functools
import json
import math
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import material
import numpy as np
import prune
import torch
from judge import judge
from prune import TAPS, Parameters
from rich.progress import Progress, track
from safetensors.torch import load_file, save_file

from scumble import device
from scumble.perceptual import weights
from scumble.perceptual.catalogue import CATALOGUE, entry_named, find
from scumble.perceptual.layers import BLOCKS, block_of
from scumble.perceptual.pocket import FEATURES
from scumble.perceptual.vgg import VGG19, parameter_shapes
from scumble.storage import checkpoint
from scumble.style.balance import GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS, MOMENT_STYLE_LAYERS
from scumble.style.losses.statistics import gram
from scumble.style.objective.objective import Objective
from scumble.style.optimization.adam import Adam
from scumble.style.optimization.descent import Descent
from scumble.style.optimization.lbfgs import LBFGS
from scumble.training.task import Batch, Moment, Outcome, Task, Update
from scumble.training.trainer import Trainer

BATCH = 16
LEARNING_RATE = 1e-3
WARM_UP = 100
OWN_FROM = 0.35
"""The part of the training after which the network's own pictures join in."""

GRAM_WEIGHT = {"relu3_1": 0.1, "relu4_1": 0.2, "relu5_1": 0.1}
"""Of each crop's Gram matrix in the loss: what one coefficient at a time leaves is the direction of the mean."""

STORED_UNIT = 32
"""Coefficients reach 50,000, and float16 ends at 65,504: they are stored in units of this."""

SAVED_EVERY = 250
CHUNK = 50

Axes = dict[str, tuple[torch.Tensor, torch.Tensor]]


def main() -> None:
    """All steps, but for those whose results are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--without", type=Path, help="folder of paintings to keep out")
    parser.add_argument("--crops", type=int, default=5000)
    parser.add_argument("--own", type=int, default=150, help="crops of pictures that the network helped to make")
    parser.add_argument("--steps", type=int, default=6500)
    arguments = parser.parse_args()
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    device.choose("cpu", "float32")

    excluded = material.thumbprints(arguments.without) if arguments.without else []
    photos, paintings = material.read(arguments.photos), material.read(arguments.paintings, excluded)
    held_back = material.Crops(photos[: material.HELD_BACK], paintings[: material.HELD_BACK], seed=1)
    crops = material.Crops(photos[material.HELD_BACK :], paintings[material.HELD_BACK :], seed=0)

    entry = entry_named("vgg19-caffe")
    found = find(entry)
    if found is None:
        raise SystemExit("needs the weights vgg19-caffe on this machine: scumble models fetch vgg19-caffe")
    teacher = VGG19(weights.read(found).tensors, entry.preprocessing, ("relu5_1",))

    axes = principal_axes(work / "moments.safetensors", teacher, crops)
    targets = Targets(work / "targets", arguments.crops + arguments.own)
    targets.fill(arguments.crops, lambda number: [crops[number]], teacher, axes)
    initial = beginning(work / "initial.safetensors", teacher, axes, crops)
    with device.memory_kept():  # half of the time would be the system's, otherwise
        student = train(work / "checkpoints", initial, targets, arguments, crops, teacher, axes)

    write(shipped(student), work / "pocket.safetensors")
    report = judge(network_of(shipped(student)), teacher, axes, held_back)
    (work / "report.json").write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))


def principal_axes(path: Path, teacher: VGG19, crops: material.Crops, count: int = 800) -> Axes:
    """Of VGG19's features over the first crops."""
    if not path.exists():
        write(prune.second_moments(teacher, _some(crops, count, "second moments")), path)
    return prune.principal_axes(load_file(path))


def beginning(path: Path, teacher: VGG19, axes: Axes, crops: material.Crops, count: int = 300) -> Parameters:
    """The network cut out of VGG19."""
    if not path.exists():
        parameters = prune.cut(teacher, load_file(path.with_name("moments.safetensors")))
        heads = prune.fitted_heads(network_of(parameters), axes, teacher, _some(crops, count, "heads"))
        write(parameters | heads, path)
    return load_file(path)


def _some(crops: material.Crops, count: int, what: str) -> Iterator[torch.Tensor]:
    return (crops[number] for number in track(range(count), what))


def write(tensors: Parameters, path: Path) -> None:
    """Whole or not at all."""
    unfinished = path.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished)
    unfinished.rename(path)


def network_of(parameters: Parameters) -> VGG19:
    """The student with these parameters."""
    return VGG19(parameters, CATALOGUE["pocket"].preprocessing, ("relu5_1",))


def coefficients(
    teacher: VGG19, axes: Axes, crops: torch.Tensor, layers: Collection[str] = TAPS
) -> dict[str, torch.Tensor]:
    """What the heads shall predict: VGG19's features on the principal axes, (N, k, H, W) by layer."""
    with torch.no_grad():
        features = teacher(crops, layers)
        return {n: torch.einsum("nchw,ck->nkhw", features[n], axes[n][0].float()) for n in layers}


class Targets:
    """Crops and their coefficients on disk; `count` of them are there. relu1_1's are made when they are needed."""

    STORED = TAPS[1:]

    def __init__(self, folder: Path, capacity: int):
        folder.mkdir(parents=True, exist_ok=True)
        self.counter = folder / "count"
        self.count = int(self.counter.read_text()) if self.counter.exists() else 0
        mode = "r+" if self.count else "w+"
        side = {name: material.SIDE // 2 ** (block_of(name) - 1) for name in self.STORED}
        shapes = {name: (capacity, FEATURES[name], side[name], side[name]) for name in self.STORED}
        self.values = {name: np.memmap(folder / name, np.float16, mode, shape=shape) for name, shape in shapes.items()}
        self.crops = np.memmap(folder / "crops", np.uint8, mode, shape=(capacity, 3, material.SIDE, material.SIDE))

    def fill(self, until: int, make: Callable[[int], list[torch.Tensor]], teacher: VGG19, axes: Axes) -> None:
        """Add crops until there are so many; `make` gives those from some number on, one or a few."""
        with Progress() as progress:
            bar = progress.add_task("targets", total=until, completed=self.count)
            while self.count < until:
                for crop in make(self.count)[: until - self.count]:
                    stored = (crop * 255).round().to(torch.uint8)
                    self.crops[self.count] = stored.numpy()
                    for name, value in coefficients(teacher, axes, stored[None].float() / 255).items():
                        if name in self.values:
                            self.values[name][self.count] = (value[0] / STORED_UNIT).half().numpy()
                    self.count += 1
                if self.count % CHUNK == 0 or self.count == until:
                    self.counter.write_text(str(self.count))
                progress.update(bar, completed=self.count)

    def batch(self, numbers: np.ndarray) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
        """Crops (N, 3, SIDE, SIDE) in [0, 1], and coefficients."""
        crops = torch.from_numpy(self.crops[numbers]).float() / 255
        return crops, {
            name: torch.from_numpy(values[numbers]).float() * STORED_UNIT for name, values in self.values.items()
        }


def train(
    folder: Path, initial: Parameters, targets: Targets, arguments: argparse.Namespace, crops: material.Crops,
    teacher: VGG19, axes: Axes,
) -> VGG19:  # fmt: skip
    """From the last checkpoint on, if there is one."""
    student = network_of(initial).requires_grad_(True)
    own_from = round(OWN_FROM * arguments.steps)
    trainer = Trainer(distillation(student, targets, arguments.crops, own_from, arguments.steps, teacher, axes))
    checkpoint.newest(folder, trainer.restored)
    with Progress(*Progress.get_default_columns(), "{task.fields[loss]}") as progress:
        bar = progress.add_task("training", total=arguments.steps, completed=trainer.step, loss="")
        while trainer.step < arguments.steps:
            if trainer.step >= own_from and targets.count < arguments.crops + arguments.own:
                progress.stop()
                make = functools.partial(own_pictures, student, crops)
                targets.fill(arguments.crops + arguments.own, make, teacher, axes)
                progress.start()
            trainer.train_step()
            reported = " ".join(f"{name}:{error:.3f}" for name, error in trainer.take_figures()["student"].items())
            progress.update(bar, completed=trainer.step, loss=reported)
            if trainer.step % SAVED_EVERY == 0 or trainer.step == arguments.steps:
                checkpoint.write(folder, trainer.step, trainer.state())
                progress.console.print(f"{trainer.step}: {reported}")
    return student.requires_grad_(False)


def distillation(
    student: VGG19, targets: Targets, others: int, own_from: int, steps: int, teacher: VGG19, axes: Axes
) -> Task:
    """The student's features as the teacher's: AdamW, warmed up, then along a cosine."""

    def batch(moment: Moment) -> Batch:
        # Not of all that are there: who goes on from before the own pictures may have them already.
        count = targets.count if moment.step >= own_from else others
        numbers = np.random.default_rng((2, moment.step)).choice(count, BATCH, replace=False)
        pictures, wanted = targets.batch(np.sort(numbers))
        wanted |= coefficients(teacher, axes, pictures, TAPS[:1])  # one small convolution
        return {"pictures": pictures, "wanted": wanted}

    def loss(batch: Batch, moment: Moment) -> Outcome:
        errors = losses(student(batch["pictures"], TAPS), batch["wanted"], axes)
        return Outcome(torch.stack(list(errors.values())).sum(), errors)

    update = Update(
        "student",
        ("student",),
        loss,
        lambda parameters: torch.optim.AdamW(parameters, LEARNING_RATE, weight_decay=0.01),
        schedule=lambda moment: {"lr": LEARNING_RATE * schedule(moment.step, steps)},
        max_norm=5.0,
    )
    return Task({"student": student}, (update,), batch, BATCH)


def schedule(step: int, steps: int) -> float:
    """The learning rate's factor."""
    return min(1.0, (step + 1) / WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / steps))


def losses(found: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor], axes: Axes) -> dict[str, torch.Tensor]:
    """By layer: squared errors of the coefficients, each over the root of its energy, 1 for predicting nothing.

    Divided by the energies themselves, the many weak coefficients would count as much as the few strong ones; not
    divided at all, they would not count. In some layers, the error of each crop's Gram matrix comes on top.
    """
    errors = {}
    for name in TAPS:
        roots = axes[name][1].float().sqrt()
        squares = (found[name] - wanted[name]).square().mean((0, 2, 3))
        errors[name] = (squares / roots).sum() / roots.sum()
    for name, weight in GRAM_WEIGHT.items():
        pairs = [[gram(f.flatten(1).mT)["second"] for f in features[name]] for features in (found, wanted)]
        differences = [(one - other).norm() / other.norm() for one, other in zip(*pairs, strict=True)]
        errors[f"gram {name}"] = weight * torch.stack(differences).mean()
    return errors


def own_pictures(student: VGG19, crops: material.Crops, number: int) -> list[torch.Tensor]:
    """One canvas at three moments of being painted through the network's own eyes, with one of several losses."""
    random = np.random.default_rng((3, number))
    photo, painting = crops.pair(number + 10**7)
    looking = network_of({name: value.detach() for name, value in shipped(student).items()})
    gatys = bool(random.random() < 0.5)
    layers = GATYS_STYLE_LAYERS if gatys else MOMENT_STYLE_LAYERS
    scale = float(np.exp(random.uniform(-1, 2)))
    objective = Objective(
        looking, photo[None], [painting[None]], GATYS_CONTENT_LAYERS,
        {name: scale * weight for name, weight in layers.items()}, "gram" if gatys else "wasserstein",
    )  # fmt: skip
    moments = sorted(int(m) for m in random.choice(np.arange(5, 80), 3, replace=False))
    optimizer = LBFGS() if random.random() < 0.5 else Adam()
    canvases = [step.picture for step in Descent(objective, photo[None], optimizer, moments[-1])]
    return [canvases[moment - 1][0].clamp(0, 1) for moment in moments]


def shipped(student: VGG19) -> Parameters:
    """The parameters by the names of the package, the heads in the scale of its losses (see `pocket.py`)."""
    parts = [convolution.get_parameter(part) for convolution in student.convolutions for part in ("weight", "bias")]
    parameters = dict(zip(parameter_shapes(), parts, strict=False))
    for name, head in student.heads.items():
        scale = math.sqrt(FEATURES[name] / BLOCKS[block_of(name) - 1][0])
        parameters |= {f"heads.{name}.{part}": scale * head.get_parameter(part) for part in ("weight", "bias")}
    return {name: value.detach().half() for name, value in parameters.items()}


if __name__ == "__main__":
    main()
