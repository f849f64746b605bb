"""The README.md of a model's folder: what the GAN draws, how it was made, and what it cannot do."""

from scumble import __version__
from scumble.gan.facts import GANFacts
from scumble.gan.settings import GANSettings


def card(facts: GANFacts) -> str:
    """Its text."""
    data, settings = facts.data, GANSettings(**facts.settings)
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts.settings.items())
    return CARD.format(
        name=data.name,
        count=data.count,
        kind=data.kind,
        images=facts.images_seen,
        network=settings.network,
        loss=settings.loss,
        rows=rows,
        version=__version__,
        averaged="The generator is the moving average of the trained one. " if settings.ema else "",
    )


CARD = """# A GAN trained on {name}

![samples](samples.png)

Draws {kind}. The samples above are seeds 0 to 63, neither selected nor truncated.

    scumble gan sample THIS_FOLDER --seeds 0-63 -o grid.png

```python
import scumble

gan = scumble.GAN.from_pretrained("THIS_FOLDER")
gan.sample(seeds=[7])[0].save("seven.png")
```

## How it was made

Trained on {count:,} pictures ({name}), for {images:,} images, with the networks `{network}` and the loss `{loss}`, by
scumble {version}. {averaged}`model.safetensors` holds it and the
discriminator; `settings.json` holds everything below, the digest of the data, and versions.

| setting | value |
|---|---|
{rows}

## Limits

It knows only what it was trained on: whatever is rare, missing or wrong in those pictures is so here. It may repeat
training pictures, above all where they were few. Whether you may pass it on depends on the terms of those pictures.
"""
