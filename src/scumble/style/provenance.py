"""What decides a picture, as its recipe tells it: read from a picture to repeat it, compared with what is there now."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from scumble.errors import ImageError, SettingsError
from scumble.events import Event, Noted, Warned
from scumble.image import recipe
from scumble.image.files import Picture
from scumble.style.files.there import group_of
from scumble.style.settings import JOBS, PaintSettings, StyleSettings

if TYPE_CHECKING:
    from scumble.device import Placement
    from scumble.perceptual.backbones import Backbone
    from scumble.style.plan import Plan

AnySettings = TypeVar("AnySettings", bound=PaintSettings)


def settings_from_recipe(made_by: dict[str, Any], given: AnySettings) -> AnySettings:
    """A recipe's settings, with those that the caller gave over them.

    Raises:
        ImageError: if the recipe is of another job.
        SettingsError: if it names a setting that this version does not know, or a file that must be given again:
            a recipe holds the names of files, not their places.
    """
    job = JOBS[type(given)]
    if made_by.get("job") != job:
        raise ImageError(f"the recipe is of the job {made_by.get('job')!r}; wanted {job!r}")
    values = group_of(made_by, "settings")
    if made_by.get("format_version") == 1:
        values = _from_format_1(values, job)
    names = {"weights": values.get("weights"), "init": values.get("init")}
    if names["init"] in ("matched", "instant", "content", "noise", "style"):
        names["init"] = None
    for field, name in names.items():
        if name is not None and field not in given.model_fields_set:
            raise SettingsError(f"{field}: the recipe used the file {name}; give it again with --{field} FILE")
    if values.get("preset") != "instant":
        # What older recipes do not tell could not be chosen yet.
        values = {"momentum": 0.9} | ({"palette": "whole"} if job == "stylize" else {}) | values
    return given.filled_from(values)


def _from_format_1(values: dict[str, Any], job: str) -> dict[str, Any]:
    """The settings of a picture that was painted before there was a balance: they repeat it with the losses it had."""
    then: dict[str, Any] = {"coarse_steps": None, "borders": "keep"}
    if job == "stylize":
        then |= {"balance": "plain", "keep": values.get("content_weight", 1.0)}
    return then | {name: value for name, value in values.items() if name != "content_weight"}


def asked_of(settings: PaintSettings, pictures: dict[str, Picture]) -> dict[str, Any]:
    """The part of a recipe that is known before any work: the job, its settings, and the pictures by role."""
    return {
        "job": JOBS[type(settings)],
        "settings": settings.model_dump(mode="json"),
        "inputs": {role: {"name": p.name, "sha256": p.sha256} for role, p in pictures.items()},
    }


def provenance(
    settings: PaintSettings,
    pictures: dict[str, Picture],
    networks: "dict[str, Backbone]",
    placement: "Placement",
    plans: "Sequence[Plan]",
) -> dict[str, Any]:
    """The recipe, but for the result: all that decides the picture.

    Args:
        settings: of the job.
        pictures: that were read, by role.
        networks: that look, by name.
        placement: where they run.
        plans: of the stages.
    """
    import torch

    weights = {_weights_role(name, settings): {"name": name, "sha256": n.sha256} for name, n in networks.items()}
    if isinstance(settings, StyleSettings) and settings.init == "instant":
        from scumble.style.instant.digests import digest

        weights["weights instant"] = digest("instant")
    of_pictures = asked_of(settings, pictures)
    return of_pictures | {
        "inputs": of_pictures["inputs"] | weights,
        "computed": {
            "device": str(placement.device),
            "precision": str(placement.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
            "tiles": max(planned.tiles for planned in plans),
        },
        "versions": recipe.versions(),
    }


def _weights_role(name: str, settings: PaintSettings) -> str:
    return "weights" if name == settings.backbone else f"weights {name}"


def asked(made_by: dict[str, Any]) -> dict[str, Any]:
    """What must be the same for a state to be of use; other threads only round otherwise."""
    computed = {name: made_by["computed"][name] for name in ("device", "precision")}
    settings = {name: value for name, value in made_by["settings"].items() if name != "max_memory"}
    return made_by | {"computed": computed, "settings": settings}


def differences(repeated: dict[str, Any] | None, now: dict[str, Any]) -> Iterator[Event]:
    """What is not as it was when the repeated recipe's picture was made, apart from the settings."""
    if repeated is None:
        return
    for role, made in now["inputs"].items():
        was = group_of(group_of(repeated, "inputs"), role)
        if was.get("sha256") != made["sha256"]:
            yield Noted(f"{role}: {made['name']}; in the recipe {was.get('name', 'not named')}")
    for role in sorted(set(group_of(repeated, "inputs")) - set(now["inputs"])):
        yield Warned(f"{role}: there in the recipe, but not here")
    for group in ("computed", "versions"):
        for name, value in now[group].items():
            was = group_of(repeated, group).get(name)
            if was != value:
                yield Warned(f"the recipe was made with {name} {was}, this picture with {value}: they may differ")
