"""Every long job by its name: the settings that it takes, and the generator of events that does it.

The command line, a web page, a queue and a cluster start all jobs from here, and all alike: iterate over the events; to
cancel, stop iterating and close the generator. Homes are dotted names, imported when a job starts: the table costs
nothing.
"""

import importlib
from collections.abc import Generator
from typing import Any, NamedTuple

from scumble.events import Event


class Job(NamedTuple):
    """Where a job's parts live, as MODULE:NAME.

    Attributes:
        settings: the class of the settings that `events` takes; None where it takes plain values only.
        events: the function that returns the generator.
    """

    settings: str | None
    events: str


JOBS = {
    "stylize": Job("scumble.style.settings:StyleSettings", "scumble.style.stylize:stylize_events"),
    "texture": Job("scumble.style.settings:TextureSettings", "scumble.style.stylize:paint_events"),
    "batch": Job("scumble.style.settings:StyleSettings", "scumble.style.batch:batch_events"),
    "compare": Job(None, "scumble.style.evaluation.compare:compare_events"),
    "check": Job(None, "scumble.gan.monitoring.check_data:check_events"),
    "train": Job("scumble.gan.settings:GANSettings", "scumble.gan.train:train_events"),
    "evaluate": Job(None, "scumble.gan.evaluation.evaluate:evaluate_events"),
    "nearest": Job(None, "scumble.gan.evaluation.nearest_sheet:nearest_events"),
    "report": Job(None, "scumble.gan.report.report:report_events"),
    "features": Job("scumble.gan.settings:FeatureSettings", "scumble.gan.probe.features:write_events"),
    "classify": Job("scumble.gan.settings:ClassifySettings", "scumble.gan.probe.protocol:classify_events"),
    "label": Job(None, "scumble.gan.probe.label:label_events"),
    "project": Job(None, "scumble.gan.models.projection:project_events"),
    "export": Job(None, "scumble.gan.export:export_events"),
    "train-translator": Job(
        "scumble.gan.translation.settings:TranslationSettings", "scumble.gan.translation.train:train_translator_events"
    ),
    "check-translation": Job(
        "scumble.gan.translation.settings:TranslationSettings", "scumble.gan.translation.check:check_events"
    ),
    "apply": Job(None, "scumble.gan.translation.applying.apply:apply_events"),
    "evaluate-translator": Job(None, "scumble.gan.translation.evaluation.evaluate:evaluate_events"),
    "export-translator": Job(None, "scumble.gan.translation.models.onnx:export_events"),
}


def start(name: str, *arguments: Any, **options: Any) -> Generator[Event, None, Any]:
    """The events of a job, which begins when they are asked for.

    Args:
        name: one of `JOBS`.
        arguments: what its function takes.
        options: what it takes by name.

    Example:
        >>> events = start("check", "digits")
        >>> next(events).job
        'look at pictures'
    """
    return load(JOBS[name].events)(*arguments, **options)


def load(home: str) -> Any:
    """What MODULE:NAME names; imports the module."""
    module, _, name = home.partition(":")
    return getattr(importlib.import_module(module), name)
