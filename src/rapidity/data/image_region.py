"""The part of an image that is taken, and the blocks of pixels that are put together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from rapidity.core.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.config.images import Crop, Rebin

MAX_SIZES_SHOWN = 12


@dataclass(frozen=True)
class ImageRegion:
    """A rectangle of an image, divided into blocks of pixels that become one pixel each.

    Attributes
    ----------
    top, left
        Row and column of the first pixel, from 0.
    height, width
        Pixels of the rectangle, before they are put together.
    block
        Height and width of a block in pixels; they divide the rectangle.
    function
        What a block becomes: the `sum` of its pixels, or their `mean`.
    """

    top: int
    left: int
    height: int
    width: int
    block: tuple[int, int] = (1, 1)
    function: Literal["sum", "mean"] = "sum"

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of what comes out."""
        return self.height // self.block[0], self.width // self.block[1]

    def describe(self) -> str:
        """Say what a pixel is, for people.

        Examples
        --------
        >>> ImageRegion(25, 25, 75, 75, block=(3, 3)).describe()
        'sums of 3 x 3 pixels, of the 75 x 75 that are taken'
        >>> ImageRegion(25, 25, 75, 75).describe()
        'pixels as in the file, 75 x 75 of them'
        """
        size = f"{self.height} x {self.width}"
        if self.block == (1, 1):
            return f"pixels as in the file, {size} of them"
        return f"{self.function}s of {self.block[0]} x {self.block[1]} pixels, of the {size} that are taken"

    def cut(self, channel: NDArray[Any]) -> NDArray[Any]:
        """Return the rectangle of images ``(n_events, height, width)``, a view."""
        return channel[:, self.top : self.top + self.height, self.left : self.left + self.width]

    def rebin(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the blocks of the rectangle ``(n_events, height, width)``, in the type of the values.

        Examples
        --------
        >>> import numpy as np
        >>> region = ImageRegion(0, 0, 4, 4, block=(2, 2))
        >>> region.rebin(np.ones((1, 4, 4), np.float32))
        array([[[4., 4.],
                [4., 4.]]], dtype=float32)
        """
        if self.block == (1, 1):
            return values
        (height, width), (rows, columns) = self.shape, self.block
        # First along the rows, whose pixels lie beside each other in memory.
        blocks = values.reshape(-1, height, rows, width, columns).sum(axis=4).sum(axis=2)
        found: NDArray[Any] = blocks if self.function == "sum" else blocks / values.dtype.type(rows * columns)
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the region as plain values for JSON."""
        return {**asdict(self), "block": list(self.block)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> ImageRegion:
        """Return the region that `to_dict` wrote."""
        return cls(**{**values, "block": tuple(values["block"])})


def find_region(
    name: str, crop: Crop | None, rebin: Rebin | None, size: tuple[int, int]
) -> ImageRegion | None:
    """Return what an input takes of images of a height and width; None: all, pixel by pixel.

    Raises
    ------
    ConfigError
        If the crop goes beyond the image, or the blocks do not divide it.
    """
    if crop is None and rebin is None:
        return None
    top = left = 0
    height, width = size
    if crop is not None:
        top = (size[0] - crop.height) // 2 if crop.top is None else crop.top
        left = (size[1] - crop.width) // 2 if crop.left is None else crop.left
        height, width = crop.height, crop.width
        if min(top, left) < 0 or top + height > size[0] or left + width > size[1]:
            message = (
                f"inputs.{name}.crop: rows {top} to {top + height} and columns {left} to {left + width} were "
                f"asked for, but the images have {size[0]} rows and {size[1]} columns. Take a part that lies "
                "inside them."
            )
            raise ConfigError(message)
    block = (1, 1) if rebin is None else rebin.factor
    if height % block[0] or width % block[1]:
        message = (
            f"inputs.{name}.rebin: blocks of {block[0]} x {block[1]} pixels do not divide the {height} x "
            f"{width} pixels. Sizes that do: {_divisors(height)} of the height, {_divisors(width)} of the "
            f"width; or crop to {height - height % block[0]} x {width - width % block[1]} pixels first."
        )
        raise ConfigError(message)
    return ImageRegion(top, left, height, width, block, "sum" if rebin is None else rebin.function)


def _divisors(number: int) -> str:
    found = [str(size) for size in range(2, number + 1) if number % size == 0]
    return ", ".join(found[:MAX_SIZES_SHOWN])
