"""One image input with the transforms that were fitted for its channels.

Pixels are transformed in float32, which holds every value of 8- and 16-bit and float32 pixels exactly:
no formula with large cancellations stands before the transforms, as it may for features. Wider types
(int32, float64) are transformed in float64. The exported model does the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.data.image_region import ImageRegion
from rapidity.data.images import VALUES_AT_ONCE, ImageColumns
from rapidity.data.number_names import NumberNames
from rapidity.data.transforms import FittedTransform, transform_from_dict, transform_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray

Transforms = tuple[FittedTransform, ...]


@dataclass(frozen=True)
class FittedImage:
    """From raw columns to one image per event, ``(height, width, channels)`` (a `FittedInput`).

    Attributes
    ----------
    image
        The columns, and how they are put together.
    transforms
        For each channel what is applied to its pixels, in this order.
    keeps_zeros
        Whether pixels that are zero (after cropping and rebinning) stay zero.
    """

    image: ImageColumns
    transforms: tuple[Transforms, ...]
    keeps_zeros: bool = False
    kind: Literal["image"] = "image"

    @property
    def names(self) -> PixelNames:
        """Name of each pixel, made when it is asked for: an image may have a million."""
        return PixelNames(self.image)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and number of channels."""
        return self.image.shape

    @property
    def number_names(self) -> dict[str, PixelNames]:
        """The names, of the one network input."""
        return {"": self.names}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape, of the one network input."""
        return {"": self.shape}

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the images."""
        return self.image.columns

    @property
    def rows_at_once(self) -> int:
        """Number of events whose pixels fit into the processor's cache."""
        return self.image.rows_at_once()

    def apply(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
        """Return float32 ``(n_events, height, width, channels)``."""
        dtype = computing_dtype(self.image.dtype(columns))
        prepared = np.empty((len(columns[self.columns[0]]), *self.shape), np.float32)
        for position, transforms in enumerate(self.transforms):
            pixels = self.image.pixels(columns, position, dtype)
            values = apply_transforms(transforms, pixels)
            prepared[..., position] = np.where(pixels == 0, 0, values) if self.keeps_zeros else values
        return prepared

    def prepare(self, columns: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        """Return what `apply` makes, as the one network input."""
        return {"": self.apply(columns)}

    def find_unusable(
        self,
        columns: Mapping[str, NDArray[Any]],
        rows: NDArray[np.int64] | None,
        name_row: Callable[[int], str],
    ) -> Iterator[str]:
        """Yield each column with pixels that are NaN or infinite."""
        for name in self.columns:
            values = columns[name]
            if values.dtype.kind != "f":
                continue
            chosen = np.arange(len(values)) if rows is None else rows
            size = max(VALUES_AT_ONCE // prod(values.shape[1:]), 1)
            bad = [
                row
                for start in range(0, len(chosen), size)
                for row in _rows_with_bad_pixels(values, chosen[start : start + size])
            ]
            if bad:
                pixel = values[bad[0]][~np.isfinite(values[bad[0]])][0]
                yield (
                    f"'{name}' has pixels that are {pixel} in {len(bad)} of {len(chosen)} events, "
                    f"first in {name_row(bad[0])}"
                )

    def to_dict(self) -> dict[str, Any]:
        """Return the input as plain values for JSON."""
        return {
            "kind": self.kind,
            "columns": list(self.columns),
            "stored_shape": list(self.image.stored_shape),
            "channels_first": self.image.channels_first,
            "channels": list(self.image.channels),
            "region": None if self.image.region is None else self.image.region.to_dict(),
            "keeps_zeros": self.keeps_zeros,
            "transforms": [[transform_to_dict(step) for step in listed] for listed in self.transforms],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FittedImage:
        """Return the input that `to_dict` wrote."""
        image = ImageColumns(
            tuple(values["columns"]),
            tuple(values["stored_shape"]),
            values["channels_first"],
            tuple(values["channels"]),
            None if values.get("region") is None else ImageRegion.from_dict(values["region"]),
        )
        return cls(
            image,
            tuple(tuple(transform_from_dict(step) for step in listed) for listed in values["transforms"]),
            values.get("keeps_zeros", False),
        )


def computing_dtype(stored: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type in which pixels are transformed: float32, or float64 where that would round them.

    Examples
    --------
    >>> [computing_dtype(np.dtype(name)).name for name in ("uint8", "int16", "float32", "int32")]
    ['float32', 'float32', 'float32', 'float64']
    """
    return np.result_type(stored, np.float32)


def apply_transforms(transforms: Transforms, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Return the pixels of one channel after the transforms, in their type."""
    with np.errstate(all="ignore"):
        for transform in transforms:
            values = transform.apply(values, np)
    return values


def _rows_with_bad_pixels(values: NDArray[Any], rows: NDArray[np.int64]) -> list[int]:
    is_finite = np.isfinite(values[rows])
    if is_finite.all():
        return []
    is_sound = is_finite.reshape(len(rows), -1).all(axis=1)
    return [int(row) for row in rows[~is_sound]]


@dataclass(frozen=True)
class PixelNames(NumberNames):
    """The names of all pixels, row by row, channels fastest.

    Examples
    --------
    >>> names = PixelNames(ImageColumns(("image",), (28, 28)))
    >>> len(names), names[29]
    (784, 'image[1, 1]')
    """

    image: ImageColumns

    def __len__(self) -> int:
        return prod(self.image.shape)

    def name(self, position: int) -> str:
        """Return the name of one pixel."""
        row, column, channel = np.unravel_index(position, self.image.shape)
        name = self.image.channel_names[channel]
        column_name, bracket, number = name.partition("[")
        return f"{column_name}[{row}, {column}{', ' + number if bracket else ']'}"
