"""`dcgan_from_scratch.py` with the library: the same networks and losses, faster, and going on where it was stopped.

python examples/dcgan_with_scumble.py PICTURES RUN
"""

import sys

import scumble

if len(sys.argv) != 3:
    sys.exit("usage: dcgan_with_scumble.py PICTURES RUN")
gan = scumble.train(sys.argv[1], sys.argv[2], preset="dcgan", size=64, images=1_000_000)
for number, picture in enumerate(gan.sample(seeds=range(64))):
    picture.save(f"{sys.argv[2]}/{number:02}.png")
