"""The kinds of jobs that the page can start: what each is given, and the generator that does it.

All go on where they were when they are begun again with the same folder. Imports what computes only when a job begins.
"""

from collections.abc import Callable, Collection, Generator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from scumble import jobs, paths
from scumble.errors import SettingsError
from scumble.events import Event
from scumble.settings import Settings

MOST_STYLES = 8
Events = Generator[Event, None, Any]


class Given(NamedTuple):
    """What a job works with.

    Attributes:
        settings: an instance of its kind's class.
        inputs: by role: files, or names of data sets; roles that were not given are missing.
        result: the folder for what it makes.
        device: where to compute, unless the settings say so.
    """

    settings: Any
    inputs: Mapping[str, list[str | Path]]
    result: Path
    device: str

    def one(self, role: str) -> Any:
        """The only input of a role, or None."""
        return next(iter(self.inputs.get(role, [])), None)

    def all(self, *roles: str) -> list[Any]:
        """All inputs of some roles."""
        return [one for role in roles for one in self.inputs.get(role, [])]

    def model(self) -> Path:
        """The model that was given."""
        return Path(self.one("model"))


class Kind(NamedTuple):
    """One kind of job.

    Attributes:
        begin: starts it.
        roles: of its inputs, with the least and the greatest number of each.
        settings: the class of its settings, as MODULE:NAME.
    """

    begin: Callable[[Given], Events]
    roles: Mapping[str, tuple[int, int]]
    settings: str


def check(kind: str, settings: Mapping[str, Any], inputs: Mapping[str, Collection[Any]]) -> Settings:
    """Refuse what cannot become a job, and return its settings; imports no torch.

    Args:
        kind: one of `KINDS`.
        settings: as they were given.
        inputs: by role.

    Raises:
        SettingsError: if anything is unknown or out of range, inputs are missing, or a setting names a file: a request
            has no say in which files are read.
    """
    if kind not in KINDS:
        raise SettingsError(f"kind: got {kind[:40]!r}, wanted one of {', '.join(KINDS)}")
    roles = KINDS[kind].roles
    if unknown := [role for role in inputs if role not in roles]:
        raise SettingsError(f"inputs: got {unknown[0][:40]!r}, wanted {', '.join(roles)}")
    for role, (least, most) in roles.items():
        if not least <= len(inputs.get(role, ())) <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            raise SettingsError(f"{role}: got {len(inputs.get(role, ()))}, wanted {wanted}")
    made = jobs.load(KINDS[kind].settings).model_validate(dict(settings))
    for name in made.model_fields_set:
        if isinstance(getattr(made, name), Path):
            raise SettingsError(f"{name.replace('_', '-')}: got a file's name, which cannot be given here")
    if (nodes := getattr(made, "nodes", 1)) > 1:
        raise SettingsError(f"nodes: got {nodes}, and the page works on this machine alone: wanted 1")
    return made


def begin(kind: str, settings: Mapping[str, Any], given_inputs: Mapping[str, list[Any]], result: Path, device: str):
    """Start a job, or go on with it: the events, which begin when they are asked for.

    Args:
        kind: one of `KINDS`.
        settings: as they were given.
        given_inputs: by role.
        result: the folder for what it makes; one that holds something is gone on with.
        device: where to compute, unless the settings say so.

    Raises:
        SettingsError: as `check` does.
    """
    made = check(kind, settings, given_inputs)
    computes_there = "device" in type(made).model_fields and settings.get("preset") != "instant"
    if device != "auto" and computes_there:
        made = check(kind, {"device": device} | dict(settings), given_inputs)
    inputs = {role: given for role, given in given_inputs.items() if given}
    return KINDS[kind].begin(Given(made, inputs, result, getattr(made, "device", device)))


# --- Painting -------------------------------------------------------------------------------------------------------


def _paint(given: Given) -> Events:
    from scumble.style.files.wanted import Wanted
    from scumble.style.preparation.sources import Sources

    content, styles = given.one("content"), given.all("style")
    masks, maps = given.all("mask"), given.all("style-map")
    sources = Sources(content, styles, masks, given.one("content-map"), maps, given.one("protect"))
    stem = f"{styles[0].stem}-texture" if content is None else f"{content.stem}-{styles[0].stem}"
    output = given.result / paths.fitting(stem, ".png")
    return jobs.start("texture", sources, given.settings, Wanted(output, show=True), resume=_began(given.result))


def _batch(given: Given) -> Events:
    return jobs.start("batch", given.all("content"), given.all("style"), given.settings, given.result)


def _began(result: Path) -> bool:
    """Whether there is anything to go on with."""
    return any(result.iterdir())


# --- GANs -----------------------------------------------------------------------------------------------------------


def _check(given: Given) -> Events:
    return jobs.start("check", str(given.one("data")), given.one("labels"))


def _train(given: Given) -> Events:
    run = given.result / "run"
    return jobs.start(
        "train", given.one("data"), run, given.settings, start=given.one("start"), labels=given.one("labels")
    )


def _evaluate(given: Given) -> Events:
    options = dict(given.settings) | {"device_name": given.device, "labels": given.one("labels")}
    return jobs.start("evaluate", given.model(), given.one("data"), **options)


def _nearest(given: Given) -> Events:
    output, network = given.result / "nearest.png", given.settings.network
    return jobs.start("nearest", given.model(), given.one("data"), output, network=network, device_name=given.device)


def _report(given: Given) -> Events:
    output = given.result / "report.html"
    return jobs.start("report", given.model(), given.one("data"), output, device_name=given.device)


def _classify(given: Given) -> Events:
    output, labels = given.result / "classifier", given.one("labels")
    return jobs.start("classify", given.model(), given.one("data"), output, given.settings, labels=labels)


def _label(given: Given) -> Events:
    output, labels = given.result / "labels.csv", given.one("labels")
    return jobs.start("label", given.one("data"), given.model(), output, given.device, labels=labels)


def _project(given: Given) -> Events:
    from scumble.gan.models.gan import GAN

    gan = GAN.from_pretrained(given.model(), given.device)
    return jobs.start("project", gan, given.one("picture"), given.result / "projection.png", given.settings.by)


def _export(given: Given) -> Events:
    return jobs.start("export", given.model(), given.result / "onnx")


# --- Translation ----------------------------------------------------------------------------------------------------


def _both(given: Given) -> Any:
    """What a translator learns from: one source, or two."""
    sources = given.all("data")
    return sources[0] if len(sources) == 1 else sources


def _check_translation(given: Given) -> Events:
    return jobs.start("check-translation", _both(given), given.settings, given.one("labels"))


def _train_translator(given: Given) -> Events:
    run, labels = given.result / "run", given.one("labels")
    return jobs.start("train-translator", _both(given), run, given.settings, labels=labels)


def _apply(given: Given) -> Events:
    pictures, options = [Path(one) for one in given.all("picture")], dict(given.settings)
    return jobs.start(
        "apply", given.model(), pictures, given.result / "translated", device_name=given.device, **options
    )


OPTIONS = "scumble.web.jobs.options:"
LEARNT = {"data": (1, 1), "labels": (0, 1)}
MODEL = {"model": (1, 1)}
PAINTED = {
    "content": (1, 1),
    "style": (1, MOST_STYLES),
    "mask": (0, MOST_STYLES),
    "content-map": (0, 1),
    "style-map": (0, MOST_STYLES),
    "protect": (0, 1),
}
KINDS = {
    "stylize": Kind(_paint, PAINTED, "scumble.style.settings:StyleSettings"),
    "texture": Kind(_paint, {"style": (1, MOST_STYLES)}, "scumble.style.settings:TextureSettings"),
    "batch": Kind(_batch, {"content": (1, 200), "style": (1, 50)}, "scumble.style.settings:StyleSettings"),
    "check": Kind(_check, LEARNT, f"{OPTIONS}NoSettings"),
    "train": Kind(_train, LEARNT | {"start": (0, 1)}, "scumble.gan.settings:GANSettings"),
    "evaluate": Kind(_evaluate, MODEL | LEARNT, f"{OPTIONS}EvaluateOptions"),
    "nearest": Kind(_nearest, MODEL | {"data": (1, 1)}, f"{OPTIONS}NearestOptions"),
    "report": Kind(_report, MODEL | {"data": (0, 1)}, f"{OPTIONS}NoSettings"),
    "classify": Kind(_classify, MODEL | LEARNT, "scumble.gan.settings:ClassifySettings"),
    "label": Kind(_label, MODEL | LEARNT, f"{OPTIONS}NoSettings"),
    "project": Kind(_project, MODEL | {"picture": (1, 1)}, f"{OPTIONS}ProjectOptions"),
    "export": Kind(_export, MODEL, f"{OPTIONS}NoSettings"),
    "check-translation": Kind(
        _check_translation, LEARNT | {"data": (1, 2)}, "scumble.gan.translation.settings:TranslationSettings"
    ),
    "train-translator": Kind(
        _train_translator, LEARNT | {"data": (1, 2)}, "scumble.gan.translation.settings:TranslationSettings"
    ),
    "apply": Kind(_apply, MODEL | {"picture": (1, 200)}, f"{OPTIONS}ApplyOptions"),
}
