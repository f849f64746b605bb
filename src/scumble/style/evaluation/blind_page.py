"""A page that asks people which of two pictures they like better, without telling which is whose.

One file with everything in it: it can be sent to anybody and needs no server. Trials come in random order, and so do
the two sides of each. The answers are shown and saved as JSON in the end; until then nobody has seen a name.
"""

import base64
import io
import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from scumble.errors import SettingsError
from scumble.image.files import PictureSource, check_free, check_place, load
from scumble.paths import write_atomically
from scumble.storage.folder import writing
from scumble.style.evaluation.trials import Trial

TEMPLATE = Path(__file__).with_name("blind_page.html")
LARGEST_SIDE = 1024
QUESTION = "Which picture is the better one?"


def check(path: Path, trials: Sequence[Trial], gallery: str | None = None, overwrite: bool = True) -> None:
    """Raise unless a page can be written there, and there is something to choose.

    Raises:
        SettingsError: if no trial has two pictures, or the file's name is not that of a page.
        ImageError: if the place is no place for it, or is one of the inputs; without `overwrite`, if there is a file
            that is no page of these.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise SettingsError(f"page: got {path}, wanted a name that ends in .html")
    if max(len(trial.results) for trial in trials) < 2:
        raise SettingsError("page: got one picture, wanted two to choose between")
    inputs = [picture for trial in trials for picture in (trial.content, trial.style, *trial.results.values())]
    check_place(path, (*inputs, *([gallery] if gallery else [])))
    if not overwrite:
        begin, *_ = TEMPLATE.read_text(encoding="utf-8").partition("<style>")
        check_free(path, begin)


def write(path: Path, trials: Sequence[Trial], question: str = QUESTION, seed: int = 0) -> None:
    """Write the page to a file; see `page`.

    Raises:
        SettingsError: as `check` does.
        ImageError: likewise, or if a picture cannot be read.
        RunError: if the file cannot be written.
    """
    check(path, trials)
    with writing(path):
        write_atomically(path, page(trials, question, seed).encode())


def page(trials: Sequence[Trial], question: str = QUESTION, seed: int = 0) -> str:
    """The page as HTML.

    Args:
        trials: of at least two pictures each; all pairs of them are asked for.
        question: what people are asked.
        seed: of the order.
    """
    pictures: dict[str, int] = {}  # data URLs, and their numbers: each is in the file once

    def number(source: PictureSource) -> int:
        return pictures.setdefault(_data_url(source), len(pictures))

    shuffled = random.Random(seed)
    asked = []
    for trial in trials:
        for pair in itertools.combinations(trial.results.items(), 2):
            left, right = shuffled.sample(pair, 2)
            asked.append(
                {
                    "name": trial.name,
                    "content": number(trial.content),
                    "style": number(trial.style),
                    "left": {"name": left[0], "picture": number(left[1])},
                    "right": {"name": right[0], "picture": number(right[1])},
                }
            )
    shuffled.shuffle(asked)
    content = json.dumps({"question": question, "trials": asked, "pictures": list(pictures)})
    # A file's name may hold what would end the script, or make the browser wait for another end.
    return TEMPLATE.read_text(encoding="utf-8").replace("/*PAGE*/null/*PAGE*/", content.replace("<", "\\u003c"))


def _data_url(source: PictureSource) -> str:
    picture = load(source).rgb
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
