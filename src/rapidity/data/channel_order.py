"""Whether the channels of an image come first or last: what its shape says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.errors import ConfigError

if TYPE_CHECKING:
    from rapidity.config.inputs import ImageInput

FEW_CHANNELS, MANY_CHANNELS = 4, 8
"""So many channels at most, and at least, tell the order of the axes apart."""
Axes = tuple[int, int, int]


def is_unlikely(shape: Axes, *, channels_first: bool) -> bool:
    """Tell whether the other order of the axes is far likelier for images of a shape.

    Images have few channels and many pixels. The other order is likelier if it makes four channels or fewer
    where this one makes eight or more, or if it makes a square picture and this one does not.

    Examples
    --------
    >>> is_unlikely((3, 125, 125), channels_first=False), is_unlikely((8, 8, 8), channels_first=False)
    (True, False)
    """
    n_channels, *size = _axes(shape, channels_first=channels_first)
    n_other, *other_size = _axes(shape, channels_first=not channels_first)
    if n_channels < MANY_CHANNELS or n_other >= n_channels:
        return False
    is_square_only_there = other_size[0] == other_size[1] and size[0] != size[1]
    return n_other <= FEW_CHANNELS or is_square_only_there


def check_channel_order(name: str, config: ImageInput, shape: tuple[int, ...]) -> None:
    """Raise a ConfigError if the order of the axes that is set is unlikely for images of this shape.

    Who names the `channels`, or writes `channels_first: false`, has looked at the shape.
    """
    is_said = "channels_first" in config.model_fields_set and not config.channels_first
    if len(shape) != 3 or config.channels is not None or is_said:
        return
    height, width, depth = shape
    if not is_unlikely((height, width, depth), channels_first=config.channels_first):
        return
    here = _axes((height, width, depth), channels_first=config.channels_first)
    other = _axes((height, width, depth), channels_first=not config.channels_first)
    if config.channels_first:
        order, cure = "(channels, height, width)", "leave channels_first out"
    else:
        order, cure = "(height, width, channels)", "set channels_first: true"
    message = (
        f"inputs.{name}: images of shape {shape} read as {order} have {here[0]} channels of {here[1]} x "
        f"{here[2]} pixels; the other way round they have {other[0]} of {other[1]} x {other[2]}. If that is "
        f"meant, {cure}; if there really are {here[0]} channels, name those to take: `channels: [0, 1, ...]`."
    )
    raise ConfigError(message)


def _axes(shape: Axes, *, channels_first: bool) -> Axes:
    """Return number of channels, height and width."""
    return shape if channels_first else (shape[2], shape[0], shape[1])
