"""Images in the graph: from columns as stored to float32 ``(n, height, width, channels)``.

Pixels are transformed in the type that `data.fitted_image.computing_dtype` gives, as when training: float32
unless the stored type has more digits. Channels whose transforms are alike share the nodes, with a vector
of constants.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.columns import cast
from rapidity.artefact.emission import CHANNELS, Emitter
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.data.fitted_image import computing_dtype

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.artefact.graph import GraphBuilder
    from rapidity.data.fitted_image import FittedImage
    from rapidity.data.image_region import ImageRegion
    from rapidity.data.images import ImageColumns

SCOPE = "preparation"


def add_image(graph: GraphBuilder, fitted: FittedImage, dtypes: Mapping[str, str]) -> str:
    """Add the preparation of an image and return its value, float32 ``(n, height, width, channels)``.

    Parameters
    ----------
    dtypes
        Raw column -> type of its input in the graph.
    """
    image = fitted.image
    dtype = computing_dtype(np.result_type(*(np.dtype(dtypes[name]) for name in image.columns))).name
    if len(image.columns) > 1:
        pixels = _join_columns(graph, image, dtypes, dtype)
    else:
        pixels = _take_channels(graph, image)
        pixels = cast(graph, pixels, dtypes[image.columns[0]], dtype, SCOPE)
    if image.region is not None:
        pixels = _take_region(graph, pixels, image.region, len(image.channels), dtype)
    xp: Any = OnnxNamespace()
    channels = [xp.column(str(position)) for position in range(len(image.channels))]
    for position, transforms in enumerate(fitted.transforms):
        for transform in transforms:
            channels[position] = transform.apply(channels[position], xp)
    source = _ChannelSource(graph, pixels, len(channels))
    prepared = Emitter(graph, source, CHANNELS[dtype]).emit_features(channels)
    if fitted.keeps_zeros:
        zero = graph.constant(np.zeros((), dtype), f"{SCOPE}/zero")
        is_zero = graph.add("Equal", [pixels, zero], scope=SCOPE)
        prepared = graph.add("Where", [is_zero, zero, prepared], scope=SCOPE)
    return cast(graph, prepared, dtype, "float32", SCOPE)


def _join_columns(graph: GraphBuilder, image: ImageColumns, dtypes: Mapping[str, str], dtype: str) -> str:
    """Return columns ``(n, height, width)`` as the channels of one image."""
    chosen = [image.columns[number] for number in image.channels]
    values = [_add_axis(graph, cast(graph, name, dtypes[name], dtype, SCOPE)) for name in chosen]
    return values[0] if len(values) == 1 else graph.add("Concat", values, scope=SCOPE, axis=3)


def _take_channels(graph: GraphBuilder, image: ImageColumns) -> str:
    """Return the channels of one column, last axis, in the type of the column."""
    value = image.columns[0]
    if len(image.stored_shape) == 2:
        return _add_axis(graph, value)
    n_channels = image.stored_shape[0 if image.channels_first else 2]
    if image.channels != tuple(range(n_channels)):
        index = graph.constant(np.array(image.channels, np.int64), f"{SCOPE}/channels")
        value = graph.add("Gather", [value, index], scope=SCOPE, axis=1 if image.channels_first else 3)
    return graph.add("Transpose", [value], scope=SCOPE, perm=[0, 2, 3, 1]) if image.channels_first else value


def _take_region(graph: GraphBuilder, value: str, region: ImageRegion, n_channels: int, dtype: str) -> str:
    """Return the region of images ``(n, height, width, channels)``, blocks of pixels put together."""
    ends = (region.top + region.height, region.left + region.width)
    bounds = [(region.top, region.left), ends, (1, 2)]
    listed = [graph.constant(np.array(numbers, np.int64), f"{SCOPE}/crop") for numbers in bounds]
    value = graph.add("Slice", [value, *listed], scope=SCOPE)
    if region.block == (1, 1):
        return value
    (height, width), (rows, columns) = region.shape, region.block
    # The first axis is as it comes: 0 stands for that.
    shape = graph.constant(
        np.array([0, height, rows, width, columns, n_channels], np.int64), f"{SCOPE}/blocks"
    )
    axes = graph.constant(np.array([2, 4], np.int64), f"{SCOPE}/axes")
    blocks = graph.add("Reshape", [value, shape], scope=SCOPE)
    summed = graph.add("ReduceSum", [blocks, axes], scope=SCOPE, keepdims=0)
    if region.function == "sum":
        return summed
    size = graph.constant(np.array(rows * columns, dtype), f"{SCOPE}/block_size")
    return graph.add("Div", [summed, size], scope=SCOPE)


def _add_axis(graph: GraphBuilder, value: str) -> str:
    axis = graph.constant(np.array([3], np.int64), f"{SCOPE}/axis")
    return graph.add("Unsqueeze", [value, axis], scope=SCOPE)


class _ChannelSource:
    """Channels of one value as columns for the emitter (`artefact.columns.ColumnSource`)."""

    def __init__(self, graph: GraphBuilder, pixels: str, n_channels: int) -> None:
        self.graph, self.pixels = graph, pixels
        self._all = tuple(map(str, range(n_channels)))

    def stack(self, names: tuple[str, ...]) -> str:
        """Return the channels of these numbers, last axis."""
        if names == self._all:
            return self.pixels
        index = self.graph.constant(np.array(list(map(int, names)), np.int64), f"{SCOPE}/channels")
        return self.graph.add("Gather", [self.pixels, index], scope=SCOPE, axis=3)

    def objects(self, name: str) -> str:
        """Refuse: channels are no objects."""
        raise NotImplementedError

    def is_object(self, collection: str) -> str:
        """Refuse: channels are no objects."""
        raise NotImplementedError
