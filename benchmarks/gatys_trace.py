"""The losses that Gatys' own notebook prints, against ours: same pictures, same network, same loss, same start.

    python benchmarks/gatys_trace.py CONTENT STYLE [--steps 500]

CONTENT and STYLE are the two pictures that lie beside the notebook of github.com/leongatys/PytorchNeuralStyleTransfer
(Tuebingen and The Starry Night), which resizes both to 512 pixels on the shorter side: 682 on the longer.
"""

import argparse
import json

from scumble.events import Noted, Progress
from scumble.style.settings import StyleSettings
from scumble.style.stylize import stylize_events

NOTEBOOK = {50: 1_388_532, 100: 707_861, 200: 469_375, 300: 411_658, 400: 383_885, 500: 368_494}

# So early, rounding decides: 0.940, 0.973 and 1.021 of the notebook's loss were seen with convolutions that differ by
# 3e-6, or another number of threads; at 100 evaluations 0.939 to 0.953.
MARGIN = {50: 1.05}


def main():
    parser = argparse.ArgumentParser(description="Compare our losses with those of Gatys' notebook.")
    parser.add_argument("content")
    parser.add_argument("style")
    parser.add_argument("--steps", type=int, default=500)
    arguments = parser.parse_args()

    settings = StyleSettings(preset="gatys", size=682, steps=arguments.steps)
    best, behind = float("inf"), []
    for event in stylize_events(arguments.content, arguments.style, settings):
        if isinstance(event, Noted):
            print(event.message)
        if isinstance(event, Progress) and event.loss is not None:
            best = min(best, event.loss)
            if event.done in NOTEBOOK:
                anchor = NOTEBOOK[event.done]
                row = {"evaluations": event.done, "notebook": anchor, "scumble": round(best)}
                print(json.dumps(row | {"ratio": round(best / anchor, 3)}), flush=True)
                behind += [event.done] * (best > anchor * MARGIN.get(event.done, 1))
    if behind:
        raise SystemExit(f"behind the notebook after {behind} evaluations")


if __name__ == "__main__":
    main()
