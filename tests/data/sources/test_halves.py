import numpy as np
import tifffile

from conftest import photographs, source_of
from scumble.data import dataset
from scumble.data.sources.halves import halves_of
from scumble.data.sources.opener import open_source
from scumble.events import returned


def test_halves_are_what_lies_left_and_right():
    pictures = photographs(20, 48, 20)
    left, right = halves_of(source_of(pictures))
    assert (left.name, right.name) == ("made up (left)", "made up (right)")
    assert left.digest != right.digest
    found = [returned(dataset.prepare(source, (24, 20))).pixels for source in (left, right)]
    wanted = np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])
    assert np.array_equal(np.concatenate(found, 3), wanted)
    assert left.items[0].size() == (24, 20)


def test_halves_of_deep_values_keep_them(tmp_path):
    values = np.random.default_rng(0).integers(0, 65535, (18, 40, 5), dtype=np.uint16)
    for number in range(3):
        tifffile.imwrite(tmp_path / f"{number}.tif", values, photometric="minisblack", planarconfig="contig")
    for source, wanted in zip(halves_of(open_source(tmp_path)), (values[:, :20], values[:, 20:]), strict=True):
        raw = source.items[1].opened().raw
        assert (raw.size, raw.bands) == ((20, 18), 5)
        assert np.array_equal(raw.read(), wanted)
