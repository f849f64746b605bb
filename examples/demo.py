"""The first pictures: handwritten digits drawn by a small GAN, and a photograph painted like a painting.

    python examples/demo.py [FOLDER]

The digits and the photograph ship with scikit-learn, the painting is drawn by scumble. Writes digits.png, photo.jpg,
painting.png and painted.png, by the same commands that anybody would type.
"""

import subprocess
import sys
from pathlib import Path

from sklearn.datasets import load_sample_image

from scumble.data.synthetic import painting
from scumble.image.files import save

DIGITS = ["--width", "16", "--lr", "1e-3", "--images", "32000", "--grids", "10"]
"""A minute or two on two cores."""


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    run, digits = folder / "digits", folder / "digits.png"
    scumble("gan", "train", "digits", "--run", run, "--fresh", *DIGITS)
    scumble("gan", "sample", run, "--seeds", "0-63", "-o", digits)
    print(f"digits drawn by a GAN: {digits}", flush=True)

    photo, style, painted = folder / "photo.jpg", folder / "painting.png", folder / "painted.png"
    save(load_sample_image("china.jpg"), photo)
    painting().save(style)
    scumble("stylize", photo, style, "-o", painted)
    print(f"photograph: {photo}\npainting:   {style}\nresult:     {painted}")


def scumble(*words: object):
    command = [str(word) for word in words]
    print("scumble", *command, file=sys.stderr)
    done = subprocess.run([sys.executable, "-m", "scumble.cli.app", *command], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the command has said why


if __name__ == "__main__":
    main()
