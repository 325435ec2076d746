"""The two layouts in which pandas stores a DataFrame in HDF5: `fixed` and `table`.

pandas keeps names and text as Python pickles. They are read by `pickled_values`, which knows texts,
numbers and lists only and never runs code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.readers.arrays import ArraySource
from rapidity.data.readers.pickled_values import PickledObject, read_pickled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_LAYOUTS = {"frame", "frame_table"}


def is_pandas(node: Any) -> bool:
    """Tell whether an HDF5 group is a DataFrame of pandas."""
    return _text(node.attrs.get("pandas_type")) in _LAYOUTS


def open_pandas(group: Any, where: str) -> list[ArraySource]:
    """Return the arrays that make the columns of a stored DataFrame; its index is left out."""
    if _text(group.attrs["pandas_type"]) == "frame_table":
        return [_open_table(group)]
    blocks = [_open_block(group, number, where) for number in range(int(group.attrs["nblocks"]))]
    return [block for block in blocks if block is not None]


def _open_block(group: Any, number: int, where: str) -> ArraySource | None:
    """Return one block of a `fixed` DataFrame: the columns of one dtype, as a 2-D array."""
    values = group[f"block{number}_values"]
    names = tuple(_text(name) for name in group[f"block{number}_items"][()])
    if not names:
        return None
    if "shape" in values.attrs:  # pandas writes an empty array as its shape
        values = np.empty((0, len(names)), np.float64)
    elif values.dtype.kind == "O":
        values = _unpickle_block(values, len(names), where)
    elif not values.attrs.get("transposed", 0):
        values = np.asarray(values).T
    order = {_text(name): place for place, name in enumerate(group["axis0"][()])}
    return ArraySource(f"block{number}", values, {"": names}, rank=order)


def _unpickle_block(dataset: Any, n_columns: int, where: str) -> NDArray[Any]:
    """Return a block of text, shape ``(n_rows, n_columns)``; such a block is not read in chunks."""
    array = read_pickled(bytes(dataset[0]))
    state = array.state if isinstance(array, PickledObject) else None
    if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[4], list):
        message = (
            f"a column of {where} is stored as Python objects, which are not read because they can run code. "
            "Write it with format='table', or as Parquet."
        )
        raise DataError(message)
    _, shape, _, is_fortran, items = state
    texts = [item if isinstance(item, (str, bytes)) else _other(item) for item in items]
    flat = np.array(texts, dtype=h5py.string_dtype())
    values: NDArray[Any] = flat.reshape(shape, order="F" if is_fortran else "C")
    if values.ndim == 1:
        return values.reshape(-1, 1)
    return values if bool(dataset.attrs.get("transposed", 0)) else values.T


def _other(item: object) -> object:
    """Return an item that is no text: numbers as they are, missing values as None."""
    is_missing = isinstance(item, PickledObject) or item != item  # noqa: PLR0124 - NaN
    return None if is_missing else item


def _open_table(group: Any) -> ArraySource:
    """Return the rows of a `table` DataFrame: fields ``values_block_<n>`` hold several columns each."""
    table = group["table"]
    names: dict[str, tuple[str, ...]] = {}
    categories: dict[str, Mapping[int, str]] = {}
    for field in table.dtype.names:
        kind = table.attrs.get(f"{field}_kind")
        if not field.startswith("values_block_") and f"{field}_dtype" not in table.attrs:
            continue
        stored = read_pickled(bytes(kind)) if kind is not None else [field]
        names[field] = tuple(_text(name) for name in stored) if isinstance(stored, list) else (field,)
        if _text(table.attrs.get(f"{field}_meta")) == "category":
            labels = group[f"meta/{field}/meta/table"]["values"]
            categories[field] = {code: _text(label) for code, label in enumerate(np.ravel(labels))}
    hidden = frozenset(table.dtype.names) - frozenset(names)
    return ArraySource("table", table, names, categories, hidden=hidden, rank=_column_order(group))


def _column_order(group: Any) -> dict[str, int]:
    stored = group.attrs.get("non_index_axes")
    axes = read_pickled(bytes(stored)) if stored is not None else []
    names = axes[0][1] if axes else []
    return {_text(name): place for place, name in enumerate(names)}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
