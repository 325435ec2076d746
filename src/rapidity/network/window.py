"""Where a window slides over an image: every engine and the artefact take padding and sizes from here.

Libraries disagree about `same` padding with a stride, so none of them is asked: `place_window` gives the
pixels to add on each side, and a lowering adds just these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from rapidity.network.layer import ShapeError

Pair = tuple[int, int]
"""Along the height, along the width."""


def read_pair(value: Any, minimum: int) -> Any:
    """Return `3` as `(3, 3)`, and two whole numbers as they are; anything else is a ValueError."""
    numbers = list(value) if isinstance(value, list | tuple) else [value, value]
    are_whole = all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)
    if len(numbers) != 2 or not are_whole or min(numbers) < minimum:
        message = (
            f"expected a whole number of at least {minimum}, or two of them as [height, width],"
            f" found {value!r}"
        )
        raise ValueError(message)
    return tuple(numbers)


def _read_size(value: Any) -> Any:
    return read_pair(value, 1)


def _read_padding(value: Any) -> Any:
    if value in ("same", "valid"):
        return value
    try:
        return read_pair(value, 0)
    except ValueError as error:
        message = str(error).replace("expected", "expected same, valid,", 1)
        raise ValueError(message) from None


_PositiveInt = Annotated[int, Field(ge=1)]
_NaturalInt = Annotated[int, Field(ge=0)]
Size = Annotated[
    Pair, BeforeValidator(_read_size, json_schema_input_type=_PositiveInt | tuple[_PositiveInt, _PositiveInt])
]
"""A pair of positive numbers; in YAML one number stands for two equal ones."""
Padding = Annotated[
    Literal["same", "valid"] | Pair,
    BeforeValidator(
        _read_padding,
        json_schema_input_type=Literal["same", "valid"] | _NaturalInt | tuple[_NaturalInt, _NaturalInt],
    ),
]
"""`valid`: none; `same`: what `place_window` says; else pixels on either side, one number or a pair."""


@dataclass(frozen=True)
class Window:
    """A window on its way over an image of known size; every pair is (height, width).

    Attributes
    ----------
    kernel, stride, dilation
        Pixels of the window; from one place to the next; from one pixel of the window to the next.
    padding
        Pixels added around the image: ``((top, bottom), (left, right))``.
    n_places
        Height and width of the result.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    padding: tuple[Pair, Pair]
    n_places: Pair

    @property
    def has_equal_sides(self) -> bool:
        """Whether top and bottom, and left and right, get the same number of pixels."""
        return all(before == after for before, after in self.padding)

    @property
    def is_padded(self) -> bool:
        """Whether any pixel is added."""
        return any(before or after for before, after in self.padding)


def place_window(
    image: Pair, kernel: Pair, stride: Pair, padding: Literal["same", "valid"] | Pair, dilation: Pair = (1, 1)
) -> Window:
    """Return the window with explicit padding, and the size of what comes out.

    With n pixels, a kernel of k, stride s and dilation d, a window covers ``e = d (k - 1) + 1`` pixels and
    has ``floor((n + before + after - e) / s) + 1`` places. `same` makes ``ceil(n / s)`` of them: it adds
    ``max((ceil(n / s) - 1) s + e - n, 0)`` pixels, half on each side and an odd one at the bottom or right,
    as SAME_UPPER of ONNX and `same` of TensorFlow.

    Raises
    ------
    ShapeError
        If the window is larger than the padded image.

    Examples
    --------
    >>> place_window((28, 28), (5, 5), (1, 1), "valid").n_places
    (24, 24)
    >>> window = place_window((7, 8), (3, 3), (2, 2), "same")
    >>> window.n_places, window.padding
    ((4, 4), ((1, 1), (0, 1)))
    """
    sides = [
        _pad_sides(padding, *along) for along in zip(range(2), image, kernel, stride, dilation, strict=True)
    ]
    room = [
        n_pixels + before + after - _extent(size, spread)
        for n_pixels, (before, after), size, spread in zip(image, sides, kernel, dilation, strict=True)
    ]
    if min(room) < 0:
        extent = " x ".join(str(_extent(*along)) for along in zip(kernel, dilation, strict=True))
        padded = " x ".join(
            str(n_pixels + before + after) for n_pixels, (before, after) in zip(image, sides, strict=True)
        )
        raise ShapeError(
            needs=f"at least {extent} pixels for its kernel (with padding the image has {padded})",
            cure="Set 'padding: same', or take a smaller kernel, less dilation, or less pooling before it",
        )
    height, width = (free // step + 1 for free, step in zip(room, stride, strict=True))
    return Window(kernel, stride, dilation, (sides[0], sides[1]), (height, width))


def _extent(kernel: int, dilation: int) -> int:
    """Return the pixels from the first to the last that a window covers along one axis."""
    return dilation * (kernel - 1) + 1


def _pad_sides(
    padding: Literal["same", "valid"] | Pair,
    axis: int,
    n_pixels: int,
    kernel: int,
    stride: int,
    dilation: int,
) -> Pair:
    """Return the pixels to add before and after the image along one axis."""
    if padding == "valid":
        return (0, 0)
    if padding == "same":
        n_places = -(-n_pixels // stride)
        total = max((n_places - 1) * stride + _extent(kernel, dilation) - n_pixels, 0)
        return (total // 2, total - total // 2)
    return (padding[axis], padding[axis])
