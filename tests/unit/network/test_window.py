"""Where a window slides over an image: padding in numbers, for every engine."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from rapidity.network.layer import ShapeError
from rapidity.network.window import Padding, Size, place_window

SIZE: TypeAdapter[tuple[int, int]] = TypeAdapter(Size)
PADDING: TypeAdapter[object] = TypeAdapter(Padding)
PAIRS = st.tuples(st.integers(1, 6), st.integers(1, 6))


@given(image=st.tuples(st.integers(1, 20), st.integers(1, 20)), kernel=PAIRS, stride=PAIRS, dilation=PAIRS)
def test_same_makes_one_place_per_stride_with_as_little_as_it_takes(
    image: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int]
) -> None:
    window = place_window(image, kernel, stride, "same", dilation)
    for axis, (before, after) in enumerate(window.padding):
        assert window.n_places[axis] == math.ceil(image[axis] / stride[axis])
        assert after - before in (0, 1)
        extent = dilation[axis] * (kernel[axis] - 1) + 1
        reached = (window.n_places[axis] - 1) * stride[axis] + extent
        assert before + after == max(0, reached - image[axis])


@given(image=st.tuples(st.integers(1, 12), st.integers(1, 12)), kernel=PAIRS, stride=PAIRS, pixels=PAIRS)
def test_places_are_counted(
    image: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], pixels: tuple[int, int]
) -> None:
    starts = [
        range(0, n_pixels + 2 * beside - size + 1, step)
        for n_pixels, beside, size, step in zip(image, pixels, kernel, stride, strict=True)
    ]
    if all(starts):
        assert place_window(image, kernel, stride, pixels).n_places == tuple(map(len, starts))
    else:
        with pytest.raises(ShapeError, match="needs at least"):
            place_window(image, kernel, stride, pixels)


def test_an_odd_pixel_goes_to_the_bottom_and_the_right() -> None:
    assert place_window((4, 4), (2, 4), (1, 1), "same").padding == ((0, 1), (1, 2))


def test_a_stride_wider_than_the_kernel_needs_no_padding() -> None:
    window = place_window((7, 7), (1, 1), (3, 3), "same")
    assert (window.is_padded, window.n_places) == (False, (3, 3))


def test_a_window_knows_whether_its_sides_are_equal() -> None:
    assert place_window((5, 5), (3, 3), (1, 1), "same").has_equal_sides
    assert not place_window((5, 6), (3, 3), (2, 2), "same").has_equal_sides
    assert place_window((5, 6), (3, 3), (2, 2), (2, 0)).padding == ((2, 2), (0, 0))


def test_a_window_larger_than_the_image_is_refused() -> None:
    message = (
        r"at least 3 x 5 pixels for its kernel \(with padding the image has 6 x 4\)\. Set 'padding: same'"
    )
    with pytest.raises(ShapeError, match=message):
        place_window((4, 4), (3, 3), (1, 1), (1, 0), dilation=(1, 2))


def test_one_number_stands_for_two() -> None:
    assert SIZE.validate_python(3) == (3, 3)
    assert SIZE.validate_python([3, 2]) == (3, 2)
    assert PADDING.validate_python(0) == (0, 0)
    assert PADDING.validate_python("same") == "same"


@pytest.mark.parametrize("value", [0, -1, 1.0, True, "3", [1], [1, 2, 3], [1, 0], None, {}])
def test_a_wrong_size_is_explained(value: object) -> None:
    with pytest.raises(ValidationError, match=r"expected a whole number of at least 1, or two of them as"):
        SIZE.validate_python(value)


@pytest.mark.parametrize("value", [-1, "full", [0.5, 1]])
def test_a_wrong_padding_is_explained(value: object) -> None:
    with pytest.raises(ValidationError, match="expected same, valid, a whole number of at least 0, or two"):
        PADDING.validate_python(value)


def test_the_schema_for_editors_knows_the_short_forms() -> None:
    (number, pair) = SIZE.json_schema()["anyOf"]
    assert (number["type"], pair["maxItems"]) == ("integer", 2)
    assert PADDING.json_schema()["anyOf"][0]["enum"] == ["same", "valid"]
