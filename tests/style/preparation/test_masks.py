"""Regions: read from pictures, and untouched by what lies outside of them."""

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from conftest import CAFFE
from scumble.errors import ImageError
from scumble.image.files import Picture, load
from scumble.perceptual.layers import LAYERS
from scumble.perceptual.vgg import VGG19, seen_whole
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.preparation.masks import counted_places, covered, regions_of_maps, regions_of_masks


def left_half(height: int, width: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, height, width)
    mask[:, :, :, : width // 2] = 1
    return mask


def flat(*columns: tuple[int, int, int], height: int = 20, width: int = 10) -> Picture:
    """A map of so many columns of flat colour."""
    pixels = np.zeros((height, width * len(columns), 3), np.uint8)
    for number, colour in enumerate(columns):
        pixels[:, number * width : (number + 1) * width] = colour
    return load(pixels, "map")


RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


# --- What neurons see -----------------------------------------------------------------------------------------------


def test_a_neuron_is_inside_exactly_if_nothing_outside_reaches_it(tensors):
    """Against the network itself: change what is outside, and see which features change."""
    layers = ("relu1_1", "relu2_2", "relu3_1", "relu4_1")
    network = VGG19({n: t.abs() + 1e-3 for n, t in tensors.items()}, CAFFE, layers, "average", dtype=torch.float64)
    mask = left_half(96, 120)
    picture = torch.rand(1, 3, 96, 120, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1
    changed = picture + (1 - mask) * 0.5
    before, after, inside = network(picture, layers), network(changed, layers), seen_whole(mask, layers)
    for name in layers:
        same = (before[name] == after[name]).all(1, keepdim=True)
        assert torch.equal(same, inside[name] == 1), name
        assert same.any()
        assert not same.all()


def test_masks_at_layers_have_the_features_shapes(network64):
    mask = left_half(37, 50)
    features = network64(torch.zeros(1, 3, 37, 50, dtype=torch.float64), ("relu1_1", "relu2_1", "relu3_1"))
    for name, inside in seen_whole(mask, tuple(features)).items():
        assert inside.shape[2:] == features[name].shape[2:]


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_statistics_of_a_region_are_untouched_by_what_lies_outside(network64, name):
    layers = ("relu1_1", "relu2_1", "relu3_1")
    mask = left_half(40, 64)
    picture = torch.rand(1, 3, 40, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    places, narrow = counted_places(mask, picture, layers)
    assert not narrow
    other = torch.where(mask == 1, picture, torch.rand(picture.shape, generator=torch.Generator().manual_seed(1)))
    for layer in layers:
        found = []
        for seen in (picture, other):
            features = network64(seen, (layer,))[layer].permute(0, 2, 3, 1).flatten(0, 2)
            counted = places[layer]
            found.append(STYLE_LOSSES[name].statistics(features[counted.indexes], counted.weights))
        for one, another in zip(found[0].values(), found[1].values(), strict=True):
            torch.testing.assert_close(one, another, rtol=1e-12, atol=0)


def test_a_region_that_no_neuron_sees_alone_is_told_of_and_still_counts():
    mask = torch.zeros(1, 1, 64, 64)
    mask[:, :, 20:32, 20:32] = 1
    for shade in (1, 0.2):
        places, narrow = counted_places(shade * mask, torch.zeros(1, 3, 64, 64), ("relu1_1", "relu2_1", "relu4_1"))
        assert narrow == ["relu4_1"]
        for counted in places.values():
            assert counted.weights.sum().item() == pytest.approx(1)
            assert (counted.weights > 0).all()


def test_without_a_mask_all_places_are_alike():
    assert counted_places(None, torch.zeros(1, 3, 64, 64), LAYERS[:2]) == ({"relu1_1": None, "relu1_2": None}, [])


def test_soft_edges_count_by_their_least_pixel():
    mask = torch.linspace(0, 1, 32).expand(1, 1, 32, 32)
    inside = seen_whole(mask, ("relu1_1",))["relu1_1"]
    torch.testing.assert_close(inside[0, 0, 5, 1:], mask[0, 0, 5, :-1])


# --- From pictures --------------------------------------------------------------------------------------------------


def test_one_mask_a_style():
    masks = [load(Image.new("L", (30, 20), 255), "mask"), load(Image.new("L", (15, 10), 128), "mask 2")]
    first, second = regions_of_masks(masks, (60, 40))
    assert first.shares == (1.0, 0.0)
    assert second.shares == (0.0, 1.0)
    assert second.mask is not None
    assert second.mask.unique().tolist() == [pytest.approx(128 / 255)]


def test_maps_join_what_has_the_same_colour():
    regions = regions_of_maps(
        flat(RED, GREEN), [flat(GREEN, RED), flat(BLUE, GREEN)], (0.25, 0.75), (20, 20), [(20, 20), (20, 20)]
    )
    by_name = {region.name: region for region in regions}
    assert set(by_name) == {"#ff0000", "#00ff00"}
    red, green = by_name["#ff0000"], by_name["#00ff00"]
    assert red.shares == (1, 0)
    assert red.style_masks[1] is None
    assert green.shares == (0.25, 0.75)
    assert torch.equal(red.mask, left_half(20, 20))
    assert torch.equal(green.mask, 1 - left_half(20, 20))
    assert torch.equal(green.style_masks[0], left_half(20, 20))


def test_maps_survive_jpeg_and_scaling(tmp_path):
    Image.fromarray(np.array(flat(RED, GREEN, width=40, height=60).rgb)).resize((120, 90)).save(tmp_path / "map.jpg")
    regions = regions_of_maps(load(tmp_path / "map.jpg"), [flat(RED, GREEN)], (1.0,), (80, 60), [(20, 20)])
    assert len(regions) == 2
    assert sum(region.mask.mean().item() for region in regions) == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: regions_of_masks([flat(RED)], (20, 20)), "is 10x20 pixels, the content 20x20: wanted the same shape"),
        (lambda: regions_of_masks([flat((0, 0, 0))], (10, 20)), "black all over"),
        (
            lambda: regions_of_maps(flat(RED, BLUE), [flat(RED, GREEN)], (1.0,), (20, 20), [(20, 20)]),
            "the region #0000ff of map is in no map of a style",
        ),
        (
            lambda: regions_of_maps(
                flat(RED, BLUE), [flat(RED, GREEN), flat(BLUE, RED)], (1.0, 0), (20, 20), [(20, 20), (20, 20)]
            ),
            "the region #0000ff of map is in maps of styles without a share",
        ),
        (lambda: regions_of_masks([load(Image.new("L", (4, 2), 255))], (1000, 1000)), "wanted the same shape"),
        (
            lambda: regions_of_maps(flat(RED), [flat(RED, GREEN)], (1.0,), (10, 20), [(20, 10)]),
            "is 20x20 pixels, its style 20x10: wanted the same shape",
        ),
        (
            lambda: regions_of_maps(
                load(np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8), "photo"), [], (), (99, 99), []
            ),
            "photo is no map: wanted 1 to 16 flat colours",
        ),
    ],
)
def test_masks_that_do_not_fit_are_refused(make, message):
    with pytest.raises(ImageError, match=message):
        make()


def test_large_maps_of_many_colours_are_read_in_no_time():
    colours = [(r, g, b) for r in (0, 120, 240) for g in (0, 120, 240) for b in (0, 120)][:16]
    large = flat(*colours, width=60, height=900)
    assert len(regions_of_maps(large, [large], (1.0,), large.size, [large.size])) == 16


# --- Numbers in place of colours ------------------------------------------------------------------------------------


def numbers(*columns: int) -> Picture:
    return flat(*((number,) * 3 for number in columns))


@pytest.mark.parametrize("labels", [(0, 1), (1, 2), (5, 6), (20, 7)])
def test_maps_of_numbers_are_as_good_as_colours(labels):
    one, other = labels
    sizes = [(10, 20), (10, 20)]
    regions = regions_of_maps(numbers(one, other), [numbers(one), numbers(other)], (0.5, 0.5), (20, 20), sizes)
    by_name = {region.name: region for region in regions}
    assert set(by_name) == {str(one), str(other)}
    assert by_name[str(one)].shares == (1, 0)
    assert by_name[str(other)].shares == (0, 1)
    assert torch.equal(by_name[str(one)].mask, left_half(20, 20))
    with pytest.raises(ImageError, match="the region 9 of map is in no map of a style"):
        regions_of_maps(numbers(one, 9), [numbers(one, other)], (1.0,), (20, 20), [(20, 20)])


@pytest.mark.parametrize("top", [1, 7, 200, 255])
@pytest.mark.parametrize(
    ("kind", "ending"), [("int32", "tif"), ("uint32", "tif"), ("uint16", "tif"), ("uint16", "png")]
)
def test_numbers_stay_what_they_are_in_files_of_more_bits(tmp_path, kind, ending, top):
    labels = np.repeat(np.array([[0, top]], np.uint8), 10, axis=1).repeat(20, axis=0)
    Image.fromarray(labels.astype(kind).view("int32" if kind == "uint32" else kind)).save(tmp_path / f"map.{ending}")
    deep, plain = load(tmp_path / f"map.{ending}"), load(labels, "map")
    assert np.array_equal(deep.rgb, plain.rgb)
    of_deep, of_plain = (regions_of_maps(one, [plain], (1.0,), one.size, [plain.size]) for one in (deep, plain))
    assert [region.name for region in of_deep] == [region.name for region in of_plain]
    assert torch.equal(regions_of_masks([deep], deep.size)[0].mask, regions_of_masks([plain], plain.size)[0].mask)


def test_exact_colours_are_told_apart_however_near_and_still_found_where_they_are_a_little_off():
    one, other, off = (120, 120, 120), (140, 120, 120), (125, 118, 120)
    sizes = [(10, 20), (10, 20)]
    regions = regions_of_maps(flat(one, other), [flat(one), flat(other)], (0.5, 0.5), (20, 20), sizes)
    assert [region.shares for region in regions] == [(1, 0), (0, 1)]
    (region,) = regions_of_maps(flat(one), [flat(off)], (1.0,), (10, 20), [(10, 20)])
    assert region.style_masks[0].min() == 1


@pytest.mark.parametrize("void", [(), (255,)])
def test_more_numbers_than_regions_are_refused(void):
    many = numbers(*range(20), *void)
    with pytest.raises(ImageError, match="wanted 1 to 16 flat colours"):
        regions_of_maps(many, [many], (1.0,), many.size, [many.size])


def test_what_is_transparent_in_a_map_is_black():
    pixels = np.dstack([np.array(flat(RED, GREEN).rgb), np.full((20, 20), 255, np.uint8)])
    pixels[:, 10:, 3] = 0
    regions = regions_of_maps(load(pixels, "map"), [flat(RED, (0, 0, 0))], (1.0,), (20, 20), [(20, 20)])
    assert {region.name for region in regions} == {"#ff0000", "#000000"}


def test_a_canvas_is_covered_by_all_masks_together():
    ramp = np.linspace(0, 255, 30).round().astype(np.uint8)[None].repeat(20, 0)
    assert covered(regions_of_masks([load(ramp), load(255 - ramp)], (30, 20)), (30, 20)).min().item() == pytest.approx(
        1
    )
    assert covered(regions_of_masks([load(ramp), load(ramp)], (30, 20)), (30, 20)).max() == 1
    assert covered(regions_of_masks([load(ramp)], (30, 20)), (15, 10))[0, 0, 0, 0] < 0.05


def test_numbers_that_8_bits_cannot_hold_are_told_apart_exactly(tmp_path):
    """As COCO's and Cityscapes' instances have them, in 16 and 32 bits and as floats."""
    names = []
    for kind, columns in (("int32", (1000, 1001)), ("uint16", (1001,)), ("float32", (1000, 3)), ("uint8", (3,))):
        labels = np.repeat(np.array([columns], kind), 10, axis=1).repeat(20, axis=0)
        names.append(tmp_path / f"{kind}.tif")
        Image.fromarray(labels).save(names[-1])
    content, *styles = (load(name) for name in names)
    regions = regions_of_maps(content, styles, (0.25, 0.5, 0.25), (20, 20), [style.size for style in styles])
    by_name = {region.name: region for region in regions}
    assert {name: region.shares for name, region in by_name.items()} == {"1000": (0, 1, 0), "1001": (1, 0, 0)}
    assert torch.equal(by_name["1000"].mask, left_half(20, 20))
    assert torch.equal(by_name["1000"].style_masks[1], left_half(20, 20))
    with pytest.raises(ImageError, match="the region 1000 of int32.tif is in no map of a style"):
        regions_of_maps(content, styles[:1], (1.0,), (20, 20), [styles[0].size])


@pytest.mark.parametrize("columns", [(0, 1), (0, 3), (0, 1, 2), (0, 200), (0, 128, 255), (5, 6)])
@pytest.mark.parametrize("kind", ["int32", "uint16", "uint32", "uint64", "float32", "float64"])
def test_a_map_is_that_of_8_bits_in_whatever_type_it_is_stored(tmp_path, kind, columns):
    labels = np.repeat(np.array([columns], np.uint8), 10, axis=1).repeat(20, axis=0)
    tifffile.imwrite(tmp_path / "map.tif", labels.astype(kind))
    stored, plain = load(tmp_path / "map.tif"), load(labels, "map")
    of_stored, of_plain = (regions_of_maps(one, [plain], (1.0,), one.size, [plain.size]) for one in (stored, plain))
    assert [region.name for region in of_stored] == [region.name for region in of_plain]
    if 0 in columns:
        ours, theirs = regions_of_masks([stored], stored.size)[0], regions_of_masks([plain], plain.size)[0]
        assert torch.equal(ours.mask, theirs.mask)
        assert [remark.replace("map.tif", "map") for remark in ours.remarks] == list(theirs.remarks)


@pytest.mark.parametrize("kind", ["int32", "uint16", "float32"])
@pytest.mark.parametrize("columns", [(0, 256), (0, 300, 1000), (0, 24001, 26003, 7)])
def test_all_numbers_but_0_are_painted_however_large(tmp_path, kind, columns):
    labels = np.repeat(np.array([columns], kind), 10, axis=1).repeat(20, axis=0)
    tifffile.imwrite(tmp_path / "mask.tif", labels)
    region = regions_of_masks([load(tmp_path / "mask.tif")], (labels.shape[1], 20))[0]
    assert torch.equal(region.mask, torch.from_numpy((labels > 0).astype(np.float32))[None, None])
    listed = ", ".join(map(str, sorted(columns)))
    told = f"the mask mask.tif holds the numbers {listed}: all but 0 are painted"
    assert region.remarks == ((told,) if len(columns) > 2 else ())


@pytest.mark.parametrize("top", [4095, 65535])
def test_shades_of_12_and_16_bits_stay_shades(tmp_path, top):
    shades = np.repeat(np.array([[0, top // 2, top]], np.int32), 10, axis=1).repeat(20, axis=0)
    tifffile.imwrite(tmp_path / "mask.tif", shades)
    mask = regions_of_masks([load(tmp_path / "mask.tif")], (30, 20))[0].mask
    assert mask[0, 0, 0, ::10].tolist() == pytest.approx([0, 0.5, 1], abs=0.005)


def test_numbers_are_turned_as_the_picture_is(tmp_path):
    labels = np.zeros((20, 40), np.int32)
    labels[:, :20] = 1000
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(labels).save(tmp_path / "turned.tif", exif=exif)
    picture = load(tmp_path / "turned.tif")
    assert picture.numbers is not None
    assert picture.numbers.size == picture.size == (20, 40)
    assert np.asarray(picture.numbers)[0, 0] == 1000
    assert np.asarray(picture.numbers)[-1, 0] == 0
