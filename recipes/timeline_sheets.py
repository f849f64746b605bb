"""The sheets of docs/timeline.md: a photograph that nobody learnt from, and what translators of RUNS make of its cuts.

    python recipes/timeline_sheets.py RUNS docs/pictures/translated.jpg

A row of cuts for what is given, for each preset of the same task, and for the truth, where that is known. Presets that
recipes/timeline.py has not trained yet are left out.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from timeline import PHOTOGRAPH
from timeline_picture import INK, PAPER, cuts

from scumble import Translator
from scumble.device import full_float32
from scumble.gan.translation.models.sheet import results
from scumble.image.tensors import from_signed, visible

TASKS = {
    "four times as large": ("srgan", "esrgan"),
    "colours from grey": ("pix2pix",),
    "holes": ("context-encoder",),
    "holes with a coarse picture in them": ("ccgan",),
    "one of many sharp pictures for a soft one": ("bicyclegan",),
    "paintings from photographs, without pairs": ("cyclegan", "cut"),
    "drawings from photographs, without pairs": ("dualgan", "unit", "munit", "discogan"),
}
GIVEN, TRUTH = "given", "truth"
SIDE, GAP, NAMES, HEADING = 144, 6, 110, 26
"""Pixels: of a cut, between cuts, for the names before a row, and above a task."""


@full_float32()
@torch.inference_mode()
def rows_of(presets: list[str], runs: Path) -> dict[str, torch.Tensor]:
    """(N, C, H, W) cuts in [-1, 1] by the name of their row: what is given, what becomes of it, and the truth."""
    rows: dict[str, torch.Tensor] = {}
    for preset in presets:
        translator = Translator.from_pretrained(runs / preset, "cpu")
        pictures = cuts(translator, PHOTOGRAPH)
        rows.setdefault(GIVEN, pictures["a"])
        rows[preset] = results(translator, pictures["a"], pictures.get("mask"))[0]
        if "b" in pictures:
            rows[TRUTH] = pictures["b"]
    if TRUTH in rows:
        rows[TRUTH] = rows.pop(TRUTH)  # last
    return rows


def drawn(tasks: dict[str, dict[str, torch.Tensor]]) -> Image.Image:
    """All tasks below each other, with their names."""
    across = max(len(cuts) for rows in tasks.values() for cuts in rows.values())
    height = sum(HEADING + len(rows) * (SIDE + GAP) for rows in tasks.values())
    picture = Image.new("RGB", (NAMES + across * (SIDE + GAP), height + GAP), PAPER)
    draw, small, large = ImageDraw.Draw(picture), ImageFont.load_default(13), ImageFont.load_default(16)
    top = 0
    for task, rows in tasks.items():
        draw.text((GAP, top + GAP), task, INK, large)
        top += HEADING
        for name, row in rows.items():
            draw.text((GAP, top + SIDE // 2 - 8), name, INK, small)
            for number, pixels in enumerate(visible(from_signed(row))):
                cut = Image.fromarray(pixels.squeeze()).convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
                picture.paste(cut, (NAMES + number * (SIDE + GAP), top))
            top += SIDE + GAP
    return picture


def main() -> None:
    """Of what there is."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("output", type=Path)
    asked = parser.parse_args()
    there = {task: [preset for preset in presets if (asked.runs / preset / "model").exists()]
             for task, presets in TASKS.items()}  # fmt: skip
    drawn({task: rows_of(presets, asked.runs) for task, presets in there.items() if presets}).save(
        asked.output, quality=88
    )


if __name__ == "__main__":
    main()
