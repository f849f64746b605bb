"""The commands of style transfer, with their flags."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from scumble.cli import report
from scumble.cli.flags import Json, Output, Overwrite, Quiet, Switch, Verbose
from scumble.cli.style import painting
from scumble.errors import SettingsError
from scumble.paths import fitting
from scumble.style.balance import GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS
from scumble.style.preparation.sources import Sources
from scumble.style.settings import JOBS, PaintSettings, StyleSettings, TextureSettings

Files = Annotated[tuple[Path, ...], Parameter(show_default=False)]


@dataclass(frozen=True, kw_only=True)
class Job:
    """The flags that painting with and without a photograph have in common, besides the settings."""

    recipe: Annotated[
        Path | None, Parameter(help="picture of the same kind whose settings to repeat; flags given here win")
    ] = None
    preview: Annotated[Path | None, Parameter(help="file to overwrite with the picture so far, every two seconds")] = (
        None
    )
    timelapse: Annotated[
        Path | None, Parameter(help="film of the painting's making to write in the end: .webp, .gif or .mp4")
    ] = None
    save_every: Annotated[
        int | None, Parameter(help="write a numbered copy beside the output after every so many evaluations")
    ] = None
    resume: Annotated[
        Switch,
        Parameter(help="go on with what was stopped: the same command again, with this; a finished picture stays"),
    ] = False
    overwrite: Overwrite = False
    dry_run: Annotated[Switch, Parameter(help="tell what memory and time the work would take, and paint nothing")] = (
        False
    )
    json: Json = False
    quiet: Quiet = False
    verbose: Verbose = False


def stylize(
    content: Path | None = None,
    style: Path | None = None,
    /,
    *more_styles: Path,
    output: Output = None,
    mask: Files = (),
    content_map: Path | None = None,
    style_map: Files = (),
    protect: Path | None = None,
    strip: Switch = False,
    list_layers: Switch = False,
    job: Annotated[Job, Parameter(name="*")] = Job(),
    settings: Annotated[StyleSettings, Parameter(name="*")] = StyleSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Paint a photograph in the style of a painting, or of several.

    Args:
        content: the photograph.
        style: the painting.
        more_styles: further paintings; see --shares, --style-scale and --mask.
        output: file to write; .png, .jpg, .webp or .tif (default: CONTENT-STYLE.png in the current folder).
        mask: picture of the photograph's shape, white where a painting's style goes; once for each painting. What no
            mask covers stays the photograph.
        content_map: the photograph's regions in flat colours, or by numbers.
        style_map: a painting's regions in the same colours, or by the same numbers; once for each painting.
        protect: picture of the photograph's shape, white where the photograph stays, whatever the masks say: a face.
        strip: leave out what the photograph's file says about it: EXIF, resolution, artist and copyright.
        list_layers: print VGG19's layers by name and number, and paint nothing.
        job: how the work is done.
        settings: everything else, one flag a field.
    """
    if list_layers:
        _list_layers(job.json)
        return
    if content is None or style is None:
        got = "nothing" if content is None else f"{content} alone"
        raise SettingsError(f"stylize: got {got}, wanted a photograph and a painting")
    sources = Sources(content, (style, *more_styles), mask, content_map, style_map, protect)
    _paint(sources, settings, output or painting.name_of(content, style), job, strip)


def texture(
    style: Path,
    /,
    *more_styles: Path,
    output: Output = None,
    job: Annotated[Job, Parameter(name="*")] = Job(),
    settings: Annotated[TextureSettings, Parameter(name="*")] = TextureSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Make a new picture, of any size, of what a painting is made of.

    Args:
        style: the painting.
        more_styles: further paintings; see --shares and --style-scale.
        output: file to write; .png, .jpg, .webp or .tif (default: STYLE-texture.png in the current folder).
        job: how the work is done.
        settings: everything else, one flag a field.
    """
    _paint(Sources(None, (style, *more_styles)), settings, output or Path(fitting(style.stem, "-texture.png")), job)


def batch(
    content: Path,
    /,
    *more_contents: Path,
    style: Files = (),
    style_mix: Files = (),
    output: Output = None,
    recursive: Switch = False,
    overwrite: Annotated[
        Switch, Parameter(help="write over what is there and was made otherwise, or by others")
    ] = False,
    format: Literal["png", "jpg", "webp", "tif"] = "png",
    strip: Switch = False,
    dry_run: Switch = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
    settings: Annotated[StyleSettings, Parameter(name="*")] = StyleSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Paint many photographs, each in the style of every painting.

    Given again, the same command leaves alone what is finished and goes on with what was stopped. It tells what it
    passes over in folders, and leaves a contact sheet of everything in the folder of the results: contact.jpg.

    Args:
        content: a photograph, or a folder of photographs.
        more_contents: more of them.
        style: a painting, or a folder of paintings, each of which is a style; may be given several times.
        style_mix: a folder of paintings that are one style, all in equal parts; may be given several times.
        output: folder to write to (default: painted); what scumble has made in it is no photograph.
        recursive: go into the folders of folders; the results lie in folders of the same names.
        format: of the pictures.
        strip: leave out what the photographs' files say about them: EXIF, resolution, artist and copyright.
        dry_run: tell what would be painted, and what memory and time all of it would take, and paint nothing.
        settings: of all pictures.
    """
    contents, folder = (content, *more_contents), output or Path("painted")
    verb, paintings = "planning" if dry_run else "painting", painting.listed((*style, *style_mix)) or "nothing"
    report.begin(f"{verb} {painting.listed(contents)} in the style of {paintings}, into {folder}", json, quiet)
    with report.starting(quiet or json):
        from scumble.style.batch import JOB, batch_events

    events = batch_events(
        contents, style, settings, folder, f".{format}", style_mix, recursive, overwrite, strip, dry_run
    )
    kept = report.Kept(JOB, "pixels", folder, "the same command goes on; what is painted is in")
    report.run(events, json, quiet, kept, verbose)


def _list_layers(json: bool) -> None:
    """The steps of the network as programs number them that take it from torchvision."""
    from scumble.perceptual.layers import CONVOLUTIONS, LAYERS, numbered

    known, steps = {*LAYERS, *CONVOLUTIONS}, list(enumerate(numbered()))
    if json:
        report.data({"layers": [{"number": n, "name": name, "can_be_asked_for": name in known} for n, name in steps]})
        return
    used = dict.fromkeys(GATYS_CONTENT_LAYERS, "content") | dict.fromkeys(GATYS_STYLE_LAYERS, "style")
    report.table(["number", "layer", "in the preset gatys"], [[str(n), name, used.get(name, "")] for n, name in steps])
    report.say("Ask for a layer by name or number: --content-layers.relu4_2 1 --style-layers.20 0.004; not a pooling.")
    report.say("Only the networks vgg19-caffe and vgg19 have all of them: pocket has those of the preset.")
    report.say("Programs whose ReLUs work in place, as torchvision's do, see a relu at its convolution's number.")


def _paint(sources: Sources, settings: PaintSettings, output: Path, job: Job, strip: bool = False) -> None:
    painting.begin(sources, output, job.dry_run, job.json, job.quiet)
    from scumble.image import recipe
    from scumble.style.files.wanted import Wanted
    from scumble.style.provenance import settings_from_recipe

    wanted = Wanted(output, job.preview, job.timelapse, job.save_every, job.overwrite, strip)
    repeated = None if job.recipe is None else recipe.read(job.recipe)
    if job.recipe is not None and repeated is not None:
        settings = settings_from_recipe(repeated, settings)
        wanted.check(settings.bits, (job.recipe,))
    in_one_pass = settings.preset == "instant"
    words = "--resume goes on; the best picture is"
    kept = None if in_one_pass else report.Kept(JOBS[type(settings)], "evaluations", output, words)
    with report.starting(job.quiet or job.json or in_one_pass):
        if in_one_pass:
            from scumble.style.instant.job import asked_events as paint_events
        else:
            from scumble.style.stylize import paint_events
    events = paint_events(sources, settings, wanted, repeated, job.resume, job.dry_run)  # pyright: ignore[reportArgumentType]
    report.run(events, job.json, job.quiet, kept, job.verbose)
