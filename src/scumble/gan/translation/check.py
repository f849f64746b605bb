"""What a translator would learn from, before it is trained: how the data is understood, and how long it takes here."""

import shlex
from collections.abc import Generator
from pathlib import Path
from typing import Any

from scumble import device
from scumble.data.form import times
from scumble.events import Event
from scumble.gan.monitoring.check_data import Advice
from scumble.gan.monitoring.speed import images_for, of_trainer
from scumble.gan.translation import perceptual
from scumble.gan.translation.data import Pictures, open_translation
from scumble.gan.translation.forms import Data
from scumble.gan.translation.kind import Shape
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.settings import TranslationSettings
from scumble.gan.translation.task import game_of, trainer_of

FEW = 100
"""Pictures of a side: with fewer, the discriminator soon knows them by heart."""


@device.in_full_float32
def check_events(
    data: Data, settings: TranslationSettings | None = None, labels: str | Path | None = None
) -> Generator[Event, None, Advice]:
    """Read all pictures as a training would, and time a few of its steps.

    Args:
        data: what a training takes.
        settings: of the training.
        labels: likewise.

    Raises:
        DataError, SettingsError: as a training does.
    """
    settings = settings or TranslationSettings()
    settings.refuse_idle()
    kind = KINDS[settings.kind]
    weights = settings.weights_over(kind.weights)
    pictures = yield from open_translation(data, settings, kind, labels)
    placement = device.choose(settings.device, settings.precision)
    features = yield from perceptual.load(settings, weights, placement)
    with device.memory_errors("use a smaller --batch, --width or --size"):
        game = game_of(settings, pictures.shapes, placement, features=features)
        trainer = trainer_of(game, pictures.batch)
        speed = of_trainer(trainer, settings.critic_steps, placement.device.type == "cpu")
    images = images_for(speed, settings)
    parameters = {
        name: sum(parameter.numel() for parameter in network.parameters())
        for name, network in game.networks.items()
        if any(True for _ in network.parameters())
    }
    a, b = pictures.shapes.a, pictures.shapes.b
    found = {"data": pictures.in_words(), "cuts": f"{_seen(a)} to {_seen(b)}"}
    found |= {"classes": ", ".join(pictures.classes)} if pictures.classes else {}
    found |= {"networks": ", ".join(f"{name} {count:,}" for name, count in parameters.items()), "speed": str(speed)}
    figures = {"pictures": pictures.count, "withheld": pictures.amount("withheld"), "parameters": parameters}
    figures |= {"images_per_second": speed.images_per_second, "images": images}
    figures["seconds"] = {when: number / speed.images_per_second for when, number in images.items()}
    command = _command(data, settings, labels)
    commands = {when: f"{command} --images {number}" for when, number in images.items()}
    return Advice(found, figures, command, commands, _warnings(pictures))


def _seen(shape: Shape) -> str:
    channels, height, width = shape
    return f"{times((width, height))}, {channels} channel" + "s" * (channels > 1)


def _command(data: Data, settings: TranslationSettings, labels: str | Path | None) -> str:
    given = settings.model_dump(include=settings.model_fields_set - {"images"})
    flags = "".join(f" {_flag(name.replace('_', '-'), value)}" for name, value in given.items())
    flags += f" --labels {shlex.quote(str(labels))}" if labels is not None else ""
    sources = [data] if isinstance(data, str | Path) else data
    named = " ".join(shlex.quote(str(source)) for source in sources)
    run = shlex.quote(f"runs/{Path(str(sources[0])).stem or 'run'}")
    return f"scumble translate train {named} --run {run}{flags}"


def _flag(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name} {shlex.quote(str(value))}"


def _warnings(pictures: Pictures) -> list[str]:
    lines = []
    amounts = {"A": pictures.count}
    if not pictures.together and not pictures.of_classes:
        amounts["B"] = pictures.amount_of_targets("learning")
    for side, count in amounts.items():
        if count < FEW:
            lines.append(f"few pictures on side {side}: {count}; expect results that fit these alone")
    if max(amounts.values()) > 20 * min(amounts.values()):
        lines.append(f"sides differ much in number: {' and '.join(map(str, amounts.values()))}")
    return lines
