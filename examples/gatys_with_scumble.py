"""`gatys_from_scratch.py` with the library: the same algorithm, faster and forgiving (`size` is the longer side here).

python examples/gatys_with_scumble.py photo.jpg painting.jpg result.png
"""

import sys

import scumble

if len(sys.argv) != 4:
    sys.exit("usage: gatys_with_scumble.py CONTENT STYLE OUTPUT")
picture = scumble.stylize(sys.argv[1], sys.argv[2], preset="gatys", size=512, steps=500)
picture.save(sys.argv[3])
