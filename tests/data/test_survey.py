"""A survey: what is in a source, counted."""

from PIL import Image

from conftest import broken, greys, photographs, source_of
from scumble.data.sources.opener import open_source
from scumble.data.survey import Survey, look_over
from scumble.events import Started, returned


def test_a_survey_counts_what_is_there():
    images = photographs(6) + photographs(4, 30, 40) + broken(1)
    images += [images[0], images[0].convert("RGBA"), Image.new("RGBA", (24, 20), (9, 9, 9, 0))]
    images[-2].putalpha(200)
    labels = ["a"] * 7 + ["b"] * 6 + [None]
    job = look_over(source_of(images, labels))
    assert next(job) == Started("look at pictures", 14, "pictures")
    seen = returned(job)
    assert seen == Survey(
        count=13,
        sizes={(24, 20): 9, (30, 40): 4},
        grey=False,
        transparent=2,
        unreadable=(("10.png", "broken0.png is damaged"),),
        duplicates=1,
        classes={"a": 7, "b": 5},
        mirrored_alike=None,
    )


def test_a_survey_of_digits_and_of_grey_pictures():
    seen = returned(look_over(open_source("digits")))
    assert (seen.count, seen.grey, seen.mirrored_alike, seen.duplicates) == (1797, True, False, 0)
    seen = returned(look_over(source_of(greys(20))))
    assert seen.grey


def test_a_survey_of_nothing_readable_is_a_survey():
    seen = returned(look_over(source_of(broken(4))))
    assert (seen.count, len(seen.unreadable), seen.mirrored_alike) == (0, 4, None)
