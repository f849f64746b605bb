"""The commands of style transfer."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from scumble.cli import report
from scumble.style.settings import StyleSettings


def stylize(
    content: Path,
    style: Path,
    /,
    *,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    recipe: Path | None = None,
    preview: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
    quiet: Annotated[bool, Parameter(alias="-q", negative="")] = False,
    settings: Annotated[StyleSettings, Parameter(name="*")] = StyleSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Paint a photograph in the style of a painting.

    Args:
        content: the photograph.
        style: the painting.
        output: file to write; .png, .jpg, .webp or .tif (default: CONTENT-STYLE.png in the current folder).
        recipe: a picture made by scumble whose settings to repeat; flags given here win.
        preview: file to overwrite with the picture so far, every two seconds.
        json: print one event a line, as JSON.
        quiet: print nothing but the name of the file that was written.
        settings: everything else, one flag a field.
    """
    from scumble.image import files
    from scumble.image import recipe as recipes
    from scumble.style.stylize import JOB, settings_from_recipe, stylize_events

    repeated = None if recipe is None else recipes.read(recipe)
    if repeated is not None:
        settings = settings_from_recipe(repeated, settings)
    output = output or Path(f"{content.stem}-{style.stem}.png")
    if recipe is not None:
        for written in (output, *([preview] if preview else [])):
            files.check_output(written, inputs=(recipe,))
    kept = report.Kept(JOB, "evaluations", output, "the best picture is")
    report.run(stylize_events(content, style, settings, output, preview, repeated), json, quiet, kept)
