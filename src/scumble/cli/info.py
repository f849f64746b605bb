"""The command that shows how a picture was made, or what this machine has."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from scumble.cli import report
from scumble.cli.flags import JsonLine, Switch

NAMED = 5
"""So many settings that are not the preset's are named in a sentence."""


def info(
    picture: Path | None = None,
    /,
    *,
    every: Annotated[Switch, Parameter(name="--all")] = False,
    json: JsonLine = False,
) -> None:
    """Show how a picture was made; without a picture, what scumble finds on this machine.

    Args:
        picture: a picture made by scumble.
        every: show all of its recipe, too.
    """
    from scumble.image import decode, recipe

    facts = _machine() if picture is None else recipe.read(picture)
    if json:
        report.data(facts)
        return
    if picture is not None:
        with decode.opened(decode.read_file(picture), picture.name) as image:
            width, height = image.size
        report.say(report.visible(f"{sentence(facts)}, {width} x {height} pixels{_stopped(facts)}"))
    if picture is None or every:
        report.table(["", ""], [[name, value] for name, value in _lines(facts)])


def sentence(facts: dict[str, Any]) -> str:
    """What a recipe is of, in the words that people have for it: anybody may have edited it.

    Example:
        >>> inputs = {"content": {"name": "lake.jpg"}, "style": {"name": "turner.jpg"}}
        >>> sentence({"job": "stylize", "settings": {"preset": "fine", "keep": 3}, "inputs": inputs})
        'lake in the style of turner: preset fine with keep 3'
    """
    from scumble.image import recipe

    match facts.get("job"):
        case "stylize":
            (content, *_), styles = (*_names(facts, "content"), "a picture"), list(_names(facts, "style"))
            return f"{content} in the style of {_listed(styles) or 'another'}: {_manner(facts)}"
        case "texture":
            return f"a texture of {_listed(list(_names(facts, 'style'))) or 'a picture'}: {_manner(facts)}"
        case "apply":
            (picture, *_), (model, *_) = ((*_names(facts, role), "a picture") for role in ("picture", "model"))
            given = facts.get("settings")
            preset = _short(given.get("preset")) if isinstance(given, dict) else "a translator"
            return f"{picture} translated by {preset}, trained on {model}"
        case "preview":
            return "a preview of a painting"
        case recipe.CONTACT_SHEET_JOB:
            return "a contact sheet"
    if "gan" in facts:
        what = "latent arithmetic" if "arithmetic" in facts else "a projection" if "latent" in facts else _drawn(facts)
        return f"{what} by a GAN of {_short(facts['gan'])}"
    return "a picture made by scumble"


def _drawn(facts: dict[str, Any]) -> str:
    seeds = facts.get("seeds")
    count = len(seeds) if isinstance(seeds, list) else 0
    return f"{count} pictures" if count > 1 else "a picture"


def _names(facts: dict[str, Any], wanted: str) -> Iterator[str]:
    """The files of a role, such as "style", "style 2", without their endings."""
    inputs = facts.get("inputs")
    for role, source in inputs.items() if isinstance(inputs, dict) else ():
        if role.partition(" ")[0] == wanted and isinstance(source, dict) and "name" in source:
            yield Path(_short(source["name"])).stem


def _manner(facts: dict[str, Any]) -> str:
    """The preset, and what is not as it has it; the size is that of the picture."""
    from scumble.errors import SettingsError
    from scumble.style.settings import StyleSettings, TextureSettings

    given = facts.get("settings")
    given = given if isinstance(given, dict) else {}
    preset = given.get("preset", "not known")
    kind = TextureSettings if facts["job"] == "texture" else StyleSettings
    try:
        usual = kind.model_validate({"preset": preset}).model_dump(mode="json") | {"size": given.get("size")}
    except SettingsError:  # a preset of another version
        return f"preset {_short(preset)}"
    others = [
        f"{name.replace('_', '-')} {_short(value)}" for name, value in given.items() if usual.get(name, value) != value
    ]
    more = [f"{len(others) - NAMED} more"] if len(others) > NAMED else []
    return f"preset {preset}" + f" with {_listed([*others[:NAMED], *more])}" * bool(others)


def _stopped(facts: dict[str, Any]) -> str:
    result = facts.get("result")
    return "; stopped before its end" if isinstance(result, dict) and result.get("stopped") else ""


def _short(value: Any) -> str:
    """Of something that may be anything."""
    if isinstance(value, list):
        return ",".join(map(str, value))[:60]
    return str(value)[:60]


def _listed(names: list[str]) -> str:
    *others, last = names or [""]
    return f"{', '.join(others)} and {last}" if others else last


def _machine() -> dict[str, Any]:
    from scumble import device, paths  # only torch knows which GPU it can use
    from scumble.image import recipe
    from scumble.perceptual import catalogue

    found = {name: catalogue.find(entry) for name, entry in catalogue.CATALOGUE.items()}
    return {
        "versions": recipe.versions(),
        "computes on": device.choose().reason,
        "cache": str(paths.cache_folder()),
        "weights": {name: str(path) if path else "not here" for name, path in found.items()},
        "downloads": "off (SCUMBLE_OFFLINE)" if paths.offline() else "on",
    }


def _lines(facts: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Nested data as rows: the names on the way down, and the value."""
    rows = []
    for name, value in facts.items():
        if isinstance(value, dict):
            rows += _lines(value, f"{above}{name} ")
        else:
            rows.append((above + name, str(value)))
    return rows
