"""What a request names by ids, as the files that they stand for: no path in a request is ever one."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from scumble.errors import SettingsError
from scumble.web import shelf
from scumble.web.gan import places
from scumble.web.jobs.folder import Input
from scumble.web.settings import WebSettings
from scumble.web.uploads import ID, Uploads

ENDINGS = {"JPEG": ".jpg", "JPEG 2000": ".jp2", "JPEG XL": ".jxl", "TIFF": ".tif", "HEIF": ".heic", "PNM": ".ppm"}
"""Of a picture whose name has none; of other kinds it is their own name."""


def found(inputs: Mapping[str, Sequence[str]], uploads: Uploads, settings: WebSettings) -> dict[str, list[Input]]:
    """The inputs of a job.

    Args:
        inputs: ids by role: of uploads, of the shelf ("shelf:waves"), and of what is on this machine.
        uploads: where to find pictures.
        settings: of the page: its home, and the folders that are allowed.

    Raises:
        SettingsError: if there is nothing of such an id.
    """
    return {role: [_one(role, id_, uploads, settings) for id_ in ids] for role, ids in inputs.items()}


def _one(role: str, id_: str, uploads: Uploads, settings: WebSettings) -> Input:
    if ID.fullmatch(id_):
        known, path = uploads.find(id_), uploads.path(id_)
        if known is None or path is None:
            raise SettingsError(f"{role}: got a picture that is not there any more; wanted one that is")
        return Input(id_, path, _with_ending(known["name"], known["type"]))
    if id_.startswith(shelf.PREFIX):
        return Input(id_, painting(id_), f"{id_.removeprefix(shelf.PREFIX)}.jpg")
    source = places.resolve(id_, settings)
    # Labels that are given by clicking may change while the job waits: it keeps those of now.
    return Input(id_, source, Path(source).name if id_.startswith("labels:") else None)


def painting(id_: str) -> Path:
    """The file of a painting of the shelf.

    Raises:
        SettingsError: if there is none of that id.
    """
    try:
        return shelf.path(id_.removeprefix(shelf.PREFIX))
    except KeyError:
        raise SettingsError(f"the shelf has no {id_[:60]!r}") from None


def _with_ending(name: str, kind: str) -> str:
    return name if Path(name).suffix else name + ENDINGS.get(kind, f".{kind.lower()}")
