"""Fitting the transforms of an image input to the training split."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
from rapidity.data.fitted_image import FittedImage, apply_transforms, computing_dtype
from rapidity.data.transforms import ChunkedValues, FittedTransform, TransformFitError, fit_transform
from rapidity.data.unusable import check_usable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.data.images import ImageColumns
    from rapidity.data.settings import SettingsTable
    from rapidity.data.split import TrainRows


def fit_image(table: SettingsTable, name: str, image: ImageColumns, rows: TrainRows) -> FittedImage:
    """Fit the transforms of each channel to its pixels in the training split, chunk by chunk.

    Where zeros are kept, they have no say: of an image with few pixels above zero they would decide
    everything.

    Raises
    ------
    DataError
        If a pixel is NaN or infinite, or a transform does not fit the pixels of a channel.
    """
    columns = rows.table.columns
    unfitted = FittedImage(image, ((),) * len(image.channels))
    check_usable([unfitted], columns, rows.rows, rows.table.name_row)
    settings = table.of_input(name)
    keeps_zeros = settings.zeros == "keep"
    dtype = computing_dtype(image.dtype(columns))

    def transformed(position: int, transforms: tuple[FittedTransform, ...]) -> Iterator[NDArray[np.floating]]:
        size = image.rows_at_once()
        for start in range(0, rows.n_events, size):
            picked = rows.rows[start : start + size]
            chunk = {column: columns[column][picked] for column in image.columns}
            pixels = image.pixels(chunk, position, dtype)
            yield apply_transforms(transforms, pixels[pixels != 0] if keeps_zeros else pixels)

    fitted = []
    for position, channel_name in enumerate(image.channel_names):
        transforms: tuple[FittedTransform, ...] = ()
        for config in settings.steps:
            values = ChunkedValues(partial(transformed, position, transforms))
            try:
                transforms = (*transforms, fit_transform(config, values))
            except TransformFitError as error:
                message = (
                    f"image '{name}', channel '{channel_name}': {error} "
                    f"Set it under preparation.inputs.{name}."
                )
                raise DataError(message) from error
        fitted.append(transforms)
    return FittedImage(image, tuple(fitted), keeps_zeros)
