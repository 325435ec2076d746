"""Where a window stops on an image."""

from __future__ import annotations

from dataclasses import dataclass

from rapidity.core.errors import GraphError

Pair = tuple[int, int]
"""Along the height, along the width."""
Padding = tuple[Pair, Pair]
"""Pixels added at the top and bottom, at the left and right."""

NO_PADDING: Padding = ((0, 0), (0, 0))


@dataclass(frozen=True)
class Sweep:
    """A window that moves over an image of known size.

    Parameters
    ----------
    image_size
        Height and width of the image in pixels, without padding.
    kernel_size
        Values of the window down and across.
    stride
        Pixels from one stop to the next.
    padding
        Pixels around the image.
    dilation
        Pixels from one value of the window to the next.

    Raises
    ------
    GraphError
        If a number is out of range, or the window does not fit on the padded image.

    Examples
    --------
    >>> Sweep((28, 28), (5, 5), stride=(2, 2), padding=((2, 2), (2, 1))).n_places
    (14, 14)
    """

    image_size: Pair
    kernel_size: Pair
    stride: Pair = (1, 1)
    padding: Padding = NO_PADDING
    dilation: Pair = (1, 1)

    def __post_init__(self) -> None:
        for name, pair in (
            ("kernel_size", self.kernel_size),
            ("stride", self.stride),
            ("dilation", self.dilation),
        ):
            if min(pair) < 1:
                message = f"{name} of a window is {pair}; give two whole numbers from 1 on, (down, across)."
                raise GraphError(message)
        if min(min(sides) for sides in self.padding) < 0:
            message = (
                f"padding of a window is {self.padding}; give ((top, bottom), (left, right)) in pixels,"
                " none below 0."
            )
            raise GraphError(message)
        if any(size < extent for size, extent in zip(self.padded_size, self.extent, strict=True)):
            message = (
                f"a window of {self.extent[0]} x {self.extent[1]} pixels (kernel {self.kernel_size}, dilation"
                f" {self.dilation}) does not fit on an image of {self.padded_size[0]} x {self.padded_size[1]}"
                f" pixels, padding {self.padding} included. Take a smaller window or more padding."
            )
            raise GraphError(message)

    @property
    def extent(self) -> Pair:
        """Pixels that the window covers, gaps included."""
        (height, width), (down, across) = self.kernel_size, self.dilation
        return (height - 1) * down + 1, (width - 1) * across + 1

    @property
    def padded_size(self) -> Pair:
        """Height and width of the image with its padding."""
        (height, width), (rows, columns) = self.image_size, self.padding
        return height + sum(rows), width + sum(columns)

    @property
    def n_places(self) -> Pair:
        """Number of stops down and across."""
        (height, width), (tall, wide), (down, across) = self.padded_size, self.extent, self.stride
        return (height - tall) // down + 1, (width - wide) // across + 1

    @property
    def is_padded(self) -> bool:
        """Whether there is any padding."""
        return self.padding != NO_PADDING

    @property
    def has_overlaps(self) -> bool:
        """Whether a pixel may be seen from more than one stop."""
        return any(extent > stride for extent, stride in zip(self.extent, self.stride, strict=True))

    def turned_around(self) -> Sweep | None:
        """Return the sweep over what this one gives whose stops are the pixels of the image, if there is one.

        Convolved along it with the kernel turned around, the gradient of a convolution becomes that of the
        images. There is none for a stride above 1, or where stops lie entirely on the padding.
        """
        padding = tuple(
            (extent - 1 - before, extent - 1 - after)
            for extent, (before, after) in zip(self.extent, self.padding, strict=True)
        )
        if self.stride != (1, 1) or any(min(sides) < 0 for sides in padding):
            return None
        (rows, columns) = padding
        return Sweep(self.n_places, self.kernel_size, padding=(rows, columns), dilation=self.dilation)

    def rows(self, number: int) -> slice:
        """Return the padded image's rows that row `number` of the window sees, one for each stop."""
        return _stops(number * self.dilation[0], self.n_places[0], self.stride[0])

    def columns(self, number: int) -> slice:
        """Return the padded image's columns that column `number` of the window sees, one for each stop."""
        return _stops(number * self.dilation[1], self.n_places[1], self.stride[1])

    def interior(self) -> tuple[slice, slice]:
        """Return the rows and columns of the padded image that are the image itself."""
        (height, width), ((top, _), (left, _)) = self.image_size, self.padding
        return slice(top, top + height), slice(left, left + width)


def _stops(first: int, n_stops: int, stride: int) -> slice:
    return slice(first, first + (n_stops - 1) * stride + 1, stride)
