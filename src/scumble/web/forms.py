"""Forms of settings, made of their classes: a field that is added to one is on the page, with its help and its limits.

What is written here is only which settings one will want first, which belong together, and how far a slider reaches,
which is less far than what is allowed.
"""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scumble.jobs import JOBS, load
from scumble.settings import Settings
from scumble.style.presets import ONE_PASS
from scumble.web.words import CHOICES, GROUPS, HELP, LABELS

USUAL = {
    "stylize": ("preset", "size", "strength", "keep", "style_scale", "colour"),
    "texture": ("preset", "size", "aspect", "style_scale", "seed"),
    "batch": ("preset", "size", "strength", "keep", "style_scale", "colour"),
    "train": ("preset", "size", "images", "batch", "condition", "augment"),
    "train-translator": ("preset", "pairs", "direction", "size", "images", "batch"),
    "classify": ("labelled", "draws", "classifier"),
}
"""What one will want, in the order in which one will; of other jobs, every setting is shown at once."""

TOGETHER = {
    "several": ("shares",),
    "picture": ("palette", "borders", "dpi", "bits"),
    "data": ("channels", "fit", "value_range", "flip"),
    "effort": ("steps", "coarse_steps", "scales", "tolerance", "sketch", "finish", "enlarge"),
    "weighing": (
        "balance", "content_layers", "style_weight", "style_layers", "loss", "variation_weight", "range_weight",
    ),
    "descent": ("init", "seed", "optimizer", "lr", "momentum", "averaging"),
    "network": ("backbone", "pooling", "padding"),
    "machine": ("device", "devices", "nodes", "precision", "max_memory"),
}  # fmt: skip
"""Settings that belong together, of painting."""

TOGETHER_IN_TRAINING = {
    "data": ("channels", "fit", "value_range", "flip", "jitter", "augment", "augment_colour"),
    "method": (
        "kind", "task", "network", "norm", "loss", "penalty", "penalty_weight", "clip", "critic_steps", "latent",
        "categories", "continuous", "width", "blocks", "upsampling", "patch_layers", "pool", "perceptual",
    ),
    "labels": ("condition", "labelled"),
    "training": (
        "images", "batch", "accumulate", "lr", "lr_generator", "lr_discriminator", "optimizer", "beta1", "beta2",
        "decay", "ema", "pretraining", "seed",
    ),
    "saving": ("grids", "evaluate_every"),
    "machine": ("device", "devices", "nodes", "precision"),
}  # fmt: skip

ONLY = {"instant": tuple(ONE_PASS)}
"""Presets by which only some settings count: whoever gives another is refused, so a form does not show it."""

PAINTING = frozenset({"stylize", "texture", "batch"})


class Slider(NamedTuple):
    """How far a slider goes; one that is `logarithmic` goes as far from 1 to its double as to its half."""

    minimum: float
    maximum: float
    step: float
    logarithmic: bool = False


SLIDERS = {
    "size": Slider(128, 2048, 64),
    "strength": Slider(0, 1, 0.05),
    "keep": Slider(0.25, 4, 0.05, True),
    "style_scale": Slider(0.25, 4, 0.05, True),
}
"""Of painting: what is typed may lie outside."""


@functools.cache
def form(kind: str) -> dict[str, Any]:
    """The form of a job's settings, as the interface tells of it.

    Args:
        kind: one of `scumble.jobs.JOBS`.

    Returns:
        "groups", each with a "title", whether it is "folded", and its "fields"; "presets", the values of each by name;
        "only", by the names of some presets, the fields that count with them, where not all do.
        A field has "name", "label", "help", "type", "default", and where there are such, "choices", "words" (texts that
        a number may be replaced by), "minimum", "maximum", "slider" and "optional" (may be left empty).

    Raises:
        KeyError: if there is no such job, or it has no settings.
    """
    home = JOBS[kind].settings
    if home is None:
        raise KeyError(kind)
    settings: type[Settings] = load(home)
    schemas = settings.model_json_schema()["properties"]
    fields = {name: _field(name, schemas[name], kind) for name in settings.model_fields if _options(schemas[name])}
    presets = {
        choice["value"]: {name: v for name, v in settings.PRESETS[choice["value"]].items() if name in fields}
        for choice in fields.get("preset", {}).get("choices", ())
    }
    only = {preset: [name for name in names if name in fields] for preset, names in ONLY.items() if preset in presets}
    return {"groups": _groups(kind, fields), "presets": presets, "only": only}


def _groups(kind: str, fields: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """The usual fields first, then what belongs together, and at last what nobody thought of."""
    usual = USUAL.get(kind, tuple(fields))
    groups = {"usual": usual} | (TOGETHER if kind in PAINTING else TOGETHER_IN_TRAINING)
    placed: set[str] = set()
    told = []
    for group, names in (groups | {"more": tuple(fields)}).items():
        here = [name for name in names if name in fields and name not in placed]
        placed.update(here)
        if here:
            told.append({"title": GROUPS[group], "folded": group != "usual", "fields": [fields[name] for name in here]})
    return told


def _field(name: str, schema: Mapping[str, Any], kind: str) -> dict[str, Any]:
    painting = kind in PAINTING
    description = str(schema.get("description", ""))
    label = LABELS.get(name, name.replace("_", " ").capitalize())
    wording = HELP.get(name) if painting else None
    field: dict[str, Any] = {"name": name, "label": label, "help": wording or description[:1].upper() + description[1:]}
    field |= _values(schema) | {"default": _plain(schema.get("default"))}
    if "choices" in field:
        titles = CHOICES.get(name, {}) if painting else {}
        # Those that have a name for people stand in the order of the names.
        order = sorted(field["choices"], key=lambda value: [*titles, value].index(value))
        field["choices"] = [{"value": value, "label": titles.get(value, str(value))} for value in order]
    if painting and name in SLIDERS:
        field["slider"] = SLIDERS[name]._asdict()
    return field


def _values(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a field may be: its type for a form, and its limits."""
    options = _options(schema)
    nothing = any(option.get("type") == "null" for option in schema.get("anyOf", ()))
    optional = {"optional": True} if nothing else {}
    numbers = [option for option in options if option.get("type") in ("integer", "number")]
    words = [word for option in options for word in _listed(option)]
    if len(options) > 1:  # a number, or a word in its place
        return {"type": "text", "words": words} | optional
    (only,) = options
    if words:
        return {"type": "choice", "choices": words} | optional
    if numbers:
        return {"type": only["type"]} | _limits(only) | optional
    types = {"boolean": "boolean", "array": "numbers", "object": "weights"}
    examples = {"words": only["examples"]} if "examples" in only else {}
    return {"type": types.get(str(only.get("type")), "text")} | examples | optional


def _options(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The kinds of values that people may give; files of this machine are none, whoever runs the page."""
    options = schema.get("anyOf", [schema])
    return [option for option in options if option.get("type") != "null" and option.get("format") != "path"]


def _listed(schema: Mapping[str, Any]) -> list[Any]:
    """The values that a schema lists, or gives as examples beside a pattern."""
    if "const" in schema:
        return [schema["const"]]
    return schema.get("enum", [])


def _limits(schema: Mapping[str, Any]) -> dict[str, float]:
    """The least and the largest value; whether a number lies above its least one, the settings check themselves."""
    found = {name: schema[name] for name in ("minimum", "maximum") if name in schema}
    if "exclusiveMinimum" in schema:
        found["minimum"] = schema["exclusiveMinimum"] + (schema["type"] == "integer")
    if "exclusiveMaximum" in schema and schema["type"] == "integer":
        found["maximum"] = schema["exclusiveMaximum"] - 1
    return {name: limit for name, limit in found.items() if abs(limit) < 2**53}  # what JavaScript can count to


def _plain(value: Any) -> Any:
    """A default as JSON has it."""
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
