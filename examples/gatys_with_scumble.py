"""`gatys_from_scratch.py` with the library: the same algorithm, faster and forgiving.

python examples/gatys_with_scumble.py photo.jpg painting.jpg result.png
"""

import sys

import scumble

content, style, output = sys.argv[1:4]
picture = scumble.stylize(content, style, preset="gatys", size=512, steps=int((sys.argv[4:] or [500])[0]))
picture.save(output)
