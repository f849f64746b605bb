"""What the tests of translation share: tiny games on drawn pictures, and pictures that tell who belongs to whom."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from scumble import device
from scumble.events import returned
from scumble.gan.translation.data import Pictures, open_translation
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.kind import Direction, Game, Kind, Shapes
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.models.translator import Translator
from scumble.gan.translation.networks.build import build
from scumble.gan.translation.settings import TranslationSettings
from scumble.gan.translation.task import game_of, trainer_of
from scumble.training.facts import DataFacts
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment
from scumble.training.trainer import Trainer

TINY = {"size": "16", "width": 4, "batch": 4, "patch_layers": 1, "ema": 8, "images": 400}
SHORT = {"pairs": "grey", "size": 16, "width": 4, "batch": 4, "images": 80, "grids": 2, "patch_layers": 1}
"""Twenty steps of the smallest networks."""
GREY = Shapes((1, 16, 16), (1, 16, 16))


def tiny_game(shapes: Shapes = GREY, features: Callable | None = None, **given) -> Game:
    """Networks of 4 channels for pictures of 16 pixels."""
    settings = TranslationSettings.model_validate(TINY | given)
    return game_of(settings, shapes, device.choose("cpu", "float32"), features=features)


def blobs(count: int, shape: tuple[int, int, int], random: torch.Generator) -> torch.Tensor:
    """(N, C, H, W) smooth pictures in [-1, 1]."""
    coarse = draw(torch.rand, count, shape[0], 4, 4, random=random)
    return torch.nn.functional.interpolate(coarse, shape[1:], mode="bilinear").mul(2).sub(1)


def drawn(game: Game) -> Callable[[Moment], Batch]:
    """Pictures for a step: `b` is the negative of `a`, made smaller or larger where the shapes say so."""

    def batch(moment: Moment) -> Batch:
        random = moment.generator()
        count = game.settings.batch // moment.share.parts
        a = blobs(count, game.shapes.a, random)
        b = -torch.nn.functional.interpolate(a.mean(1, keepdim=True), game.shapes.b[1:], mode="bilinear")
        found = {"a": a, "b": b.expand(-1, game.shapes.b[0], -1, -1).contiguous(), "random": random}
        if game.shapes.classes:
            found["labels"] = draw(torch.rand, count, random=random).mul(game.shapes.classes).long()
        found["mask"] = torch.zeros_like(a[:, :1])
        found["mask"][..., 4:10, 6:12] = 1
        return found

    return batch


def tiny_trainer(game: Game, identity: str = "") -> Trainer:
    """Of such a game, at step 0."""
    return trainer_of(game, drawn(game), identity)


def trained(make: Callable[[], Game], steps: int) -> Trainer:
    """A trainer after so many steps."""
    trainer = tiny_trainer(make())
    for _ in range(steps):
        trainer.train_step()
    return trainer


def state_of(trainer: Trainer) -> dict[str, torch.Tensor]:
    """A copy of all that a checkpoint would hold."""
    return {name: tensor.clone() for name, tensor in trainer.state().tensors.items()}


def assert_resumes_to_the_bit(make: Callable[[], Game], tmp_path, steps: int = 4) -> None:
    """Stopped at any step, restored from a file and gone on with, it ends with the same bits."""
    from scumble.storage import checkpoint

    whole = state_of(trained(make, steps))
    for stopped in range(steps):
        path = checkpoint.write(tmp_path, stopped, trained(make, stopped).state())
        resumed = tiny_trainer(make()).restored(checkpoint.read(path))
        for _ in range(steps - stopped):
            resumed.train_step()
        ended = state_of(resumed)
        assert ended.keys() == whole.keys()
        assert all(torch.equal(ended[key], whole[key]) for key in whole), stopped


def assert_gradients_reach_what_moves(game: Game) -> None:
    """Each update changes everything that it moves, and nothing else."""
    trainer = tiny_trainer(game)
    for update in trainer.task.updates:
        before = {name: p.detach().clone() for name, p in _parameters(game)}
        alone = trainer.task._replace(updates=(update._replace(due=lambda step: True),))
        lone = type(trainer)(alone, 0, 1)
        lone.train_step()
        moved = {name for name, p in _parameters(game) if not torch.equal(before[name], p)}
        wanted = {name for name, _ in _parameters(game) if any(f"{name}.".startswith(f"{m}.") for m in update.moves)}
        assert moved == wanted, update.name


def _parameters(game: Game):
    return [(f"{n}.{key}", p) for n, network in game.networks.items() for key, p in network.named_parameters()]


def kind_of(learns_from="pairs", **more) -> Kind:
    """A kind without networks."""
    return Kind(learns_from, lambda *_: {}, lambda _: (), (), lambda *_: nn.Identity(), **more)


def settings_of(**given) -> TranslationSettings:
    return TranslationSettings(**({"size": "16", "jitter": 1.0, "flip": False, "batch": 4} | given))


def opened(data, kind: Kind | None = None, labels=None, **given) -> Pictures:
    return returned(open_translation(data, settings_of(**given), kind or kind_of(), labels))


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def flat(level: int, width: int = 16, height: int = 16, channels: int = 3) -> np.ndarray:
    """A picture of one grey level, by which it is known again; coloured a little, if it has colours."""
    pixels = np.full((height, width, channels), level, np.uint8)
    pixels[..., -1] = level if channels == 1 else min(level + 1, 255)
    return pixels[..., 0] if channels == 1 else pixels


def levels(pictures) -> list[int]:
    """The levels of (N, C, H, W) in [-1, 1]."""
    return ((pictures[:, 0].mean((1, 2)) + 1) * 127.5).round().int().tolist()


def numbered(folder: Path, levels, ending: str = "png", **shape) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for level in levels:
        (folder / f"{level % 100:03}.{ending}").write_bytes(png(flat(level, **shape)))


def untrained_translator(preset: str, direction: Direction = "forward", **given) -> Translator:
    """A translator whose results are no grey, though it has learnt nothing: its weights are larger than fresh ones."""
    small = {"size": "32", "width": 4, "patch_layers": 1, "blocks": 1}
    settings = TranslationSettings.model_validate({"preset": preset} | small | given)
    kind = KINDS[settings.kind]
    classes = ("day", "night", "dusk") if kind.learns_from == "classes" or settings.kind == "adaptation" else ()
    side = 32 // kind.enlarges
    shapes = Shapes((3, side, side), (3, 32, 32), len(classes))
    networks = {name: network for name, network in build(settings, shapes).items() if name in kind.result}
    times = {"srresnet": 1, "rrdb": 1, "encoder-decoder": 8}.get(settings.network, 3)
    with torch.no_grad():
        for network in networks.values():
            network.eval().requires_grad_(False)
            for parameter in network.parameters():
                parameter.mul_(times if parameter.dim() > 1 else 1)
                if parameter.dim() > 1 and not parameter.any():  # layers whose results are added begin at 0
                    parameter.normal_(0, 0.05)
    data = DataFacts(name="noise", count=40, shape=shapes.b, classes=classes, digest="")
    plain = settings.model_dump(mode="json")
    facts = TranslationFacts(settings=plain, data=data, shape_a=shapes.a, versions={}, threads=1, images_seen=0)
    return Translator(networks, facts, direction)
