"""Channels first or last, as the shape of the images tells."""

from __future__ import annotations

from typing import Any

import pytest

from rapidity.config.inputs import ImageInput
from rapidity.core.errors import ConfigError
from rapidity.data.channel_order import check_channel_order


def order(shape: tuple[int, ...], **keys: Any) -> None:
    config = ImageInput.model_validate({"kind": "image", "column": "x", **keys})
    check_channel_order("jet", config, shape)


@pytest.mark.parametrize("shape", [(3, 125, 125), (1, 28, 28), (2, 32, 48), (12, 64, 64)])
def test_channels_first_are_told_by_their_shape(shape: tuple[int, ...]) -> None:
    found = (
        rf"inputs.jet: images of shape \({shape[0]}, .*read as \(height, width, channels\) have {shape[2]} ch"
    )
    with pytest.raises(
        ConfigError, match=found + ".*the other way round they have.*set channels_first: true"
    ):
        order(shape)
    order(shape, channels_first=True)
    order(shape, channels_first=False)
    order(shape, channels=[0, 1])


@pytest.mark.parametrize("shape", [(32, 32, 2), (125, 125, 3), (28, 28, 1), (64, 64, 12)])
def test_channels_last_are_told_by_their_shape(shape: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match=r"read as \(channels, height, width\).*leave channels_first out"):
        order(shape, channels_first=True)
    order(shape)


@pytest.mark.parametrize(
    "shape", [(8, 8, 8), (4, 3, 2), (16, 24, 12), (4, 4, 5), (3, 3, 3), (45, 16, 9), (7, 6)]
)
def test_sound_shapes_of_either_order_pass(shape: tuple[int, ...]) -> None:
    order(shape)
    order(shape, channels_first=True)
