"""Lists within lists, as Arrow holds them, as one array an event: no list is ever made a Python object.

Writers of images (pandas, Spark, awkward) store ``(channels, height, width)`` as lists of lists of lists. The
type does not tell their lengths. Arrow keeps all numbers of a column in one buffer, in their order, and the
ends of the lists in others: where these ends are evenly spaced, the buffer is the array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa

from rapidity.core.errors import DataError
from rapidity.data.readers.conversion import array_dtype

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.data.readers.conversion import Place

Shape = tuple[int, ...]


def is_list(arrow_type: Any) -> bool:
    """Tell whether this is the type of lists of varying length."""
    return bool(pa.types.is_list(arrow_type) or pa.types.is_large_list(arrow_type))


def is_any_list(arrow_type: Any) -> bool:
    """Tell whether this is the type of lists, of varying or of fixed length."""
    return is_list(arrow_type) or bool(pa.types.is_fixed_size_list(arrow_type))


def is_nested(arrow_type: Any) -> bool:
    """Tell whether these are lists of lists of numbers, with at least one length that the type leaves open.

    Examples
    --------
    >>> is_nested(pa.list_(pa.list_(pa.float32()))), is_nested(pa.list_(pa.float32()))
    (True, False)
    """
    n_axes, is_open = 0, False
    while is_any_list(arrow_type):
        n_axes += 1
        is_open = is_open or is_list(arrow_type)
        arrow_type = arrow_type.value_type
    return n_axes > 1 and is_open and _is_number(arrow_type)


def number_dtype(arrow_type: Any) -> str:
    """Return NumPy's name of the type of the numbers inside nested lists."""
    while is_any_list(arrow_type):
        arrow_type = arrow_type.value_type
    return str(array_dtype(np.dtype(arrow_type.to_pandas_dtype())))


def find_shape(array: Any) -> tuple[Shape | None, str]:
    """Return the shape that all entries have; None and why not, if they differ or there are none.

    Examples
    --------
    >>> find_shape(pa.array([[[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]]))
    ((1, 3), '')
    >>> find_shape(pa.array([[[1.0, 2.0]], [[3.0]]]))
    (None, 'shape (1, 1) in entry 1, but (1, 2) in entry 0')
    """
    first: Shape | None = None
    for entry in range(len(array)):
        shape, problem = _entry_shape(array.slice(entry, 1))
        if shape is None:
            return None, f"{problem} in entry {entry}"
        if first is not None and shape != first:
            return None, f"shape {shape} in entry {entry}, but {first} in entry 0"
        first = shape
    return first, ""


def to_regular_array(array: Any, shape: Shape, place: Place) -> NDArray[Any]:
    """Return the numbers of nested lists as they lie in memory, ``(n_entries, *shape)``; nothing is copied.

    Raises
    ------
    DataError
        If a list or a number is missing, or an entry has another shape, with its place.
    """
    values = array
    for length in shape:
        spacing = _even_spacing(values, length)
        if spacing is None:
            _refuse(array, shape, place)
        first, n_values = spacing
        values = values.values.slice(first, n_values)
    if values.null_count:
        _refuse(array, shape, place)
    return buffer_values(values).reshape(len(array), *shape)


def buffer_values(array: Any) -> NDArray[Any]:
    """Return the numbers of an array as they lie in memory; where values are missing, they mean nothing."""
    dtype = np.dtype(array.type.to_pandas_dtype())
    if len(array) == 0:  # without a buffer
        return np.empty(0, dtype)
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def _is_number(arrow_type: Any) -> bool:
    return bool(pa.types.is_integer(arrow_type) or pa.types.is_floating(arrow_type))


def _even_spacing(array: Any, length: int) -> tuple[int, int] | None:
    """Return where the values of these lists begin, and how many there are; None unless all are so long."""
    if array.null_count:
        return None
    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        return (array.offset * size, len(array) * size) if size == length else None
    offsets = buffer_values(array.offsets)
    if not len(offsets):  # an array without lists may have no ends either
        return 0, 0
    return (int(offsets[0]), len(array) * length) if (np.diff(offsets) == length).all() else None


def _entry_shape(array: Any) -> tuple[Shape | None, str]:
    """Return the shape of a single entry; None and what is wrong with it, if it has none."""
    shape: Shape = ()
    values = array
    while is_any_list(values.type):
        if values.null_count:
            return None, "a list that is missing"
        lengths = _lengths(values)
        if len(lengths) and lengths.min() != lengths.max():
            return None, f"lists of different lengths ({lengths.min()} and {lengths.max()})"
        shape = (*shape, int(lengths[0]) if len(lengths) else 0)
        values = values.flatten()
    return (None, "a number that is missing") if values.null_count else (shape, "")


def _lengths(array: Any) -> NDArray[np.int64]:
    if pa.types.is_fixed_size_list(array.type):
        return np.full(len(array), array.type.list_size)
    return np.diff(buffer_values(array.offsets)).astype(np.int64)


def _refuse(array: Any, shape: Shape, place: Place) -> NoReturn:
    """Raise the error about the first entry that is not an array of this shape."""
    entries = ((entry, *_entry_shape(array.slice(entry, 1))) for entry in range(len(array)))
    entry, found, problem = next(described for described in entries if described[1] != shape)
    what = problem if found is None else f"an array of shape {found}"
    message = (
        f"column '{place.column}' of {place.where}, {place.name_row(entry)}: found {what}, expected numbers "
        f"of shape {shape}, as in the first entry. All arrays of a column need one shape, with a number in "
        "every place: cut, pad or fill this one, or leave the event out when the file is made."
    )
    raise DataError(message)
