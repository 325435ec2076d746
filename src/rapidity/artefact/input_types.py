"""Columns in the types and shapes that a model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fit_dtype(name: str, values: Any, dtype: str) -> NDArray[Any]:
    """Return a column in the type of an input; values that it cannot hold are a DataError.

    Examples
    --------
    >>> fit_dtype("n_jets", np.array([2, 3]), "float32")
    array([2., 3.], dtype=float32)
    >>> fit_dtype("event", np.array([2.5]), "int64")
    Traceback (most recent call last):
    rapidity.core.errors.DataError: column 'event' must hold whole numbers (int64), found 2.5 in row 0. ...
    """
    if isinstance(values, Jagged):
        message = (
            f"column '{name}' must hold one number an event ({dtype}), found a varying number of them. "
            "Use the data in the layout that the model was trained with."
        )
        raise DataError(message)
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.ndim != 1:
        message = (
            f"column '{name}' must hold one number an event ({dtype}), found {array.dtype} of shape "
            f"{array.shape}. Convert it first."
        )
        raise DataError(message)
    if array.dtype == dtype:
        return np.ascontiguousarray(array)
    with np.errstate(invalid="ignore", over="ignore"):
        fitting = array.astype(dtype)
    bad = fitting != array if dtype == "int64" else np.isinf(fitting) & np.isfinite(array)
    if bad.any():
        row = int(np.argmax(bad))
        wanted = "whole numbers" if dtype == "int64" else "numbers that fit its type"
        message = (
            f"column '{name}' must hold {wanted} ({dtype}), found {array[row]} in row {row}. "
            "Use the data in the units and types that the model was trained with."
        )
        raise DataError(message)
    return fitting


def check_images(name: str, values: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Return a column of images as an array; another shape than ``(n_events, *shape)`` is a DataError."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.shape[1:] != shape:
        expected = ", ".join(["n_events", *map(str, shape)])
        message = (
            f"column '{name}' must hold images, numbers of shape ({expected}), found {array.dtype} of shape "
            f"{array.shape}. Cut or scale them as those that the model was trained with."
        )
        raise DataError(message)
    return array


def fit_images(name: str, images: NDArray[Any], dtype: str, first_row: int = 0) -> NDArray[Any]:
    """Return images in the type of an input; pixels that it cannot hold are a DataError.

    Examples
    --------
    >>> fit_images("image", np.full((1, 2, 2), 0.5), "uint8")
    Traceback (most recent call last):
    rapidity.core.errors.DataError: column 'image' must hold whole numbers that fit into uint8, found 0.5 ...
    """
    if images.dtype == dtype:
        return np.ascontiguousarray(images)
    with np.errstate(invalid="ignore", over="ignore"):
        fitting = images.astype(dtype)
        is_whole = fitting.dtype.kind in "iu"
        bad = fitting.astype(images.dtype) != images if is_whole else np.isinf(fitting) & np.isfinite(images)
    if bad.any():
        place = tuple(int(index) for index in np.argwhere(bad)[0])
        wanted = f"whole numbers that fit into {dtype}" if is_whole else f"numbers that fit into {dtype}"
        message = (
            f"column '{name}' must hold {wanted}, found {images[place]} in row {first_row + place[0]}. "
            "Use images with the range and type of those that the model was trained with."
        )
        raise DataError(message)
    return fitting
