"""Which columns are copied beside the scores, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rapidity.data.readers import Reader

_DTYPES = {
    "integer": np.int64,
    "boolean": np.int64,
    "float32": np.float32,
    "float64": np.float64,
    "text": object,
}
MAX_SHOWN = 3
_WIDEST_FIRST = (object, np.float64, np.float32, np.int64)


def choose_spectators(
    readers: Sequence[Reader], names: Sequence[str], reserved: Sequence[str]
) -> dict[str, Any]:
    """Return spectator -> dtype: one that holds the values of all files.

    Parameters
    ----------
    reserved
        Names of columns that are written anyway, which no spectator may have.

    Raises
    ------
    MissingNameError
        If files lack columns; all of them are listed, with the nearest names.
    DataError
        If a spectator cannot be copied.
    """
    clashing = [name for name in names if name in reserved]
    if clashing:
        message = f"spectator {', '.join(clashing)}: a column of this name is written anyway. Leave it out."
        raise DataError(message)
    missing = [(reader, name) for reader in readers for name in names if name not in reader.columns]
    if missing:
        raise MissingNameError("\n".join(_say_missing(reader, name) for reader, name in missing[:MAX_SHOWN]))
    return {name: np.dtype(_common_dtype(name, readers)) for name in names}


def _say_missing(reader: Reader, name: str) -> str:
    near = closest(name, reader.columns)
    hint = f" Closest: {shorten(near)}." if near else ""
    return (
        f"spectator '{name}' is not in {reader.where}.{hint} List its columns: rapidity inspect {reader.path}"
    )


def _common_dtype(name: str, readers: Sequence[Reader]) -> Any:
    kinds = {reader.columns[name].kind: reader for reader in readers}
    for kind, reader in kinds.items():
        if kind not in _DTYPES:
            info = reader.columns[name]
            message = (
                f"spectator '{name}' of {reader.where} cannot be copied: found {info.type_name}, "
                "expected one number or text per event. Leave it out."
            )
            raise DataError(message)
    found = {_DTYPES[kind] for kind in kinds}
    if found == {np.int64, np.float32}:
        return np.float64  # float32 holds integers exactly only up to 2**24
    return next(dtype for dtype in _WIDEST_FIRST if dtype in found)
