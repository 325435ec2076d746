"""The 8 x 8 digits that scikit-learn carries, in files like those of MNIST: nothing is downloaded."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from rapidity.samples.public.data_set import PublicDataSet

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEST_EVERY = 5
"""Every so many-th image, from the first on, belongs to the test part."""
IDX_UNSIGNED_BYTE = 8
LEVELS = 16
"""Darkest pixel of the original, whose values count 4 x 4 blocks of dots."""


def make_digits() -> dict[str, bytes]:
    """Return file name -> content of the four IDX files: 1,437 images to train with, 360 to test with.

    Pixels are spread from 0...16 to 0...255, as ``round(255 v / 16)``, so that settings for MNIST fit
    too. Which image is in which part is fixed.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.rint(digits.images * (255 / LEVELS)).astype(np.uint8)
    labels = digits.target.astype(np.uint8)
    is_test = np.arange(len(labels)) % TEST_EVERY == 0
    return {
        "train-images-idx3-ubyte.gz": idx_bytes(images[~is_test]),
        "train-labels-idx1-ubyte.gz": idx_bytes(labels[~is_test]),
        "t10k-images-idx3-ubyte.gz": idx_bytes(images[is_test]),
        "t10k-labels-idx1-ubyte.gz": idx_bytes(labels[is_test]),
    }


def idx_bytes(values: NDArray[np.uint8]) -> bytes:
    """Return an array of bytes in the IDX format: type, number of axes, their lengths, the values.

    Examples
    --------
    >>> idx_bytes(np.array([7, 9], np.uint8)).hex()
    '00000801000000020709'
    """
    head = struct.pack(f">HBB{values.ndim}I", 0, IDX_UNSIGNED_BYTE, values.ndim, *values.shape)
    return head + values.tobytes()


DIGITS = PublicDataSet(
    name="digits",
    title="1,797 handwritten digits of 8 x 8 pixels, in files named like those of mnist",
    terms="CC BY 4.0; E. Alpaydin, C. Kaynak",
    source="UCI, Optical Recognition of Handwritten Digits, as scikit-learn carries it (no download)",
    make=make_digits,
)
