"""Train the feed-forward painter that ships with scumble, from two archives of pictures.

    python recipes/instant/train_instant.py WORK --photos photos.zip --paintings paintings.zip [--without FOLDER]

`instant.safetensors` in the folder WORK is the network, `log.jsonl` the curve, `sheet-*.png` pairs that were held back.
The same command goes on where it was stopped. One picture of each kind in eight is held back, by a digest of its name;
`--without` names a folder of paintings and photographs that, with all their copies, are not trained on either.
"""

import argparse
import functools
import hashlib
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from critic import Critic, Logits, liking, of_painted, of_paintings
from lessons import CUT, JUDGED, Lesson, Lessons, Looks, as_tensor, looked_at, loss, noise_for
from PIL import Image
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[1] / "pocket"))
import material

from scumble import device
from scumble.data.sources.opener import open_source
from scumble.image.tensors import to_array
from scumble.perceptual import weights
from scumble.perceptual.catalogue import CATALOGUE, find
from scumble.perceptual.vgg import VGG19
from scumble.storage import checkpoint
from scumble.style.feedforward.moving import coded, in_colours, maps_between, moved, seen
from scumble.style.feedforward.network import Decoder
from scumble.style.feedforward.shapes import COLOURS, GRAIN, LAYERS, STATISTICS
from scumble.training.task import Batch, Moment, Outcome, Task, Update, once
from scumble.training.trainer import Trainer

BATCH = 4
LEARNING_RATE = 7e-4
WARM_UP = 100
MAX_NORM = 1.0
CRITIC, CRITIC_RATE = 1.0, 4e-4
"""How much it counts what the critic thinks, after it has learnt alone for some steps; and its learning rate."""
CRITIC_ALONE = 100
HALF_LIFE = 300
"""Steps in which the moving average forgets half."""
SAVED_EVERY = 250
SHEET_EVERY = 1000
HELD_BACK = 8
"""One picture in so many."""


def main() -> None:
    """From the last checkpoint on, if there is one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--without", type=Path, nargs="*", default=[], help="folders of pictures to keep out")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--keep", type=float, default=1.0, help="how much content counts")
    parser.add_argument("--begin", type=Path, help="a file of numbers to go on from, such as the package's")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    placement = device.choose("cpu")
    print(placement.reason)

    trunk, judge = networks(placement.dtype)
    kept_out = [thumbprint for folder in arguments.without for thumbprint in material.thumbprints(folder)]
    photos, paintings = (trained_on(path, kept_out) for path in (arguments.photos, arguments.paintings))
    print(f"{len(photos)} photographs, {len(paintings)} paintings", flush=True)
    lessons = Lessons(photos, paintings, trunk, judge, 0)
    decoder = Decoder().to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    if arguments.begin is None:
        measure_codes(decoder, paintings, trunk)
    else:
        decoder.load_state_dict({name: tensor.float() for name, tensor in load_file(arguments.begin).items()})
    trainer = Trainer(learning(decoder, lessons, placement, arguments.steps, arguments.keep))
    checkpoint.newest(arguments.work / "checkpoints", trainer.restored)
    with device.memory_kept():
        train(trainer, arguments, trunk)
    result = trainer.averages["decoder"]
    save_file(
        {n: t.half().contiguous() for n, t in result.state_dict().items()}, arguments.work / "instant.safetensors"
    )


def networks(dtype: torch.dtype) -> tuple[VGG19, VGG19]:
    """The network pocket without its heads, which shows what is moved, and with them, which judges in this format."""
    entry = CATALOGUE["pocket"]
    path = find(entry)
    assert path is not None
    tensors = weights.read(path, "pocket").tensors
    bare = {name: tensor for name, tensor in tensors.items() if not name.startswith("heads.")}
    return (
        VGG19(bare, entry.preprocessing, STATISTICS, padding="replicate"),
        VGG19(tensors, entry.preprocessing, JUDGED, padding="replicate", dtype=dtype),
    )


def is_held_back(name: str) -> bool:
    """Whether a picture of this name is never trained on."""
    return hashlib.sha256(Path(name).name.encode()).digest()[0] % HELD_BACK == 0


def trained_on(archive: Path, kept_out: list[np.ndarray]) -> list[Any]:
    """The archive's pictures, but those that are held back, relatives of those kept out, and tiny or broken ones."""
    chosen = []
    for item in open_source(archive).items:
        if is_held_back(item.name):
            continue
        try:
            picture = item.load().rgb
        except Exception:
            continue
        mark = material.thumbprint(picture)
        if min(picture.size) >= 128 and all(material.resemblance(mark, o) <= material.ALIKE for o in kept_out):
            chosen.append(item)
    return chosen


def measure_codes(decoder: Decoder, paintings: list[Any], trunk: VGG19, count: int = 64) -> None:
    """How codes of paintings are spread, by which the decoder sees them."""
    codes = []
    for number in np.random.default_rng(5).permutation(len(paintings))[:count]:
        picture = paintings[number].load().rgb
        picture.thumbnail((384, 384))
        with torch.no_grad():
            codes.append(coded(trunk, as_tensor(picture)).code[0])
    found = torch.stack(codes)
    decoder.code_mean.copy_(found.mean(0))
    decoder.code_deviation.copy_(found.std(0) + 0.05 * found.std(0).mean())


def learning(decoder: Decoder, lessons: Lessons, placement: device.Placement, steps: int, keep: float) -> Task:
    """The decoder's task, four lessons a step, and that of its critic."""
    critic = Critic()

    def batch(moment: Moment) -> Batch:
        return {"lessons": [lessons.at(moment.step * BATCH + number) for number in range(BATCH)]}

    def painted(batch: Batch, moment: Moment) -> tuple[torch.Tensor, Looks]:
        """The pictures of a step, and what the judge sees of them."""
        chosen: list[Lesson] = batch["lessons"]
        features = {name: torch.cat([lesson.moved[name] for lesson in chosen]).float() for name in LAYERS}
        base, code = (torch.cat([getattr(lesson, name) for lesson in chosen]) for name in ("base", "code"))
        noise = noise_for((CUT, CUT), torch.Generator().manual_seed(moment.step), len(chosen))
        pictures = placement.compute(lambda base: decoder(features, base, code, noise), base)
        return pictures, looked_at(pictures, lessons.judge)

    def judged(batch: Batch, features: dict[str, torch.Tensor]) -> Logits:
        code = decoder.centred(torch.cat([lesson.code for lesson in batch["lessons"]]))
        with torch.autocast(placement.device.type, placement.dtype, enabled=placement.dtype != torch.float32):
            return critic(features, code)

    def told_apart(batch: Batch, moment: Moment) -> Outcome:
        _, looks = once(batch, "painted", lambda: painted(batch, moment))
        chosen: list[Lesson] = batch["lessons"]
        original = {name: torch.cat([lesson.original[name] for lesson in chosen]) for name in LAYERS}
        real = of_paintings(judged(batch, original), torch.cat([lesson.counts for lesson in chosen]))
        fake = of_painted(judged(batch, {name: looks[1, name].detach() for name in LAYERS}))
        return Outcome(real + fake, {"real": real.detach(), "fake": fake.detach()})

    def outcome(batch: Batch, moment: Moment) -> Outcome:
        pictures, looks = once(batch, "painted", lambda: painted(batch, moment))
        terms = loss(pictures, looks, batch["lessons"], keep)
        share = min(1.0, max(0.0, moment.step / CRITIC_ALONE - 1))
        terms["critic"] = -CRITIC * share * liking(judged(batch, {name: looks[1, name] for name in LAYERS}))
        return Outcome(torch.stack(list(terms.values())).sum(), {name: term.detach() for name, term in terms.items()})

    updates = tuple(
        Update(
            name,
            (name,),
            of,
            functools.partial(torch.optim.Adam, lr=rate, betas=betas),
            schedule=functools.partial(rates, steps=steps, highest=rate),
            max_norm=norm,
        )
        for name, of, rate, betas, norm in (
            ("critic", told_apart, CRITIC_RATE, (0.0, 0.99), None),
            ("decoder", outcome, LEARNING_RATE, (0.9, 0.99), MAX_NORM),
        )
    )
    networks = {"decoder": decoder, "critic": critic}
    return Task(networks, updates, batch, BATCH, averaged=("decoder",), half_life=HALF_LIFE * BATCH)


def rates(moment: Moment, steps: int, highest: float) -> dict[str, Any]:
    """The learning rate: warmed up, then along a cosine to a twentieth."""
    cosine = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, moment.step / steps)))
    return {"lr": highest * min(1.0, (moment.step + 1) / WARM_UP) * cosine}


def train(trainer: Trainer, arguments: argparse.Namespace, trunk: VGG19) -> None:
    """Step after step, with a line every fifty and a sheet now and then."""
    started, since = time.process_time(), trainer.step
    while trainer.step < arguments.steps:
        trainer.train_step()
        if trainer.step % 50 == 0:
            row: dict[str, Any] = {"step": trainer.step}
            for update, figures in trainer.take_figures().items():
                row |= {name if name != "loss" else f"loss {update}": round(float(v), 4) for name, v in figures.items()}
            row["seconds"] = round((time.process_time() - started) / (trainer.step - since), 3)
            with (arguments.work / "log.jsonl").open("a") as log:
                log.write(json.dumps(row) + "\n")
        if trainer.step % SAVED_EVERY == 0 or trainer.step == arguments.steps:
            checkpoint.write(arguments.work / "checkpoints", trainer.step, trainer.state())
        if trainer.step % SHEET_EVERY == 0 or trainer.step in (250, 500):
            sheet(trainer.averages["decoder"], arguments, trunk, arguments.work / f"sheet-{trainer.step:06}.png")


@torch.no_grad()
def paint(decoder: Decoder, trunk: VGG19, photograph: torch.Tensor, painting: torch.Tensor) -> torch.Tensor:
    """One picture; sides are multiples of 8."""
    known = coded(trunk, painting)
    noise = noise_for((photograph.shape[3], photograph.shape[2]), torch.Generator().manual_seed(0))
    noise = {places: GRAIN * values for places, values in noise.items()}
    features = moved(trunk, photograph, maps_between(seen(trunk, photograph), known.moments))
    return decoder(features, in_colours(photograph, painting, COLOURS), known.code, noise)


def sheet(decoder: Decoder, arguments: argparse.Namespace, trunk: VGG19, path: Path, pairs: int = 6) -> None:
    """Photograph, painting and result of pairs that were held back, at 384 pixels."""
    photos, paintings = (
        [item for item in open_source(archive).items if is_held_back(item.name)]
        for archive in (arguments.photos, arguments.paintings)
    )
    random = np.random.default_rng(9)
    rows = []
    for _ in range(pairs):
        photo, painting = (
            pixels(kind[int(random.integers(len(kind)))].load().rgb, 384) for kind in (photos, paintings)
        )
        result = paint(decoder, trunk, photo, painting)
        rows.append(np.concatenate([framed(to_array(p)) for p in (photo, painting, result)], axis=1))
    half = (len(rows) + 1) // 2
    Image.fromarray(np.concatenate([np.concatenate(rows[:half]), np.concatenate(rows[half:])], axis=1)).save(path)


def pixels(picture: Image.Image, side: int) -> torch.Tensor:
    """With this longer side, cut to multiples of 8."""
    times = side / max(picture.size)
    size = [max(8, round(length * times) // 8 * 8) for length in picture.size]
    return as_tensor(picture.resize((size[0], size[1]), Image.Resampling.LANCZOS))


def framed(picture: np.ndarray, side: int = 392) -> np.ndarray:
    """On a square of white."""
    whole = np.full((side, side, 3), 255, np.uint8)
    whole[: picture.shape[0], : picture.shape[1]] = picture
    return whole


if __name__ == "__main__":
    main()
