"""Sizes and channels of the pyramid."""

from scumble.gan.networks.pyramid import stage_channels, stage_sizes


def test_stages_halve_the_picture_down_to_about_four_pixels():
    assert stage_sizes(64, 64) == [(4, 4), (8, 8), (16, 16), (32, 32), (64, 64)]
    assert stage_sizes(28, 28) == [(4, 4), (7, 7), (14, 14), (28, 28)]
    assert stage_sizes(16, 40) == [(4, 10), (8, 20), (16, 40)]
    for side in range(16, 300):
        assert 3 <= stage_sizes(side, side)[0][0] <= 6


def test_channels_halve_on_the_way_up():
    assert stage_channels(64, 4) == [512, 256, 128, 64]
    assert stage_channels(16, 7) == [128, 64, 32, 16, 8, 4, 4]
