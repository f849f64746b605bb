"""A training that begins with the networks of another one, rather than with weights drawn from a seed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scumble.data.pixels import BRIGHTEST
from scumble.errors import RunError, SettingsError
from scumble.events import Event, Noted
from scumble.gan.facts import GANFacts, Start
from scumble.gan.models.gan import GAN
from scumble.gan.networks.build import load
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.latent import LatentGAN
from scumble.storage.folder import as_safetensors
from scumble.storage.run import Run
from scumble.training.continuation import HINT
from scumble.training.settings import NOT_OF_THE_STEPS

ITS_OWN = NOT_OF_THE_STEPS | {"seed"}
"""Settings that a new training does not take from the one that it begins with."""


class Beginning(NamedTuple):
    """What a training begins with: a model, and where it was found."""

    model: GAN
    folder: Path


def beginning(start: str | Path | None, before: GANFacts | None, run: Run) -> Beginning | None:
    """The model that a new run is to begin with; None if it is none, or the run has begun long since.

    Args:
        start: a model, a run or a checkpoint.
        before: what the run was so far; None for a new one.
        run: that is to begin, or to go on.

    Raises:
        RunError: if the model cannot be read, or the run began with another one.
    """
    if start is None:
        return None
    if before is None:
        return Beginning(GAN.from_pretrained(start, "cpu"), Path(start))
    # By its name: the model itself may have gone, or learnt more, since.
    began = before.start.name if before.start is not None else None
    if began != _name(Path(start)):
        what = "weights drawn from its seed" if began is None else began
        raise RunError(f"{run.folder} began with {what}; got --from {start}", HINT)
    return None


def filled(settings: GANSettings, found: Beginning | None) -> GANSettings:
    """Settings of a new training: what is not given is that of the model, where it begins with one.

    Raises:
        RunError: if the settings that are given do not go with the model's.
    """
    if found is None:
        return settings
    facts = found.model.facts
    channels, height, width = facts.data.shape
    known = {name: value for name, value in facts.settings.items() if name not in ITS_OWN}
    known |= {"size": f"{width}x{height}", "channels": channels}
    known["value_range"] = _value_range(facts) or "auto"
    try:
        return settings.filled_from(known)
    except SettingsError as error:
        raise RunError(f"the settings of the model to begin with do not go with those given: {error}") from error


def start_of(found: Beginning) -> Start:
    """What a run's facts tell of the model that it began with."""
    model, digest = found.model, hashlib.sha256()
    for network in (model.generator, model.discriminator):
        digest.update(as_safetensors(dict(network.state_dict())))
    return Start(name=_name(found.folder), images_seen=model.facts.images_seen, digest=digest.hexdigest())


def begin(game: LatentGAN, found: Beginning) -> Iterator[Event]:
    """Give the networks of a training the weights of a model: of its generator, those that it draws with.

    Raises:
        RunError: if they do not fit.
    """
    for name in ("generator", "discriminator"):
        try:
            load(getattr(game, name), getattr(found.model, name).state_dict())
        except ValueError as error:
            raise RunError(
                f"the {name} of {found.folder} does not fit: {error}", "leave out what is given of the networks"
            ) from error
    seen = found.model.facts.images_seen
    yield Noted(f"beginning with {found.folder}" + (f", which has seen {seen:,} images" if seen else ""))
    if game.settings.value_range == _value_range(found.model.facts):
        ends = game.settings.value_range.replace(",", " and ")
        yield Noted(f"values {ends} are black and white, as in its training (--value-range auto finds others)")


def _value_range(facts: GANFacts) -> str | None:
    """The range that a model learnt its pictures by, as the setting has it.

    None for one that ends where bytes do or below, such as that of floats: by it, pictures of bytes would be white.
    """
    found = facts.data.value_range
    if found is None or found[1] <= BRIGHTEST:
        return None
    return ",".join(str(int(end)) if end.is_integer() else repr(end) for end in found)


def _name(folder: Path) -> str:
    return str(folder.absolute())
