"""Which columns are read for a prediction, and as what: those of the model, and the spectators."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError, MissingNameError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rapidity.data.readers import Reader

_DTYPES = {
    "integer": np.int64,
    "boolean": np.int64,
    "float32": np.float32,
    "float64": np.float64,
    "text": object,
}
MAX_FILES_SHOWN = 3
_WIDEST_FIRST = (object, np.float64, np.float32, np.int64)


def choose_columns(
    readers: Sequence[Reader], inputs: Mapping[str, Any], spectators: Sequence[str], reserved: Sequence[str]
) -> dict[str, Any]:
    """Return column -> dtype for all columns to read.

    Parameters
    ----------
    inputs
        Inputs of the model; each has a `column_dtype`.
    reserved
        Names of columns that are written anyway, which no spectator may have.

    Raises
    ------
    MissingNameError
        If files lack columns; all of them are listed, with the nearest names.
    DataError
        If a spectator cannot be copied.
    """
    clashing = [name for name in spectators if name in reserved]
    if clashing:
        message = f"spectator {', '.join(clashing)}: a column of this name is written anyway. Leave it out."
        raise DataError(message)
    wanted = list(dict.fromkeys([*inputs, *spectators]))
    problems = [problem for reader in readers if (problem := _missing(reader, wanted))]
    if problems:
        hidden = len(problems) - MAX_FILES_SHOWN
        more = [f"... and {hidden} more files"] if hidden > 0 else []
        raise MissingNameError("\n".join([*problems[:MAX_FILES_SHOWN], *more]))
    dtypes = {name: _common_dtype(name, readers) for name in spectators}
    return {**dtypes, **{name: column.column_dtype for name, column in inputs.items()}}


def _missing(reader: Reader, wanted: Sequence[str]) -> str:
    """Return what a file lacks, or nothing."""
    missing = [name for name in wanted if name not in reader.columns]
    if not missing:
        return ""
    lines = [f"{reader.where} lacks {len(missing)} of the {len(wanted)} columns that are needed:"]
    for name in missing[:10]:
        near = closest(name, reader.columns)
        lines.append(f"  '{name}'" + (f"  closest: {shorten(near)}" if near else ""))
    if len(missing) > 10:
        lines.append(f"  ... and {len(missing) - 10} more")
    lines.append(f"  List its columns: rapidity inspect {reader.path}")
    return "\n".join(lines)


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
