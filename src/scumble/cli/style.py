"""The commands of style transfer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from scumble.cli import report
from scumble.cli.flags import Output, Quiet, Switch
from scumble.style.settings import PaintSettings, StyleSettings, TextureSettings

if TYPE_CHECKING:
    from scumble.style.inputs import Sources
    from scumble.style.results import Wanted

Files = Annotated[tuple[Path, ...], Parameter(show_default=False)]


def stylize(
    content: Path,
    style: Path,
    /,
    *more_styles: Path,
    output: Output = None,
    mask: Files = (),
    content_map: Path | None = None,
    style_map: Files = (),
    recipe: Path | None = None,
    preview: Path | None = None,
    timelapse: Path | None = None,
    save_every: int | None = None,
    resume: Switch = False,
    dry_run: Switch = False,
    json: Switch = False,
    quiet: Quiet = False,
    settings: Annotated[StyleSettings, Parameter(name="*")] = StyleSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Paint a photograph in the style of a painting, or of several.

    Args:
        content: the photograph.
        style: the painting.
        more_styles: further paintings; see --shares, --style-scale and --mask.
        output: file to write; .png, .jpg, .webp or .tif (default: CONTENT-STYLE.png in the current folder).
        mask: picture of the photograph's shape, white where a painting's style goes; once for each painting.
        content_map: the photograph's regions in flat colours.
        style_map: a painting's regions in the same colours; once for each painting.
        recipe: a picture made by scumble whose settings to repeat; flags given here win.
        preview: file to overwrite with the picture so far, every two seconds.
        timelapse: film of the painting's making to write in the end (.webp, .gif or .mp4).
        save_every: write a numbered copy beside the output after every so many evaluations.
        resume: go on with a picture that was stopped: give the same command again, with this.
        dry_run: tell what memory and time the work would take, and do nothing.
        json: print one event a line, as JSON.
        quiet: print nothing but the name of the file that was written.
        settings: everything else, one flag a field.
    """
    from scumble.style.inputs import Sources
    from scumble.style.results import Wanted

    sources = Sources(content, (style, *more_styles), mask, content_map, style_map)
    wanted = Wanted(output or Path(f"{content.stem}-{style.stem}.png"), preview, timelapse, save_every)
    _paint(sources, settings, wanted, recipe, resume, dry_run, json, quiet)


def texture(
    style: Path,
    /,
    *more_styles: Path,
    output: Output = None,
    recipe: Path | None = None,
    preview: Path | None = None,
    timelapse: Path | None = None,
    save_every: int | None = None,
    resume: Switch = False,
    dry_run: Switch = False,
    json: Switch = False,
    quiet: Quiet = False,
    settings: Annotated[TextureSettings, Parameter(name="*")] = TextureSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Make a new picture, of any size, of what a painting is made of.

    Args:
        style: the painting.
        more_styles: further paintings; see --shares and --style-scale.
        output: file to write; .png, .jpg, .webp or .tif (default: STYLE-texture.png in the current folder).
        recipe: a texture made by scumble whose settings to repeat; flags given here win.
        preview: file to overwrite with the picture so far, every two seconds.
        timelapse: film of the painting's making to write in the end (.webp, .gif or .mp4).
        save_every: write a numbered copy beside the output after every so many evaluations.
        resume: go on with a picture that was stopped: give the same command again, with this.
        dry_run: tell what memory and time the work would take, and do nothing.
        json: print one event a line, as JSON.
        quiet: print nothing but the name of the file that was written.
        settings: everything else, one flag a field.
    """
    from scumble.style.inputs import Sources
    from scumble.style.results import Wanted

    sources = Sources(None, (style, *more_styles))
    wanted = Wanted(output or Path(f"{style.stem}-texture.png"), preview, timelapse, save_every)
    _paint(sources, settings, wanted, recipe, resume, dry_run, json, quiet)


def batch(
    content: Path,
    /,
    *more_contents: Path,
    style: tuple[Path, ...],
    output: Output = None,
    format: Literal["png", "jpg", "webp", "tif"] = "png",
    json: Switch = False,
    quiet: Quiet = False,
    settings: Annotated[StyleSettings, Parameter(name="*")] = StyleSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Paint many photographs, each in the style of every painting.

    Given again, the same command leaves alone what is finished and goes on with what was stopped.

    Args:
        content: a photograph, or a folder of photographs.
        more_contents: more of them.
        style: a painting, or a folder of paintings; may be given several times.
        output: folder to write to (default: painted).
        format: of the pictures.
        json: print one JSON object per event on standard output.
        quiet: print results only.
        settings: of all pictures.
    """
    from scumble.style.batch import batch_events

    events = batch_events((content, *more_contents), style, settings, output or Path("painted"), f".{format}")
    report.run(events, json, quiet)


def _paint(
    sources: "Sources",
    settings: PaintSettings,
    wanted: "Wanted",
    recipe: Path | None,
    resume: bool,
    dry_run: bool,
    json: bool,
    quiet: bool,
) -> None:
    from scumble.image import recipe as recipes
    from scumble.style.stylize import JOBS, paint_events, settings_from_recipe

    repeated = None if recipe is None else recipes.read(recipe)
    if repeated is not None:
        settings = settings_from_recipe(repeated, settings)
    if recipe is not None:
        wanted.check(settings.bits, (recipe,))
    assert wanted.output is not None
    kept = report.Kept(JOBS[type(settings)], "evaluations", wanted.output, "--resume goes on; the best picture is")
    report.run(paint_events(sources, settings, wanted, repeated, resume, dry_run), json, quiet, kept)
