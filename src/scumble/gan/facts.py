"""What a GAN's folders tell of it: names and types in settings.json, of a run, a model and a classifier alike.

A file that was edited by hand, or is another program's, is refused here, in one line, and nowhere else.
"""

from pathlib import Path
from typing import Any

from scumble.errors import RunError
from scumble.storage import folder as folders
from scumble.storage import run as runs

GAN_KIND, CLASSIFIER_KIND = "gan", "classifier"

TYPES = {
    "settings": dict,
    "settings.images": int,
    "flip": bool,
    "versions": dict,
    "threads": int,
    "data.name": str,
    "data.count": int,
    "data.shape": list,
    "data.classes": list,
    "data.digest": str,
}


def read_facts(folder: Path, kind: str = GAN_KIND) -> dict[str, Any]:
    """Read and check settings.json.

    Raises:
        RunError: if it cannot be read, is of another version or kind, or lacks something.
    """
    facts = folders.read_facts(folder, kind)
    for name, wanted in TYPES.items():
        value = facts
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if not isinstance(value, wanted):
            where = f"{folder / folders.FACTS}: {name} is {value!r}"
            raise RunError(f"{where}; wanted what scumble wrote there ({wanted.__name__})")
    return facts


class GANRun(runs.Run):
    """The folder of a GAN's training."""

    kind = GAN_KIND

    def facts(self) -> dict[str, Any] | None:
        """What settings.json holds, checked; None where there is no run yet.

        Raises:
            RunError: as `read_facts`, or if the folder holds something else.
        """
        return read_facts(self.folder) if self.exists() else None
