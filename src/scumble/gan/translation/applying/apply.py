"""Applying a translator to pictures: one, or folders of them, of any size, depth and number of channels.

Results carry their recipe, and what was known of the photograph. What is finished is left alone, so that the same
command, given again, goes on; a picture that fails does not keep the others from theirs.
"""

import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from scumble import device, paths
from scumble.errors import ImageError, ScumbleError, SettingsError, reason
from scumble.events import Event, Finished, Noted, Progress, Saved, Started, Warned, returned
from scumble.gan.translation.applying import tiles
from scumble.gan.translation.applying.pictures import Given, finished, given
from scumble.gan.translation.applying.places import JOB, Wish, asked, digest_of, is_finished, make, places_of
from scumble.gan.translation.degrade import DEGRADATIONS
from scumble.gan.translation.kind import Direction
from scumble.gan.translation.models.translator import Translator
from scumble.image import contact_sheet, decode, files, metadata, recipe
from scumble.image.collection import pictures_in
from scumble.image.contact_sheet import Cell
from scumble.image.files import PictureSource
from scumble.image.metadata import NOTHING

HELD = "is translated in {tiles} tiles, with the norms' statistics held that were taken from all over it"


def translate(translator: Translator, source: PictureSource, seed: int = 0, target: str | None = None) -> Image.Image:
    """What becomes of a picture, of any size, as an 8-bit picture.

    Raises:
        ImageError: if it cannot be read, has other channels, or the result has channels that no such picture holds.
        SettingsError: if there is no such target, or one is missing.
    """
    picture = _given(translator, source)
    bands = translator.shapes[1][0]
    if bands not in (1, 3, 4):
        raise ImageError(f"the result has {bands} channels, which no such picture holds", "apply it to a .tif file")
    with device.memory_errors("use a smaller picture"):
        result = returned(_translating(translator, picture, Wish(seed, target)))
    pixels = finished(result, picture, 8, "")
    return Image.fromarray(pixels[..., 0] if bands == 1 and pixels.shape[2] == 3 else pixels)


def apply_events(
    model: str | Path | Translator,
    inputs: Sequence[Path],
    output: Path,
    *,
    direction: Direction = "forward",
    suffix: str = ".png",
    recursive: bool = False,
    device_name: str = "auto",
    **wished: Any,
) -> Generator[Event, None, None]:
    """Translate pictures, and those of folders.

    Args:
        model: a translator, its folder, or a run.
        inputs: files, and folders of files; what scumble has made in `output` is left out.
        output: a file for a single picture; else a folder, which is made.
        direction: "backward" for the other way, where its networks can.
        suffix: of the results' names in a folder, which decides their format.
        recursive: go into the folders of folders.
        device_name: "auto", or torch's name of a device.
        wished: of every picture: any of `Wish`.

    Yields:
        Started and Progress in pixels; Noted of what is passed over, finished already or odd; a Saved for each picture,
        a Warned for each that fails; Finished.

    Raises:
        SettingsError: if a setting is out of range.
        RunError: if the model cannot be read.
        ImageError: if nothing can be translated.
        ScumbleError: at the end, if some could not be.
    """
    started, wish = time.perf_counter(), Wish(**wished)
    if wish.bits not in (8, 16):
        raise SettingsError(f"bits: got {wish.bits}, wanted 8 or 16")
    if isinstance(model, str | Path):
        model = Translator.from_pretrained(model, device_name, direction)
    model.told(wish.seed, wish.target)
    found = pictures_in(inputs, recursive, results=output if output.is_dir() else None)
    places = places_of(inputs, found.pictures, output, suffix, wish)
    yield from map(Noted, found.notes)
    done, last = yield from _all(model, places, wish)
    sheet = last if len(places) == 1 and last is not None else (yield from _sheet(places, output, wish))
    yield Finished(JOB, done, time.perf_counter() - started, sheet, {"pictures": len(done)})


def _all(
    translator: Translator, places: dict[Path, Path], wish: Wish
) -> Generator[Event, None, tuple[list[Path], Image.Image | None]]:
    digest = digest_of(translator)
    sizes = {}
    failed: dict[Path, str] = {}
    done: list[Path] = []
    for place, source in places.items():
        try:
            if is_finished(place, asked(translator, digest, source, wish), wish.overwrite, len(places) == 1):
                yield Noted(f"{place} is finished: nothing is left to do")
                done.append(place)
            else:
                width, height = files.size_of(decode.read_file(source), source.name)
                sizes[place] = width * height
        except (ScumbleError, OSError) as error:
            failed[place] = _told(source, error)
            yield from _warned(failed[place], places)
    yield Started(JOB, max(1, sum(sizes.values())), "pixels")
    before, last, total = 0, None, max(1, sum(sizes.values()))
    for place, pixels in sizes.items():
        try:
            make(place.parent)
            for event in (working := _one(translator, places[place], place, digest, wish)):
                if isinstance(event, Progress):
                    yield Progress(JOB, before + pixels * event.done // event.total, total)
                elif isinstance(event, Finished):
                    last = event.picture
                else:
                    yield event
            working.close()
            done.append(place)
        except (ScumbleError, OSError) as error:
            failed[place] = _told(places[place], error)
            yield from _warned(failed[place], places)
        before += pixels
        yield Progress(JOB, before, total)
    if len(failed) == 1 == len(places):
        raise ImageError(next(iter(failed.values())))
    if failed:
        raise ScumbleError(f"{len(failed)} of {len(places)} pictures failed, the first: {next(iter(failed.values()))}")
    return done, last


def _told(source: Path, error: Exception) -> str:
    """What went wrong with which picture."""
    told = reason(error)
    return told if source.name in told else f"{source.name}: {told}"


def _warned(told: str, places: dict[Path, Path]) -> list[Event]:
    """Of one of several pictures that failed; of a picture that is alone, the error tells."""
    return [Warned(told)] if len(places) > 1 else []


def _one(translator: Translator, source: Path, place: Path, digest: str, wish: Wish) -> Generator[Event, None, None]:
    """Translate a picture and write it; its last event has the result."""
    started = time.perf_counter()
    picture = _given(translator, source)
    yield from (Noted(f"{picture.name}: {note}") for note in picture.notes)
    size = tuple(side * translator.enlarges for side in picture.size)
    files.check_side(place, (size[0], size[1]))
    result, most = yield from _counted(_translating(translator, picture, wish))
    if most > 1:
        yield Noted(f"{picture.name} {HELD.format(tiles=most)}")
    pixels = finished(result, picture, wish.bits, place.suffix.lower())
    made_by = asked(translator, digest, source, wish) | {
        "computed": {"device": str(translator.device), "precision": "float32", "tiles": most},
        "versions": recipe.versions(),
    }
    paths.restore_folder(place)
    files.save(pixels, place, made_by, NOTHING if wish.strip else metadata.of(source))
    yield Saved(place)
    yield Finished(JOB, [place], time.perf_counter() - started, _seen(pixels), {})


def _counted(working: Generator[Event, None, torch.Tensor]) -> Generator[Event, None, tuple[torch.Tensor, int]]:
    """The result, and how many tiles it took."""
    tiles_taken = 0
    while True:
        try:
            event = next(working)
        except StopIteration as end:
            return end.value, tiles_taken
        tiles_taken = max(tiles_taken, event.total if isinstance(event, Progress) else 0)
        yield event


def _translating(translator: Translator, picture: Given, wish: Wish) -> Generator[Event, None, torch.Tensor]:
    """The result, (1, C', H', W') about in [-1, 1], on the CPU."""
    told = tuple(translator.told(wish.seed, wish.target).values())
    network, pixels = translator.network, picture.pixels
    if picture.mask is not None and "mask" in translator.kind.told:
        network, pixels = _Masked(network), torch.cat([pixels, picture.mask], 1)
    with device.full_float32():
        return (yield from tiles.translating(network, pixels, told, translator.multiple, translator.enlarges))


class _Masked(torch.nn.Module):
    """A network that is told where holes are, by a last channel: so that tiles are cut from both at once."""

    def __init__(self, network: torch.nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pixels: torch.Tensor, *told: torch.Tensor) -> torch.Tensor:
        return self.network(pixels[:, :-1], *told, pixels[:, -1:])


def _given(translator: Translator, source: PictureSource) -> Given:
    forward = translator.direction == "forward"
    value_range = translator.facts.value_ranges[0 if forward else 1]
    by_code, trained_forward = translator.settings.pairs, translator.settings.direction == "forward"
    fills = by_code != "none" and DEGRADATIONS[by_code].has_mask and forward and trained_forward
    return given(source, translator.shapes[0][0], value_range, by_code if fills else None)


def _sheet(places: dict[Path, Path], folder: Path, wish: Wish) -> Generator[Event, None, Image.Image]:
    """Every picture beside its result, as contact.jpg in the folder."""
    rows = [[Cell(source.name, source), Cell(place.name, place)] for place, source in places.items()]
    sheet, _ = contact_sheet.draw([Cell(""), Cell("")], rows)
    path = folder / recipe.CONTACT_SHEET if folder.is_dir() else folder
    if folder.is_dir() and len(places) > 1:
        try:
            contact_sheet.check_place(path, tuple(places.values()), wish.overwrite)
            contact_sheet.save(sheet, path)
            yield Saved(path)
        except ImageError as error:
            yield Warned(f"no contact sheet: {error}")
    return sheet


def _seen(pixels: np.ndarray) -> Image.Image:
    """Any pixels as a picture to look at."""
    levels = pixels if pixels.dtype == np.uint8 else (pixels >> 8).astype(np.uint8)
    return Image.fromarray(levels if levels.shape[2] in (3, 4) else levels[..., 0])
