"""Names of numbers that are made when they are asked for."""

from __future__ import annotations

import pytest

from rapidity.data.fitted_cloud import ObjectNames
from rapidity.data.fitted_image import PixelNames
from rapidity.data.images import ImageColumns


def test_names_are_those_of_a_tuple() -> None:
    names = ObjectNames(("pt", "eta"), 2)
    expected = ("pt[0]", "eta[0]", "pt[1]", "eta[1]")
    assert tuple(names) == expected
    assert (names[-1], names[1:3], names[::-2]) == (expected[-1], expected[1:3], expected[::-2])
    with pytest.raises(IndexError):
        names[4]


def test_pixels_are_named_by_row_and_column() -> None:
    names = PixelNames(ImageColumns(("image",), (2, 2, 3), channels=(0, 1, 2)))
    assert (names[5], names[-1]) == ("image[0, 1, 2]", "image[1, 1, 2]")
