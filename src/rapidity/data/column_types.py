"""In which type a column is read and kept, and how many entries of it at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.core.jagged import JaggedType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rapidity.data.readers.reader import ColumnInfo
    from rapidity.data.sources import JoinedFile

ColumnType = np.dtype[Any] | JaggedType
"""As a reader is asked for a column."""

# Kinds whose values a float32 holds exactly: reading them as float64 would only cost memory.
EXACT_IN_FLOAT32 = {"float32", "boolean"}
EXACT_IN_FLOAT32_TYPES = {"float32", "uint8", "int8", "uint16", "int16"}
"""The same for the values of jagged columns, by their types."""

Need = Literal["number", "exact number", "integer", "any", "split", "image"]
"""What a purpose needs of a column: float32, float64, int64, a number or text as it comes (for `split` also
jagged), arrays."""

MAX_ROWS = 32_768
"""Entries read at a time: enough that the work on a chunk outweighs its overhead."""
MAX_CHUNK_BYTES = 2**25
"""Of large entries (images) fewer are read at a time."""
OBJECTS_EXPECTED = 16
"""Objects of a collection that an event is taken to have, where a file need not say."""


@dataclass(frozen=True)
class ColumnUse:
    """One purpose of a column; `is_kept` if it must be in the table afterwards."""

    column: str
    purpose: str
    need: Need
    is_kept: bool = True


def read_dtypes(uses: Iterable[ColumnUse], file: JoinedFile) -> dict[str, ColumnType]:
    """Return the dtype in which each column of this file is read: one that serves all its uses."""
    needs: dict[str, set[Need]] = {}
    for use in uses:
        needs.setdefault(use.column, set()).add(use.need)
    return {
        column: _common_dtype([_dtype_for(need, file.columns[column]) for need in of_column])
        for column, of_column in needs.items()
    }


def stored_dtypes(uses: Sequence[ColumnUse], files: Sequence[JoinedFile]) -> dict[str, ColumnType]:
    """Return the dtype of each column of the table: the same for all files."""
    stored: dict[str, ColumnType] = {}
    for use in uses:
        if not use.is_kept:
            continue
        dtypes = [_dtype_for(use.need, file.columns[use.column]) for file in files]
        texts = [file.where for file, dtype in zip(files, dtypes, strict=True) if dtype == np.dtype(object)]
        if texts and len(texts) < len(files):
            message = (
                f"column '{use.column}' ({use.purpose}) is text in {shorten(texts, 3)} but a number "
                "elsewhere. "
                "Make it the same in all files."
            )
            raise DataError(message)
        if len(set(dtypes)) > 1 and use.need != "image":
            is_jagged = isinstance(dtypes[0], JaggedType)
            dtypes = [JaggedType.of(np.float64) if is_jagged else np.dtype(np.float64)]
        stored[use.column] = _common_dtype([*dtypes, *([stored[use.column]] if use.column in stored else [])])
    return stored


def rows_at_once(dtypes: Mapping[str, Any], most: int | None = None) -> int:
    """Return how many entries of columns of these types to hold in memory at a time.

    Examples
    --------
    >>> rows_at_once({"pt": np.float32}), rows_at_once({"image": np.dtype((np.float32, (512, 512)))})
    (32768, 32)
    """
    bytes_per_row = sum(_bytes_of(dtype) for dtype in dtypes.values())
    return int(max(min(most or MAX_ROWS, MAX_CHUNK_BYTES // max(bytes_per_row, 1)), 1))


def _bytes_of(dtype: Any) -> int:
    """Return how much memory an event takes in a column; of a jagged column a guess."""
    if isinstance(dtype, JaggedType):
        return int(OBJECTS_EXPECTED * dtype.dtype.itemsize)
    return int(np.dtype(dtype).itemsize)


def _dtype_for(need: Need, info: ColumnInfo) -> ColumnType:
    if need == "image":
        # Half the memory; pixels are measured, so that the digits beyond float32 say nothing.
        return np.dtype((np.float32 if info.dtype == "float64" else info.dtype, info.shape))
    if info.holds_objects:
        return JaggedType.of(np.float32 if info.dtype in EXACT_IN_FLOAT32_TYPES else np.float64)
    if need == "integer":
        return np.dtype(np.int64)
    if need in ("any", "split"):
        natural = {"text": np.dtype(object), "integer": np.dtype(np.int64), "float64": np.dtype(np.float64)}
        return natural.get(info.kind, np.dtype(np.float32))
    if need == "exact number" and info.kind not in EXACT_IN_FLOAT32:
        return np.dtype(np.float64)
    return np.dtype(np.float32)


def _common_dtype(dtypes: Sequence[ColumnType]) -> ColumnType:
    """Return the dtype that loses least: text over integers over float64 over float32; arrays stay arrays."""
    order = [np.dtype(object), np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.float32)]
    jagged = [dtype.dtype for dtype in dtypes if isinstance(dtype, JaggedType)]
    if jagged:
        return JaggedType(min(jagged, key=order.index))
    plain = [dtype for dtype in dtypes if isinstance(dtype, np.dtype)]
    if plain[0].subdtype is not None:
        return np.dtype((np.result_type(*(dtype.base for dtype in plain)), plain[0].shape))
    return min(plain, key=order.index)
