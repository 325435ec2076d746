"""Parts of images and blocks of pixels, and zeros that stay zero."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.images import Crop, Rebin
from rapidity.config.inputs import ImageInput
from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError
from rapidity.data.features import FeatureSet, column_feature
from rapidity.data.image_region import ImageRegion, find_region
from rapidity.data.images import ImageColumns
from rapidity.data.preparation import FittedPreparation, fit_preparation
from rapidity.data.split import TrainRows

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = (9, 8)


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Return 30 sparse images of two channels, the second a hundred times brighter."""
    deposits = rng.exponential(1, (30, *SIZE, 2)) * (rng.random((30, *SIZE, 2)) < 0.2)
    return (deposits * [1, 100]).astype(np.float32)


@pytest.fixture
def fit(make_table: Callable[..., Any]) -> Callable[..., FittedPreparation]:
    """Return `fit_preparation` for images, the keys of the input and of `preparation`."""

    def run(images: np.ndarray, input_keys: Any = None, **keys: Any) -> FittedPreparation:
        config = ImageInput.model_validate({"kind": "image", "column": "x", **(input_keys or {})})
        region = find_region("jet", config.crop, config.rebin, images.shape[1:3])
        image = ImageColumns(("x",), images.shape[1:], channels=(0, 1), region=region)
        inputs: dict[str, Any] = {"jet": image, "event": (column_feature("pt"),)}
        rows = TrainRows(make_table({"x": images, "pt": np.arange(len(images))}), np.arange(20))
        return fit_preparation(Preparation.model_validate(keys), FeatureSet(inputs), rows)

    return run


def prepare(preparation: FittedPreparation, images: np.ndarray) -> np.ndarray:
    return preparation.inputs["jet"].prepare({"x": images})[""]


@pytest.mark.parametrize(
    ("crop", "rows", "columns"),
    [
        ({"height": 5, "width": 4}, slice(2, 7), slice(2, 6)),
        ({"height": 4, "width": 3}, slice(2, 6), slice(2, 5)),
        ({"height": 5, "width": 4, "top": 0, "left": 4}, slice(0, 5), slice(4, 8)),
    ],
)
def test_crop_takes_the_middle_or_from_a_corner(
    fit: Any, images: np.ndarray, crop: Any, rows: Any, columns: Any
) -> None:
    preparation = fit(images, {"crop": crop}, scale="none")
    np.testing.assert_array_equal(prepare(preparation, images), images[:, rows, columns])
    assert preparation.input_shapes()["jet"] == (crop["height"], crop["width"], 2)


def test_rebin_sums_blocks_after_cropping(fit: Any, images: np.ndarray) -> None:
    preparation = fit(images, {"crop": {"height": 6, "width": 8}, "rebin": [3, 2]}, scale="none")
    expected = images[:, 1:7].astype(float).reshape(-1, 2, 3, 4, 2, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(prepare(preparation, images), expected, rtol=1e-6)
    means = fit(images, {"rebin": {"factor": [3, 2], "function": "mean"}}, scale="none")
    expected = images.astype(float).reshape(-1, 3, 3, 4, 2, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(prepare(means, images), expected, rtol=1e-6)
    assert len(means.feature_names("jet")) == 3 * 4 * 2


def test_bytes_are_added_up_without_overflow(fit: Any) -> None:
    bright = np.full((30, *SIZE, 2), 255, np.uint8)
    preparation = fit(bright, {"rebin": [9, 8]}, scale="none")
    assert (prepare(preparation, bright) == 255 * 72).all()


def test_zeros_stay_zero_and_have_no_say(fit: Any, images: np.ndarray) -> None:
    keys = {"inputs": {"jet": {"zeros": "keep", "transforms": ["log"], "scale": "standard"}}}
    preparation = fit(images, **keys)
    prepared = prepare(preparation, images)
    assert (prepared[images == 0] == 0).all()
    for channel in range(2):
        filled = images[:20, ..., channel] > 0
        logs = prepared[:20, ..., channel][filled].astype(float)
        assert (logs.mean(), logs.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))


def test_zeros_are_found_after_rebinning(fit: Any, images: np.ndarray) -> None:
    keys = {"inputs": {"jet": {"zeros": "keep", "scale": "standard"}}}
    preparation = fit(images, {"rebin": [3, 2]}, **keys)
    sums = images.reshape(-1, 3, 3, 4, 2, 2).sum(axis=(2, 4))
    assert (sums == 0).any()
    np.testing.assert_array_equal(prepare(preparation, images) == 0, sums == 0)


def test_a_channel_of_zeros_alone_stays_zero(fit: Any, images: np.ndarray) -> None:
    images[..., 1] = 0
    keys = {"inputs": {"jet": {"zeros": "keep", "scale": "standard"}}}
    assert not prepare(fit(images, **keys), images)[..., 1].any()


def test_survives_json(fit: Any, images: np.ndarray) -> None:
    keys = {"inputs": {"jet": {"zeros": "keep"}}}
    preparation = fit(images, {"crop": {"height": 6, "width": 8}, "rebin": 2}, **keys)
    stored = json.loads(json.dumps(preparation.to_dict()))
    assert FittedPreparation.from_dict(stored) == preparation


def test_images_for_people_have_the_region(images: np.ndarray) -> None:
    region = ImageRegion(0, 0, 9, 8, (3, 4))
    image = ImageColumns(("x",), (*SIZE, 2), channels=(1,), region=region)
    assert image.stack({"x": images}).shape == (30, 3, 2, 1)
    assert image.stored_size == SIZE


@pytest.mark.parametrize(
    ("crop", "expected"),
    [
        (Crop(height=10, width=4), "rows 0 to 9 and columns|asked for, but the images have 9 rows and 8 col"),
        (Crop(height=4, width=4, top=6, left=0), "crop: rows 6 to 10 and columns 0 to 4 were asked for, but"),
    ],
)
def test_a_crop_beyond_the_image_is_refused(crop: Crop, expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        find_region("jet", crop, None, SIZE)


def test_blocks_that_do_not_divide_are_refused() -> None:
    expected = (
        r"rebin: blocks of 4 x 4 pixels do not divide the 9 x 8 pixels. Sizes that do: 3, 9 of the height"
    )
    with pytest.raises(
        ConfigError, match=expected + r", 2, 4, 8 of the width; or crop to 8 x 8 pixels first"
    ):
        find_region("jet", None, Rebin(factor=(4, 4)), SIZE)


def test_a_corner_needs_both_numbers() -> None:
    with pytest.raises(ValueError, match=r"crop needs `top` and `left` together. Give both, or neither"):
        Crop(height=3, width=3, top=1)


@pytest.mark.parametrize(
    "block", [{"inputs": {"event": {"zeros": "keep"}}}, {"columns": {"pt": {"zeros": "keep"}}}]
)
def test_zeros_of_a_table_are_refused(fit: Any, images: np.ndarray, block: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"(inputs.event|columns.pt).zeros is for pixels of an input of `kind"
    ):
        fit(images, **block)
