"""The README.md of a translator's folder: what it makes of what, how it was made, and what it cannot do."""

from scumble import __version__
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.presets import PRESETS
from scumble.gan.translation.settings import TranslationSettings


def card(facts: TranslationFacts, has_samples: bool) -> str:
    """Its text."""
    data, settings = facts.data, TranslationSettings(**facts.settings)
    preset = PRESETS[settings.preset]
    channels, height, width = facts.shape_a
    made = "" if settings.pairs == "none" else f" Its pairs were made by code ({settings.pairs})."
    return CARD.format(
        name=data.name,
        preset=settings.preset,
        paper=f"{preset.paper} {preset.year}",
        samples=SAMPLES if has_samples else "",
        before=f"{width} x {height} pixels of {channels} channels",
        after=f"{data.shape[2]} x {data.shape[1]} pixels of {data.shape[0]}",
        count=data.count,
        images=facts.images_seen or 0,
        pairs=made,
        rows="\n".join(f"| {name} | {value} |" for name, value in facts.settings.items()),
        version=__version__,
        target=f" --target {data.classes[0]}" if data.classes and settings.kind == "domains" else "",
    )


SAMPLES = """![samples](samples.png)

Above: pictures that it has never learnt from, what it makes of them, and, at the right, the truth or what its results
should look like.

"""

CARD = """# A translator trained on {name}

{samples}    scumble translate apply THIS_FOLDER photos/ -o results/{target}

```python
import scumble

translator = scumble.Translator.from_pretrained("THIS_FOLDER")
translator("photo.jpg").save("result.png")
```

## How it was made

By the method `{preset}` ({paper}): trained on {count:,} pictures ({name}), for {images:,} images, on cuts of {before},
to cuts of {after}, by scumble {version}.{pairs} `model.safetensors` holds the moving averages of its networks;
`settings.json` holds everything below, the digest of the data, and versions.

| setting | value |
|---|---|
{rows}

## Limits

What it adds is likely, not true: a colour, a texture or a detail of its results was not in the picture that it was
given. It knows only what it was trained on, and does something to every other picture, too. Whether you may pass it on
depends on the terms of those pictures.
"""
