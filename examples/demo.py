"""The first pictures: a photograph that ships with scikit-learn, a painting drawn by scumble, and the one as the other.

    python examples/demo.py [FOLDER]

Writes photo.jpg, painting.png and painted.png, by the same command that anybody would type.
"""

import subprocess
import sys
from pathlib import Path

from sklearn.datasets import load_sample_image

from scumble.data.synthetic import painting
from scumble.image.files import save

SIZE, STEPS = 384, 120


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "demo")
    folder.mkdir(parents=True, exist_ok=True)
    photo, style, painted = folder / "photo.jpg", folder / "painting.png", folder / "painted.png"
    save(load_sample_image("china.jpg"), photo)
    painting().save(style)
    command = ["stylize", str(photo), str(style), "-o", str(painted), "--size", str(SIZE), "--steps", str(STEPS)]
    print("scumble", *command, file=sys.stderr)
    done = subprocess.run([sys.executable, "-m", "scumble.cli.app", *command], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        sys.exit(done.returncode)  # the command has said why
    print(f"photograph: {photo}\npainting:   {style}\nresult:     {painted}")


if __name__ == "__main__":
    main()
