"""Pictures without colours: what is made of nothing else has none either."""

from PIL import ImageChops

from scumble.image.files import Picture

COLOURLESS = 2
"""Of 255, how far apart the channels of a grey are at most: colour management rounds each by itself."""


def is_grey(picture: Picture) -> bool:
    """Whether nothing that is visible in a picture has a colour."""
    red, green, blue = picture.rgb.split()
    for one, other in ((red, green), (green, blue), (blue, red)):
        apart = ImageChops.difference(one, other)
        if picture.alpha is not None:
            apart = ImageChops.multiply(apart, picture.alpha)
        if apart.getextrema()[1] > COLOURLESS:  # pyright: ignore[reportOperatorIssue] (one channel: numbers)
            return False
    return True
