"""The columns that make up the images of an input: their shape, their channels, how they are joined."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ConfigError, DataError
from rapidity.data.channel_order import check_channel_order
from rapidity.data.image_region import ImageRegion, find_region

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.config.inputs import ImageInput
    from rapidity.data.readers.reader import ColumnInfo
    from rapidity.data.sources import JoinedFile

VALUES_AT_ONCE = 2**18
"""Pixels handled at a time: few enough that a chunk stays in the processor's cache."""


@dataclass(frozen=True)
class ImageColumns:
    """Where the images of one input come from.

    Attributes
    ----------
    columns
        One column of whole images, or several columns ``(height, width)``, each a channel.
    stored_shape
        Shape of one event of each column, as stored.
    channels_first
        The column is ``(channels, height, width)``.
    channels
        Numbers of the channels that are taken, in this order.
    region
        The part that is taken, and the blocks that become a pixel; None: all of it as it is.
    """

    columns: tuple[str, ...]
    stored_shape: tuple[int, ...]
    channels_first: bool = False
    channels: tuple[int, ...] = (0,)
    region: ImageRegion | None = None

    @property
    def stored_size(self) -> tuple[int, int]:
        """Height and width of an image as stored."""
        height, width = self.stored_shape[1:] if self.channels_first else self.stored_shape[:2]
        return height, width

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and number of channels of an image as the network sees it."""
        size = self.stored_size if self.region is None else self.region.shape
        return (*size, len(self.channels))

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Name of each channel: its column, with its number where the column holds several.

        Examples
        --------
        >>> ImageColumns(("image",), (4, 4, 3), channels=(0, 2)).channel_names
        ('image[0]', 'image[2]')
        """
        if len(self.columns) > 1:
            return tuple(self.columns[number] for number in self.channels)
        if len(self.stored_shape) == 2:
            return self.columns
        return tuple(f"{self.columns[0]}[{number}]" for number in self.channels)

    def rows_at_once(self, n_values: int = VALUES_AT_ONCE) -> int:
        """Return the number of events with about so many pixels, one at least."""
        return max(n_values // (math.prod(self.stored_size) * len(self.channels)), 1)

    def dtype(self, columns: Mapping[str, NDArray[Any]]) -> np.dtype[Any]:
        """Return the type that holds the pixels of all the columns."""
        return np.result_type(*(columns[name].dtype for name in self.columns))

    def channel(self, columns: Mapping[str, NDArray[Any]], position: int) -> NDArray[Any]:
        """Return the channel at a position of `channels`, ``(n_events, height, width)``, as stored."""
        number = self.channels[position]
        if len(self.columns) > 1:
            return columns[self.columns[number]]
        values = columns[self.columns[0]]
        if values.ndim == 3:
            return values
        return values[:, number] if self.channels_first else values[..., number]

    def pixels(
        self, columns: Mapping[str, NDArray[Any]], position: int, dtype: np.dtype[Any] | None = None
    ) -> NDArray[Any]:
        """Return the channel at a position, of its region, ``(n_events, height, width)``.

        Parameters
        ----------
        dtype
            Of the result; blocks are put together in it. None: as stored, blocks as float.
        """
        channel = self.channel(columns, position)
        if self.region is not None:
            channel = self.region.cut(channel)
        if dtype is not None:
            channel = channel.astype(dtype)
        elif self.region is not None:
            channel = channel.astype(np.result_type(channel.dtype, np.float32))
        return channel if self.region is None else self.region.rebin(channel)

    def stack(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        """Return the images ``(n_events, height, width, channels)`` of their region, before any transform.

        Examples
        --------
        >>> image = ImageColumns(("image",), (2, 8, 8), channels_first=True, channels=(0, 1))
        >>> image.stack({"image": np.zeros((5, 2, 8, 8), np.uint8)}).shape
        (5, 8, 8, 2)
        """
        channels = [self.pixels(columns, position) for position in range(len(self.channels))]
        return channels[0][..., np.newaxis] if len(channels) == 1 else np.stack(channels, axis=-1)


def find_image_columns(name: str, config: ImageInput, files: Sequence[JoinedFile]) -> ImageColumns:
    """Return what an input of `kind: image` means in these files.

    Raises
    ------
    MissingNameError
        If a file lacks a column.
    DataError
        If a column holds no arrays of numbers, or not of the shape of an image, or of another shape in
        another file.
    ConfigError
        If a channel is taken that there is not.
    """
    first = files[0].require_column(config.columns[0], f"inputs.{name}")
    for file in files:
        for column in config.columns:
            info = file.require_column(column, f"inputs.{name}")
            _check_shape(name, config, info, file)
            if info.shape != first.shape:
                message = (
                    f"inputs.{name}: images differ in shape: {info.shape} in column '{column}' of "
                    f"{file.where}, but {first.shape} in '{config.columns[0]}' of {files[0].where}. "
                    "All images of an input need one shape: cut, pad or scale them to it first."
                )
                raise DataError(message)
    check_channel_order(name, config, first.shape)
    channels = _find_channels(name, config, first.shape)
    image = ImageColumns(config.columns, first.shape, config.channels_first, channels)
    if len(config.columns) > 1:
        # Columns that are not taken need not be read, nor be inputs of the model.
        chosen = tuple(config.columns[number] for number in channels)
        image = ImageColumns(chosen, first.shape, channels=tuple(range(len(chosen))))
    return replace(image, region=find_region(name, config.crop, config.rebin, image.stored_size))


def _check_shape(name: str, config: ImageInput, info: ColumnInfo, file: JoinedFile) -> None:
    n_axes = {3} if config.channels_first else {2, 3} if isinstance(config.column, str) else {2}
    if info.dtype is not None and len(info.shape) in n_axes and all(info.shape):
        return
    expected = (
        "(channels, height, width)" if config.channels_first
        else "(height, width) or (height, width, channels)" if isinstance(config.column, str)
        else "(height, width), since each of several columns is one channel"
    )  # fmt: skip
    found = f"arrays of shape {info.shape}" if info.dtype is not None else f"{info.kind} values"
    if info.why_no_array is not None:
        found = f"images of different sizes: {info.why_no_array}"
    message = (
        f"column '{info.name}' of {file.where} holds {found} ({info.type_name}), but inputs.{name} "
        f"needs an image per event: numbers of shape {expected}, the same in all events. Name the column of "
        f"the images; rapidity inspect {file.path} shows the shapes of all columns."
    )
    if info.holds_objects:
        message += " Objects (jets, particles) belong to an input of `kind: cloud`."
    raise DataError(message)


def _find_channels(name: str, config: ImageInput, shape: tuple[int, ...]) -> tuple[int, ...]:
    n_channels = len(config.columns)
    if n_channels == 1 and len(shape) == 3:
        n_channels = shape[0] if config.channels_first else shape[2]
    if config.channels is None:
        return tuple(range(n_channels))
    unknown = [number for number in config.channels if number >= n_channels]
    if unknown:
        if len(shape) == 2 and n_channels == 1:
            cure = "one channel alone, of number 0. Leave `channels` out, or list a column for each channel."
        else:
            cure = (
                f"{n_channels} channels, numbered from 0. If the channels come first in this shape, set "
                "channels_first."
            )
        message = f"inputs.{name}.channels takes {unknown}, but the images of shape {shape} have {cure}"
        raise ConfigError(message)
    return config.channels
