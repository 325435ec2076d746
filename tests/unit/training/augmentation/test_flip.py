"""Mirrored images."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.training.augmentation.flip import Flipping


@pytest.fixture
def images():
    """Return two inputs of images, the second made of the first."""
    first = np.random.default_rng(1).random((100, 5, 6, 2), np.float32)
    return {"a": first, "b": 2 * first[..., :1]}


def flip(images, axis, probability=0.5):
    flipped = {name: array.copy() for name, array in images.items()}
    Flipping(tuple(images), axis, probability).apply(flipped, np.random.default_rng(1))
    return flipped


@pytest.mark.parametrize("axis", ["horizontal", "vertical", "both"])
def test_sums_stay_and_inputs_flip_together(images, axis):
    flipped = flip(images, axis)
    np.testing.assert_allclose(flipped["a"].sum(axis=(1, 2)), images["a"].sum(axis=(1, 2)), rtol=1e-6)
    assert np.array_equal(flipped["b"], 2 * flipped["a"][..., :1])
    assert 0 < (flipped["a"] != images["a"]).any(axis=(1, 2, 3)).mean() < 1


@pytest.mark.parametrize(
    ("axis", "mirror"), [("horizontal", np.s_[:, :, ::-1]), ("vertical", np.s_[:, ::-1])]
)
def test_every_image_is_as_before_or_mirrored(images, axis, mirror):
    flipped, before = flip(images, axis)["a"], images["a"]
    is_same = (flipped == before).all(axis=(1, 2, 3))
    is_mirrored = (flipped == before[mirror]).all(axis=(1, 2, 3))
    assert (is_same ^ is_mirrored).all()
    # 50 +- 5 of 100
    assert 30 < is_mirrored.sum() < 70


def test_all_can_be_mirrored(images):
    assert np.array_equal(flip(images, "vertical", 1.0)["a"], images["a"][:, ::-1])
