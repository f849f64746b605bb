"""The sizes of the feed-forward painter's parts; see `scumble.style.feedforward.network` for what they are parts of.

Nothing heavy is imported here: a picture is painted without PyTorch.
"""

LAYERS = {"relu2_1": 32, "relu3_1": 64, "relu4_1": 128}
"""Of pocket's trunk, with their channels: these are moved, and decoded."""

STATISTICS = {"relu1_1": 16} | LAYERS
"""The layers whose means and deviations describe a painting."""

NOISE = 2
"""Channels of noise at the two coarser sizes: from a plain sky alone, no convolution makes anything but plainness."""

GRAIN = 0.3
"""The noise's deviation where pictures are painted. It is 1 where the decoder learns, which is held to have as much
texture as the painting has on the whole; eyes see a relief in that wherever a photograph is plain."""

CODE = 2 * (3 + sum(STATISTICS.values()))
"""Numbers that describe a painting: of its colours and of each channel, the mean and the deviation."""

MOST_UNUSUAL = 2.0
"""Standard deviations by which a number that describes a painting differs from usual at most: how channels are scaled
for what lies beyond was never learnt, and may blur everything."""

WIDTHS = {8: (96, 96, 96), 4: (64, 64, 48), 2: (32, 32)}
"""Output channels of the decoder's convolutions by the number of pixels that one of its places is wide."""

HIDDEN = 96

RIDGES = 0.1, 0.01
"""Added to the variances of the photograph's features: so much of their mean, and so much of the painting's. Less would
enlarge what is noise, of a plain photograph without end."""

COLOUR_RIDGES = 0.01, 0.002
"""The same of colours, which vary much less than brightness does."""

COLOURS = 0.6
"""How far the photograph's colours go from the painting's range of them to their distribution, hues and all."""

SLOPE = 0.1
"""Of the decoder's rectifiers, below zero."""
