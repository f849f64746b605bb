"""Everything in one page: paint a photograph, train a GAN on digits, measure both, and use what was learnt.

    python examples/tour.py [FOLDER] [SIZE]

FOLDER is where the results go (default: tour), SIZE the longer side of the paintings in pixels (default: 256). It takes
some two minutes on two cores and downloads nothing. Run it, look into the folder, and change things.
"""

import json
import subprocess
import sys
from pathlib import Path

from PIL import Image

import scumble
from scumble.events import Noted, Progress, Warned

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "tour")
SIZE = int(sys.argv[2] if len(sys.argv) > 2 else 256)
FOLDER.mkdir(parents=True, exist_ok=True)
pictures = Path(__file__).parents[1] / "docs" / "pictures"
photo, painting = pictures / "photo.jpg", pictures / "painting.jpg"

# --8<-- [start:paint]
# Paint. What comes back is a PIL picture; what goes in may be paths, PIL pictures or NumPy arrays.
picture = scumble.stylize(photo, painting, size=SIZE)
picture.save(FOLDER / "painted.png")
# --8<-- [end:paint]

# --8<-- [start:settings]
# Settings are frozen and checked: a preset fills what is not given, and a mistake is one line.
settings = scumble.StyleSettings(preset="quick", size=SIZE, keep=0.3, colour="match")
print(f"{settings.steps} evaluations at the last scale, {settings.loss} loss")
try:
    scumble.StyleSettings.model_validate({"szie": 512})
except scumble.SettingsError as error:
    print(error)  # unknown setting 'szie'; did you mean 'size'?
# --8<-- [end:settings]

# --8<-- [start:events]
# A long job is a generator of events. To cancel it, stop iterating: the output then holds the picture so far.
for event in scumble.stylize_events(photo, painting, settings, output=FOLDER / "loose.png"):
    match event:
        case Progress(done=done, total=total, loss=loss):
            print(f"\r{done} of {total}: loss {loss:.4g}", end="")
        case Noted(message) | Warned(message):
            print(message)
print()
# --8<-- [end:events]

# --8<-- [start:recipe]
# Every picture carries its recipe. `scumble stylize --recipe loose.png` repeats it.
with Image.open(FOLDER / "loose.png") as file:
    recipe = json.loads(file.info["scumble"])
print(recipe["settings"]["keep"], recipe["result"]["evaluations"])
# --8<-- [end:recipe]

# --8<-- [start:masks]
# Two paintings, each in its half: masks have the photograph's shape, and are white where a painting goes.
left = Image.new("L", (64, 64), 0)
left.paste(255, (0, 0, 32, 64))
right = left.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
with Image.open(photo) as file:
    masks = [mask.resize(file.size) for mask in (left, right)]
both = scumble.stylize(photo, [painting, pictures / "painted.jpg"], masks=masks, size=SIZE, steps=20)
both.save(FOLDER / "both.png")
scumble.texture(painting, size=SIZE, aspect=2, steps=20).save(FOLDER / "texture.png")
# --8<-- [end:masks]

# --8<-- [start:compare]
# How near to the painting, how much of the photograph? The small network painted these: mind the figures without one.
compared = scumble.compare([FOLDER / "painted.png", FOLDER / "loose.png"], photo, painting, network="pocket")
for name, figures in compared.means().items():
    print(f"{name:>12}: colours {figures['colours']:.2f}, edges {figures['edges']:.2f}")
# --8<-- [end:compare]

# --8<-- [start:features]
# Look inside: what a network sees, by layer, and the losses that painting is made of. A gradient flows through both.
seen = scumble.features(photo, ["relu1_1", 20], size=SIZE)  # by name, or by number as torchvision counts
of_painting = scumble.features(painting, ["relu1_1", 20], size=SIZE)
for name, found in seen.items():
    style = scumble.losses.style(found, of_painting[name])  # of scumble.gram(found), a matrix of channels
    print(f"{name}: {tuple(found.shape)}, style loss {style:.3g}")
# --8<-- [end:features]

# --8<-- [start:train]
# Train a GAN on handwritten digits. The same line again continues; `fresh=True` restarts from scratch.
run = FOLDER / "digits"
gan = scumble.train("digits", run, images=12_000, width=8, lr=1e-3, grids=4)
gan.sample(seeds=range(8))[7].save(FOLDER / "seven.png")  # number 7 is the same alone and among a thousand
gan.save_pretrained(FOLDER / "digits-gan")  # settings.json, model.safetensors, README.md
again = scumble.GAN.from_pretrained(FOLDER / "digits-gan")
assert (again.sample_array([7]) == gan.sample_array([7])).all()
# --8<-- [end:train]

# --8<-- [start:evaluate]
# How good is it? Each figure has a 95% confidence interval, and beside it that of other real pictures.
found = scumble.evaluate(run, "digits", pictures=400)
for figure, other in zip(found.figures, found.others, strict=True):
    print(f"{figure.name}: {figure.value:.3g}, from {figure.low:.2g} to {figure.high:.2g}; real: {other.value:.3g}")
print(found.conditions())
if found.verdict is not None:
    print(found.verdict.text)  # a sentence; found.verdict.kind is a word for programs
# --8<-- [end:evaluate]

# --8<-- [start:classify]
# What has the discriminator learnt? A classifier of its features from ten labels a class, beside three baselines.
command = [sys.executable, "-m", "scumble.cli.app", "gan", "classify", str(run), "digits"]
subprocess.run([*command, "--labelled", "10", "--draws", "2", "--supervised-steps", "30"], check=True)
classifier = scumble.Classifier.from_pretrained(run / "classifier")
print("seed 7 looks like a", classifier.predict([FOLDER / "seven.png"])[0])
# --8<-- [end:classify]

# --8<-- [start:translate]
# Learn to turn one kind of picture into another: digits with noise into digits without. Code makes the pairs.
translator = scumble.train_translator("digits", FOLDER / "clean", pairs="noise", size=32, width=8, images=400, grids=1)
translator(FOLDER / "seven.png").save(FOLDER / "clean.png")
print(translator)
# --8<-- [end:translate]
