"""Where results go, what is asked for of them, and whether it is there already."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from scumble import paths
from scumble.errors import ImageError, SettingsError, reason
from scumble.gan.translation.models.translator import Translator
from scumble.image import decode, files, recipe
from scumble.image.collection import Found
from scumble.image.encode import WRITERS
from scumble.storage.folder import as_safetensors

JOB = "apply"


class Wish(NamedTuple):
    """What is asked for of every picture.

    Attributes:
        seed: of the style, where results differ in style.
        target: the class, where it was trained with classes.
        bits: of the results.
        strip: whether to leave out what the photographs' files say about them.
        overwrite: whether files may be written over that were made otherwise.
    """

    seed: int = 0
    target: str | None = None
    bits: int = 8
    strip: bool = False
    overwrite: bool = False


def places_of(
    inputs: Sequence[Path], found: Sequence[Found], output: Path, suffix: str, wish: Wish
) -> dict[Path, Path]:
    """By the files for the results, what they are made of. Nothing is done before all was found to be possible."""
    sources = tuple(picture.path for picture in found)
    is_file, is_alone = bool(output.suffix) and not output.is_dir(), len(inputs) == 1 and not inputs[0].is_dir()
    if is_file and is_alone and output.suffix.lower() in WRITERS:
        files.check_output(output, wish.bits, sources, wish.overwrite)
        return {output: inputs[0]}
    if suffix not in WRITERS:
        raise SettingsError(f"suffix: got {suffix!r}, wanted one of {', '.join(WRITERS)}")
    if is_file:
        wanted = f"a folder or one of {', '.join(WRITERS)}" if is_alone else "a folder for several pictures"
        raise SettingsError(f"output {output} ends in {output.suffix!r}; wanted {wanted}")
    places: dict[Path, Path] = {}
    for picture in found:
        place = output / picture.below / paths.fitting(picture.path.stem, suffix)
        if place in places:
            raise SettingsError(f"two pictures would be written to {place}; wanted files of different names")
        if os.path.realpath(place) in {os.path.realpath(source) for source in sources}:
            raise ImageError(f"output {place} is also an input; wanted another folder")
        places[place] = picture.path
    make(output)
    return places


def digest_of(translator: Translator) -> str:
    """Hexadecimal SHA-256 of the weights."""
    digest = hashlib.sha256()
    for name, network in sorted(translator.networks.items()):
        digest.update(name.encode() + as_safetensors(network.state_dict()))
    return digest.hexdigest()


def asked(translator: Translator, digest: str, source: Path, wish: Wish) -> dict[str, Any]:
    """What a result's recipe says of how it was made."""
    settings = {"preset": translator.settings.preset, "direction": translator.direction, "bits": wish.bits}
    settings |= {"seed": wish.seed} if "code" in translator.kind.told else {}
    settings |= {"target": wish.target} if wish.target is not None else {}
    inputs = {
        "picture": {"name": source.name, "sha256": hashlib.sha256(decode.read_file(source)).hexdigest()},
        "model": {"name": translator.facts.data.name, "sha256": digest},
    }
    return {"job": JOB, "settings": settings, "inputs": inputs}


def is_finished(place: Path, asked: dict[str, Any], overwrite: bool, is_alone: bool) -> bool:
    """Whether a result is there already, made of this picture in this way.

    Raises:
        ImageError: if something else is there and may not be written over. A picture that is alone makes room for
            another try of the same photograph.
    """
    found = recipe.of_what_is_there(place, overwrite)
    if found is None:
        return False
    was = {name: found.get(name) for name in asked}
    if was == asked:
        return True
    same = (was["inputs"] or {}).get("picture", {}).get("sha256") == asked["inputs"]["picture"]["sha256"]
    if overwrite or (same and is_alone):
        return False
    how = "made otherwise" if same else f"and not made of {asked['inputs']['picture']['name']}"
    raise ImageError(f"{place} is there already, {how}", recipe.ELSEWHERE)


def make(folder: Path) -> None:
    """Make a folder; raises ImageError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"the folder {folder} cannot be made: {reason(error)}") from error
