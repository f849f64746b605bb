"""The stylizer as people use it: files, PIL pictures and arrays in, pictures out, without PyTorch."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from feedforward_material import numbers_of, picture, unlearnt_decoder
from scumble.errors import ImageError, SettingsError
from scumble.style.feedforward import weights
from scumble.style.feedforward.stylizer import Stylizer


@pytest.fixture(autouse=True)
def decoder(monkeypatch) -> None:
    """What is tested is true of all decoders."""
    numbers = numbers_of(unlearnt_decoder())
    monkeypatch.setattr(weights, "_decoder", lambda: numbers)


@pytest.fixture
def stylizer() -> Stylizer:
    return Stylizer()


def image(seed: int, height: int = 48, width: int = 64) -> Image.Image:
    return Image.fromarray((picture(seed, height, width) * 255).astype(np.uint8))


def difference(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, float) - np.asarray(other, float)).mean())


def test_files_pictures_and_arrays_are_painted_alike(stylizer, tmp_path):
    photo, painting = image(0), image(1)
    photo.save(tmp_path / "photo.png")
    painting.save(tmp_path / "painting.png")
    style = stylizer.style(painting)
    wanted = stylizer(photo, style, size="original")
    assert wanted.size == (64, 48)
    assert difference(wanted, photo) > 1
    for one, other in ((str(tmp_path / "photo.png"), tmp_path / "painting.png"), (np.asarray(photo), painting)):
        np.testing.assert_array_equal(stylizer(one, other, size="original"), wanted)


def test_the_longer_side_is_as_wanted(stylizer):
    assert stylizer(image(0), image(1), size=80).size == (80, 60)


def test_no_strength_leaves_the_photograph_and_more_goes_further(stylizer):
    photo, style = image(0), stylizer.style(image(1))
    paths = [difference(stylizer(photo, style, size=None, strength=s), photo) for s in (0.0, 0.5, 1.0)]
    assert paths[0] <= 0.5
    assert paths[0] < paths[1] < paths[2]


def test_a_style_is_looked_at_once(stylizer):
    style, photo = stylizer.style(image(1)), image(0)
    first = stylizer(photo, style, size=None)
    (known,) = style.known.values()
    np.testing.assert_array_equal(stylizer(photo, style, size=None), first)
    assert list(style.known.values()) == [known]


def test_the_brush_follows_its_seed(stylizer):
    photo, style = image(0), stylizer.style(image(1))
    one, same, other = (stylizer(photo, style, size=None, seed=seed) for seed in (1, 1, 2))
    assert difference(one, same) == 0
    assert difference(one, other) > 0


def test_several_styles_are_blended(stylizer):
    photo, styles = image(0), [stylizer.style(image(seed)) for seed in (1, 2)]
    alone = [stylizer(photo, style, size=None) for style in styles]
    blend = stylizer(photo, styles, size=None)
    assert difference(stylizer(photo, styles, size=None, shares=(1, 1e-9)), alone[0]) < 0.1
    assert max(difference(blend, one) for one in alone) < difference(*alone) + 1
    np.testing.assert_array_equal(stylizer(photo, [image(1), image(2)], size=None), blend)


def test_opacity_is_kept_and_hidden_paint_has_no_part(stylizer):
    photo, painting = image(0).convert("RGBA"), image(1)
    photo.putalpha(Image.linear_gradient("L").resize(photo.size))
    result = stylizer(photo, painting, size=None)
    np.testing.assert_array_equal(result.getchannel("A"), photo.getchannel("A"))
    results = []
    for colour in ("red", "blue"):
        hidden = image(0).convert("RGBA")
        hidden.paste(Image.new("RGBA", (24, 48), colour))
        visible = Image.new("L", hidden.size, 255)
        visible.paste(0, (0, 0, 24, 48))
        hidden.putalpha(visible)
        results.append(stylizer(hidden, painting, size=None))
    np.testing.assert_array_equal(*results)
    wide = Image.new("RGBA", (128, 48), (255, 0, 0, 0))
    wide.paste(painting.convert("RGBA"), (0, 0))
    assert difference(stylizer(image(0), wide, size=None), stylizer(image(0), painting, size=None)) < 0.1


def test_16_bits_are_finer_than_8(stylizer):
    photograph, style = picture(0, 48, 64), stylizer.style(image(1))
    exact, coarse, fine = (stylizer.paint(photograph, [style], bits=bits) for bits in (None, 8, 16))
    assert (coarse.dtype, fine.dtype, exact.dtype) == (np.uint8, np.uint16, np.float32)
    np.testing.assert_allclose(fine / 65535, exact, atol=0.51 / 65535 + 1e-6)
    np.testing.assert_allclose(coarse / 255, exact, atol=0.51 / 255)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"strength": 1.5}, "strength: got 1.5, wanted 0 to 1"),
        ({"size": 0}, "size: got 0"),
        ({"style_scale": (1, 2)}, "style-scale"),
        ({"shares": -1}, "shares"),
        ({"shares": float("inf")}, "shares"),
        ({"style_scale": float("nan")}, "style-scale"),
    ],
)
def test_a_wrong_number_is_refused(stylizer, how, words):
    with pytest.raises(SettingsError, match=words):
        stylizer(image(0), image(1), **{"size": None} | how)


def test_an_unknown_runtime_is_refused():
    with pytest.raises(SettingsError, match="runtime: got 'cuda', wanted auto, onnxruntime or torch"):
        Stylizer("cuda")


def test_what_is_too_small_or_not_to_be_seen_is_refused(stylizer):
    with pytest.raises(ImageError, match="wanted at least 16x16"):
        stylizer(image(0, 15, 40), image(1), size=None)
    with pytest.raises(ImageError, match="wanted at least 16x16"):
        stylizer(image(0), image(1, 15, 40), size=None)
    with pytest.raises(ImageError, match="transparent"):
        stylizer.style(Image.new("RGBA", (40, 40), (1, 2, 3, 0)))
    with pytest.raises(ImageError, match="content is transparent"):
        stylizer(Image.new("RGBA", (40, 40), (1, 2, 3, 0)), image(1))
    with pytest.raises(SettingsError, match="got none"):
        stylizer(image(0), [], size=None)


def test_it_paints_without_pytorch():
    script = (
        "import sys; from PIL import Image; from scumble.style.feedforward.stylizer import Stylizer\n"
        "Stylizer()(Image.new('RGB', (40, 40)), Image.new('RGB', (40, 40), 'red'))\n"
        "assert not {'torch', 'pydantic', 'cyclopts', 'sklearn', 'scipy'} & sys.modules.keys(), sorted(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_pytorch_paints_where_onnxruntime_is_not(monkeypatch):
    photo, style = image(0), image(1)
    ours = Stylizer()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "scumble.style.feedforward.onnx_networks")
    theirs = Stylizer()
    assert (ours.runtime, theirs.runtime) == ("onnxruntime", "torch")
    assert difference(ours(photo, style, size=None), theirs(photo, style, size=None)) < 0.02
    with pytest.raises(ImportError):
        Stylizer("onnxruntime")
