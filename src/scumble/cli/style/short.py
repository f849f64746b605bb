"""The short way to a picture of the preset `instant`: for simple calls, without what reads any command line.

It understands some of the flags of `stylize`, and no value that could be wrong: whatever is not plain to it goes the
ordinary way, which tells what is wrong. What is painted, written and said is the same either way.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from scumble.cli import report
from scumble.cli.style import painting
from scumble.style.preparation.sources import Sources
from scumble.style.presets import ONE_PASS

PART, TIMES = r"0?\.\d{1,9}|[01](\.0)?", r"[1-9](\.\d{1,9})?|0?\.[1-9]\d{0,8}"

SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "--preset": ("instant", str),
    "--size": (r"[1-9]\d{0,3}", int),
    "--strength": (PART, float),
    "--colour": ("style|content|match", str),
    "--style-scale": (TIMES, lambda text: [float(text)]),
    "--borders": ("crop|keep", str),
    "--seed": (r"0|[1-9]\d{0,8}", int),
    "--bits": ("8|16", int),
}
"""By flag: what its value looks like where it is certainly one, and how that is read."""

OUTPUTS = {"--output": "output", "-o": "output", "--preview": "preview"}

SWITCHES = {
    "--overwrite": "overwrite",
    "--strip": "strip",
    "--json": "json",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
}


class Call(NamedTuple):
    """A command line that was understood: its pictures, settings, files to write, and switches by name."""

    pictures: list[Path]
    settings: dict[str, Any]
    outputs: dict[str, Path]
    switches: set[str]


def understood(arguments: list[str]) -> Call | None:
    """A command line, if it is a simple one that paints by the preset `instant`; else None.

    Example:
        >>> understood(["stylize", "photo.jpg", "painting.jpg", "--preset", "instant", "--size=800"]).settings["size"]
        800
        >>> understood(["stylize", "photo.jpg", "painting.jpg", "--preset", "instant", "--size", "A3"]) is None
        True
    """
    if arguments[:1] != ["stylize"]:
        return None
    call, words = Call([], {}, {}, set()), iter(arguments[1:])
    for word in words:
        if not (_is_picture(word, call) or word in SWITCHES or _is_flag(word, words, call)):
            return None
        if word in SWITCHES:
            call.switches.add(SWITCHES[word])
    return call if len(call.pictures) > 1 and "preset" in call.settings else None


def _is_picture(word: str, call: Call) -> bool:
    if word.startswith("-"):
        return False
    call.pictures.append(Path(word))
    return True


def _is_flag(word: str, words: Iterator[str], call: Call) -> bool:
    """Whether this is a flag with a value, which may follow, and was not there before."""
    flag, equals, value = word.partition("=")
    value = value if equals else next(words, "")
    if flag in OUTPUTS and OUTPUTS[flag] not in call.outputs and value and not value.startswith("-"):
        call.outputs[OUTPUTS[flag]] = Path(value)
        return True
    name = flag.removeprefix("--").replace("-", "_")
    if flag not in SETTINGS or name in call.settings or not re.fullmatch(SETTINGS[flag][0], value, re.ASCII):
        return False
    call.settings[name] = SETTINGS[flag][1](value)
    return True


def paint(call: Call) -> None:
    """What `stylize` does."""
    content, *styles = call.pictures
    output = call.outputs.get("output") or painting.name_of(content, styles[0])
    as_lines_of_json, quiet = "json" in call.switches, "quiet" in call.switches
    sources = Sources(content, styles)
    painting.begin(sources, output, False, as_lines_of_json, quiet)
    with report.starting(quiet=True):
        from scumble.style.files.wanted import Wanted
        from scumble.style.instant.job import instant_events

    overwrite, strip = (name in call.switches for name in ("overwrite", "strip"))
    wanted = Wanted(output, call.outputs.get("preview"), overwrite=overwrite, strip=strip)
    events = instant_events(sources, ONE_PASS | call.settings, wanted)
    report.run(events, as_lines_of_json, quiet, verbose="verbose" in call.switches)
