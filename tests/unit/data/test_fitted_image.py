"""The preparation of images: fitted per channel to the training split, the same for every event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.preparation import Preparation
from rapidity.core.errors import ConfigError, DataError
from rapidity.data.features import FeatureSet, column_feature
from rapidity.data.fitted_image import FittedImage
from rapidity.data.images import VALUES_AT_ONCE, ImageColumns
from rapidity.data.preparation import FittedPreparation, fit_preparation
from rapidity.data.split import TrainRows

if TYPE_CHECKING:
    from collections.abc import Callable

HEIGHT, WIDTH = 5, 4
N_TRAIN = 30


@pytest.fixture
def fit(make_table: Callable[..., Any]) -> Callable[..., FittedPreparation]:
    """Return `fit_preparation` for images ``(n_events, height, width[, channels])`` and keys of the block."""

    def run(images: np.ndarray, *, energy: Any = None, **keys: Any) -> FittedPreparation:
        channels = tuple(range(images.shape[3])) if images.ndim == 4 else (0,)
        inputs: dict[str, Any] = {"photo": ImageColumns(("image",), images.shape[1:], channels=channels)}
        columns = {"image": images}
        if energy is not None:
            inputs["event"] = (column_feature("energy"),)
            columns["energy"] = energy
        table = make_table(columns)
        rows = TrainRows(table, np.arange(N_TRAIN))
        return fit_preparation(Preparation.model_validate(keys), FeatureSet(inputs), rows)

    return run


@pytest.fixture
def images(rng: np.random.Generator) -> np.ndarray:
    """Return 40 pictures of bytes with two channels of different brightness."""
    dark = rng.integers(0, 50, (40, HEIGHT, WIDTH, 1), dtype=np.uint8)
    bright = rng.integers(100, 256, (40, HEIGHT, WIDTH, 1), dtype=np.uint8)
    return np.concatenate([dark, bright], axis=3)


def test_channels_are_standardised_over_all_pixels_of_the_training_split(fit: Any, images: Any) -> None:
    preparation = fit(images)
    prepared = preparation.apply({"image": images})["photo"]
    assert prepared.dtype == np.float32
    assert prepared.shape == (40, HEIGHT, WIDTH, 2)
    train = prepared[:N_TRAIN].astype(np.float64)
    np.testing.assert_allclose(train.mean(axis=(0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=(0, 1, 2)), 1, atol=1e-6)
    assert abs(prepared[N_TRAIN:].mean()) > 1e-4


@pytest.mark.parametrize("scale", ["standard", "robust", "min_max"])
def test_numbers_are_those_of_one_array_of_all_pixels(
    fit: Any, images: Any, scale: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rapidity.data.images.VALUES_AT_ONCE", 7 * HEIGHT * WIDTH * 2)
    transforms = fit(images, scale=scale).inputs["photo"].transforms
    for channel, (transform,) in enumerate(transforms):
        pixels = images[:N_TRAIN, ..., channel].ravel().astype(np.float64)
        low, middle, high = np.quantile(pixels, [0.25, 0.5, 0.75])
        expected = {
            "standard": (pixels.mean(), pixels.std()),
            "robust": (middle, high - low),
            "min_max": (pixels.min(), np.ptp(pixels)),
        }
        np.testing.assert_allclose(list(vars(transform).values()), expected[scale], rtol=1e-12)


def test_portions_change_nothing(fit: Any, images: Any) -> None:
    preparation = fit(images)
    whole = preparation.apply({"image": images})["photo"]
    np.testing.assert_array_equal(whole, preparation.apply({"image": images}, chunk_size=3)["photo"])
    rows = np.array([7, 3, 39])
    np.testing.assert_array_equal(whole[rows], preparation.apply({"image": images}, rows)["photo"])


def test_known_ranges_are_divided_out(fit: Any, images: Any) -> None:
    preparation = fit(images, transforms=[{"type": "divide", "by": 255}], scale="none")
    prepared = preparation.apply({"image": images})["photo"]
    np.testing.assert_allclose(prepared, images / 255, rtol=1e-7)


def test_an_input_has_settings_of_its_own(fit: Any, images: Any) -> None:
    energy = np.arange(40, dtype=np.float32)
    of_image = {"transforms": [{"type": "divide", "by": 100}], "scale": "none"}
    preparation = fit(images, energy=energy, inputs={"photo": of_image})
    prepared = preparation.apply({"image": images, "energy": energy})
    np.testing.assert_allclose(prepared["photo"], images / 100, rtol=1e-6)
    assert abs(prepared["event"][:N_TRAIN].mean()) < 1e-6
    assert preparation.input_shapes() == {"photo": (HEIGHT, WIDTH, 2), "event": (1,)}


def test_sentinels_are_for_features_alone(fit: Any, images: Any) -> None:
    energy = np.where(np.arange(40) % 5, np.arange(40), -999).astype(np.float32)
    preparation = fit(images.astype(np.float32), energy=energy, missing={"sentinels": [-999, 0, 100]})
    transform = preparation.inputs["photo"].transforms[0][0]
    assert transform.mean == pytest.approx(images[:N_TRAIN, ..., 0].mean(dtype=np.float64))
    assert preparation.features[0].sentinels


def test_survives_json_exactly(fit: Any, images: Any) -> None:
    preparation = fit(images, transforms=["symmetric_log"])
    stored = json.loads(json.dumps(preparation.to_dict()))
    assert FittedPreparation.from_dict(stored) == preparation
    assert preparation.column_dtypes == {"image": "uint8"}
    assert preparation.column_shapes == {"image": (HEIGHT, WIDTH, 2)}
    assert preparation.ranges == {"image": (0.0, 255.0)}


def test_pixels_have_names(fit: Any, images: Any) -> None:
    names = fit(images).feature_names("photo")
    assert len(names) == HEIGHT * WIDTH * 2
    assert (names[0], names[3], names[-1]) == ("image[0, 0, 0]", "image[0, 1, 1]", "image[4, 3, 1]")
    assert names[:2] == ("image[0, 0, 0]", "image[0, 0, 1]")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("row", [11, 35])
def test_a_bad_pixel_is_named_with_its_entry(fit: Any, images: Any, bad: float, row: int) -> None:
    good, spoilt = images.astype(np.float32), images.astype(np.float32)
    spoilt[row, 2, 1, 0] = bad
    preparation = fit(good)
    expected = (
        rf"'image' has pixels that are {bad} in 1 of 40 events, first in row {row}\.(.|\n)*data.selection"
    )
    with pytest.raises(DataError, match=expected):
        preparation.apply({"image": spoilt})
    if row < N_TRAIN:
        with pytest.raises(DataError, match=rf"'image' has pixels that are {bad} in 1 of 30 events, first in "
                           rf"entry {row} of a.csv"):  # fmt: skip
            fit(spoilt)


def test_a_transform_that_does_not_fit_says_where_to_change_it(fit: Any, images: Any) -> None:
    with pytest.raises(DataError, match=r"image 'photo', channel 'image\[0\]': log needs value > 0, but .* "
                       r"600 training values are not.*Set it under preparation.inputs.photo"):  # fmt: skip
        fit(images, transforms=["log"])


def test_settings_of_a_column_of_images_are_refused(fit: Any, images: Any) -> None:
    with pytest.raises(ConfigError, match=r"'image' is a column of images: what happens to them is set under "
                       r"preparation.inputs.photo"):  # fmt: skip
        fit(images, columns={"image": {"scale": "none"}})


def test_constant_channels_give_zeros(fit: Any) -> None:
    images = np.full((40, HEIGHT, WIDTH), 7, np.int16)
    assert not fit(images).apply({"image": images})["photo"].any()


def test_wide_types_are_computed_in_float64(fit: Any, rng: np.random.Generator) -> None:
    images = (2**30 + rng.integers(0, 1000, (40, HEIGHT, WIDTH))).astype(np.int32)
    prepared = fit(images).apply({"image": images})["photo"]
    train = images[:N_TRAIN].astype(np.float64)
    expected = (images[..., np.newaxis] - train.mean()) / train.std()
    np.testing.assert_allclose(prepared, expected, rtol=1e-6, atol=1e-6)


def test_no_copy_of_all_pixels_in_a_wider_type_is_made(fit: Any, rng: np.random.Generator) -> None:
    """Fitting and applying need the result and portions, not float64 arrays of all images."""
    import tracemalloc

    images = rng.integers(0, 256, (800, 64, 64), dtype=np.uint8)
    fit(images[:40])  # imports
    tracemalloc.start()
    preparation = fit(images)
    prepared = preparation.apply({"image": images})["photo"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(preparation.inputs["photo"], FittedImage)
    assert peak < prepared.nbytes + 32 * VALUES_AT_ONCE < 8 * images.size
