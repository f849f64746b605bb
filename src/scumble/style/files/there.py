"""Whether what is there already was made of the same pictures, with the same settings: a recipe tells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scumble import paths
from scumble.errors import ImageError
from scumble.events import Noted
from scumble.image import recipe

SUFFIX = ".unfinished"

HOW = frozenset({"max_memory", "device", "precision"})
"""Settings that only decide how a picture is computed: with others it is the same one, but for rounding."""


def unfinished(output: Path) -> Path:
    """Where the state is kept of a picture that is not finished."""
    return output.with_name(paths.fitting(output.name, SUFFIX))


def is_unfinished(output: Path) -> bool:
    """Whether there is such a state."""
    try:
        return unfinished(output).is_file()
    except OSError:  # a folder that may not be entered, a name that is too long for this file system
        return False


def is_finished(output: Path, asked: dict[str, Any], overwrite: bool = False) -> bool:
    """Whether a picture is there already, made of these pictures and with these settings.

    Args:
        output: the picture.
        asked: what its recipe says of the job, its settings and its inputs.
        overwrite: whether it may be written over where it was made otherwise.

    Raises:
        ImageError: if what is there was made otherwise, and may not be written over.
    """
    stopped = is_unfinished(output)
    found = recipe.of_what_is_there(output, overwrite)
    if found is None:
        return False
    was, now = what_counts(found), what_counts(asked)
    if stopped and "steps" in was["settings"]:  # a picture that was stopped is one of fewer steps
        was["settings"]["steps"] = now["settings"]["steps"]
    different = difference(was, now)
    if different and not overwrite:
        others = _others(was, now)
        alike = difference(was | {"inputs": {}}, now | {"inputs": {}}) is None
        made = (
            f"of another {asked['inputs'][others[0]]['name']}" if alike and others else f"made otherwise: {different}"
        )
        raise ImageError(f"{output} is there already, {made}", recipe.ELSEWHERE)
    return not (different or stopped or group_of(found, "result").get("stopped"))


def written_over(output: Path | None, asked: dict[str, Any], overwrite: bool) -> Iterator[Noted]:
    """A picture of ours makes room for another try of the same photograph and paintings, but not in silence.

    Raises:
        ImageError: if it is of others, and may not be written over.
    """
    made_before = None if output is None else recipe.found_in(output)
    if not made_before:
        return
    was, now = what_counts(made_before), what_counts(asked)
    others = [role for role in _others(was, now) if role.split()[0] in ("content", "style")]
    if others and not overwrite:
        raise ImageError(
            f"{output} is there already, and not made of {asked['inputs'][others[0]]['name']}", recipe.ELSEWHERE
        )
    if different := difference(was, now):
        yield Noted(f"{output} is there already and is written over: {different}")


def _others(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What the pictures are for that are not the same, of what counts in two recipes."""
    return [role for role, digest in now["inputs"].items() if was["inputs"].get(role) != digest]


def difference(was: Any, now: Any, name: str = "") -> str | None:
    """The first thing of two recipes, or parts of them, that is not the same, in words."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in was | now:
            if found := difference(was.get(key), now.get(key), f"{name} {key}".strip()):
                return found
        return None
    if was == now:
        return None
    return f"its {name.replace('_', '-') or 'job'} was {_short(was)}, this one's is {_short(now)}"


def _short(value: Any) -> str:
    text = "not given" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."


def what_counts(made_by: dict[str, Any]) -> dict[str, Any]:
    """What makes a recipe's picture another one: the job, the settings but for `HOW`, and the pictures' digests.

    Settings that are younger than the recipe have the values of today's defaults.
    """
    from scumble.style.settings import JOBS  # takes longer to import than all the rest

    job = made_by.get("job")
    defaults = next((kind().model_dump(mode="json") for kind, name in JOBS.items() if name == job), {})
    settings = group_of(made_by, "settings")
    settings = settings and defaults | settings
    inputs = group_of(made_by, "inputs")
    return {
        "job": job,
        "settings": {name: value for name, value in settings.items() if name not in HOW},
        "inputs": {
            role: group_of(inputs, role).get("sha256") for role in inputs if role.partition(" ")[0] != "weights"
        },
    }


def group_of(made_by: dict[str, Any], name: str) -> dict[str, Any]:
    """A part of a recipe, which anybody may have edited: empty where it is missing or no group at all."""
    group = made_by.get(name)
    return group if isinstance(group, dict) else {}
