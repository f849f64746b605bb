"""Where each second of the preset `quick` goes: its start, its sizes, and what an evaluation is made of.

    python benchmarks/seconds.py [photo.jpg painting.jpg] [--size 512] [--isa native,avx2] [--page docs/speed.md]

For each of `--isa` the program starts itself anew: `avx2` makes a processor with newer instructions compute like one
that has none (docs/speed.md). One thread works. Seconds are of the processor, which other jobs on the machine change
little. An operator's own are wall-clock time, as torch's profiler has it: of them, only the shares are used, those in
the medians over some evaluations of each size.

Prints three tables in Markdown; with `--page`, they take the place of those that are there. Without pictures, two are
drawn by code.
"""

import time

BEGAN = time.process_time()  # before anything is imported: the interpreter's own start is in it

import argparse  # noqa: E402 (its time, too, is a part of the start)
import contextlib  # noqa: E402
import importlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections import Counter  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

ISAS = {
    "native": {},
    "avx2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
}
"""Variables of the three libraries that compute; each reads its own when it is loaded."""

WARM_UP, PROFILED = 2, 5
"""Evaluations at each size, before and while operators are timed."""

OPERATORS = {
    "activations": r"threshold_backward|aten::relu",
    "resizing": r"upsample|interpolate|adaptive_avg_pool",
    "pooling": r"pool2d",
    "roots": r"linalg_|TraceOfRoot",
}
"""What an operator is, by its own name; then what it is a part of, by the names of all that it was called from:"""

CALLERS = {
    "optimiser": r"^optimiser$",
    "roots": r"linalg_|TraceOfRoot",
    "pooling": r"Pool2D\w*Backward",
    "statistics": r"Moments",
    "convolutions, back": r"(Rectified|Convolution|Addmm)\w*Backward|convolution_backward",
    "convolutions, forward": r"Rectified|convolution|aten::linear",
}

COPIES = r"aten::(copy_|clone|cat|stack|fill_|zero_|\w*pad\w*|slice_backward|index)"
"""Of what no rule above has claimed."""

REST, PYTHON = "losses, and other operators", "Python, between operators"
PARTS = list(dict.fromkeys([*reversed(CALLERS), *OPERATORS, "copies", REST, PYTHON]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path, metavar="PICTURE", help="a photograph and a painting")
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--isa", default="native,avx2", help=f"some of {', '.join(ISAS)}")
    parser.add_argument("--page", type=Path, help="Markdown to write the tables into")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        arguments.measure.write_text(json.dumps(measured(arguments.pictures, arguments.size)))
        return
    isas = arguments.isa.split(",")
    if len(arguments.pictures) not in (0, 2) or not set(isas) <= ISAS.keys():
        parser.error(f"wanted two pictures or none, and of --isa some of {', '.join(ISAS)}")
    with tempfile.TemporaryDirectory() as folder:
        pictures = arguments.pictures or drawn(Path(folder))
        found = [started_anew(isa, pictures, arguments.size, Path(folder)) for isa in isas]
    for name, (columns, rows) in tables(found).items():
        print(f"\n{name}\n")
        for cells in (columns, ["---"] * len(columns), *rows):
            print(f"| {' | '.join(cells)} |")
        if arguments.page:
            write(arguments.page, name, columns, rows)


def drawn(folder):
    from scumble.data.synthetic import painting

    for number in range(2):
        painting(seed=number + 1).save(folder / f"{number}.jpg", quality=95)
    return [folder / "0.jpg", folder / "1.jpg"]


def environment_of(isa):
    """The variables of a process that computes with these instructions, on one thread."""
    kept = {name: value for name, value in os.environ.items() if name not in ISAS["avx2"]}
    return kept | ISAS[isa] | {"OMP_NUM_THREADS": "1"}


def started_anew(isa, pictures, size, folder):
    """The figures of a process that computes with these instructions."""
    report = folder / "figures.json"
    command = [sys.executable, __file__, *pictures, "--size", size, "--measure", report]
    environment = environment_of(isa) | {"KINETO_LOG_LEVEL": "9"}  # the profiler's own remarks
    subprocess.run([str(word) for word in command], env=environment, check=True, stdout=subprocess.DEVNULL)
    return json.loads(report.read_text())


def tables(found):
    """The three tables by name, (columns, rows) each, with a column or more for each process."""
    names = [figures["computed"] for figures in found]
    seconds = ["start", *(f"{name}, s" for name in names)]
    start = [[part, *(f"{figures['start'][part]:.2f}" for figures in found)] for part in found[0]["start"]]
    start.append(["**sum**", *(f"**{sum(figures['start'].values()):.2f}**" for figures in found)])
    sizes = []
    for number, (size, evaluations, _, _) in enumerate(found[0]["sizes"]):
        cells = [size, str(evaluations)]
        for figures in found:
            _, evaluations, ready, each = figures["sizes"][number]
            cells += [f"{ready:.2f}", f"{1000 * each:.0f}", f"{evaluations * each:.2f}"]
        sizes.append(cells)
    columns = ["size", "evaluations"]
    for name in names:
        columns += [f"{name}: ready, s", "an evaluation, ms", "together, s"]
    whole = [sum(figures["parts"].values()) for figures in found]
    parts = [[part] for part in PARTS]
    for cells in parts:
        for figures, all_parts in zip(found, whole, strict=True):
            value = figures["parts"].get(cells[0], 0.0)
            cells += [f"{value:.2f}", f"{value / all_parts:.0%}"]
    headings = ["part of all evaluations", *(cell for name in names for cell in (f"{name}, s", "share"))]
    return {"start": (seconds, start), "sizes": (columns, sizes), "parts": (headings, parts)}


def write(page, name, columns, rows):
    sys.path.insert(0, str(Path(__file__).parents[1] / "recipes"))
    importlib.import_module("tables").write(page, name, columns, rows)


# --- In the process that measures ------------------------------------------------------------------------------------


def measured(pictures, size):
    """All figures of one process: {"computed", "start", "sizes", "parts"}."""
    photograph, painting = pictures
    start, computed = starting(photograph, painting, size)
    sizes, parts = evaluated(photograph, painting, size)
    return {"computed": computed, "start": start, "sizes": sizes, "parts": parts}


def starting(photograph, painting, size):
    """The seconds of each part of the start, and what computes, in words."""
    ticks = [("Python itself", BEGAN)]

    def tick(name):
        ticks.append((name, time.process_time()))

    import scumble.cli.style.commands
    from scumble.cli import report

    tick("the command line")
    with report.starting(quiet=True):
        from scumble.style.preparation.sources import Sources

        tick("Pillow and NumPy")
        import torch

        tick("torch")
        import scumble.style.stylize
        from scumble.style import plan, stages
        from scumble.style.inputs import Inputs
        from scumble.style.settings import StyleSettings

        tick("scumble")
    settings = StyleSettings(size=size)
    inputs = Inputs(Sources(photograph, [painting]), settings)
    tick("reading the pictures")
    placement = scumble.device.choose()
    loading = stages.load(settings, placement)
    networks = returned(loading)
    plan.planned(settings, inputs, stages.stages(settings, inputs.ladder), networks, placement)
    tick("network and plan")
    names = [name for name, _ in ticks]
    seconds = [now - before for before, now in zip([0.0, *(s for _, s in ticks)], (s for _, s in ticks), strict=False)]
    precision = str(placement.dtype).removeprefix("torch.")
    computed = f"{torch.backends.cpu.get_cpu_capability()}, {precision}"
    return dict(zip(names, seconds, strict=True)), computed


def returned(generator):
    while True:
        try:
            next(generator)
        except StopIteration as end:
            return end.value


def evaluated(photograph, painting, size):
    """For each size [name, evaluations, seconds until it is ready, seconds of one]; and the seconds of each part."""
    whole = [stage for stage in timed(photograph, painting, size=size) if stage[1]]
    few = WARM_UP + PROFILED
    shares = profiled(photograph, painting, size=size, steps=few, coarse_steps=few)
    sizes, parts = [], Counter()
    for (name, seconds), of_size in zip(whole, shares, strict=True):
        each = statistics.median(seconds[1:]) if seconds[1:] else seconds[0]
        sizes.append([name, len(seconds), max(0.0, seconds[0] - each), each])
        for part, share in of_size.items():
            parts[part] += share * each * len(seconds)
    return sizes, parts


def timed(photograph, painting, **settings):
    """[(size, seconds of each evaluation)]; the first one's hold what makes a size ready, its targets."""
    found, before = [], 0.0
    for event in painted(photograph, painting, settings):
        now = time.process_time()
        if size := size_in(event):
            found.append((size, []))
        elif type(event).__name__ == "Progress":
            found[-1][1].append(now - before)
        before = now
    return found


def painted(photograph, painting, settings):
    from scumble.style.preparation.sources import Sources
    from scumble.style.settings import StyleSettings
    from scumble.style.stylize import paint_events

    return paint_events(Sources(photograph, [painting]), StyleSettings(**settings))


def size_in(event):
    """The size that begins with an event; where there is only one, it is told with the plan."""
    told = re.match(r"(?:stylize: )?(\d+x\d+) pixels", getattr(event, "message", ""))
    return told[1] if told else None


def profiled(photograph, painting, **settings):
    """For each size, the share of each part in the median evaluation."""
    from torch.profiler import ProfilerActivity, profile, record_function

    label_the_optimiser()
    events = painted(photograph, painting, settings)
    found, done = [], 0
    while True:
        watched = bool(found) and WARM_UP <= done < WARM_UP + PROFILED
        watching = profile(activities=[ProfilerActivity.CPU]) if watched else contextlib.nullcontext()
        with watching as profiler, record_function("evaluation"):
            event = next(events, None)
        if event is None:
            break
        if size_in(event):
            found.append([])
            done = 0
        elif type(event).__name__ == "Progress":
            done += 1
            if profiler is not None:
                found[-1].append(seconds_of_parts(profiler.events()))
    return [shares(evaluations) for evaluations in found if evaluations]


def label_the_optimiser():
    """Let its operators be known by their caller, as those of the network are by their functions of autograd."""
    from torch.profiler import record_function

    from scumble.style.optimization.adam import Adam
    from scumble.style.optimization.lbfgs import LBFGS

    optimizers: list[Any] = [Adam, LBFGS]
    for optimizer in optimizers:

        def move(*arguments, plain=optimizer.move):
            with record_function("optimiser"):
                return plain(*arguments)

        optimizer.move = move


def seconds_of_parts(operators):
    """What the operators took by themselves, by part."""
    parts = Counter()
    for operator in operators:
        parts[part_of(operator)] += operator.self_cpu_time_total * 1e-6
    return parts


def part_of(operator):
    chain = [operator.name]
    while (operator := operator.cpu_parent) is not None:
        chain.append(operator.name)
    if chain == ["evaluation"]:
        return PYTHON
    if "optimiser" not in chain:
        for part, pattern in OPERATORS.items():
            if re.search(pattern, chain[0]):
                return part
    for part, pattern in CALLERS.items():
        if any(re.search(pattern, name) for name in chain):
            return part
    return "copies" if re.match(COPIES, chain[0]) else REST


def shares(evaluations):
    """Of each part in what all take, from the medians over some evaluations: what came between is left out."""
    medians = {part: statistics.median(found[part] for found in evaluations) for part in PARTS}
    return {part: seconds / sum(medians.values()) for part, seconds in medians.items()}


if __name__ == "__main__":
    main()
