"""Where scores may be written: a known format, nothing overwritten unasked, never a file that is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
from rapidity.data.writers import WRITABLE_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_destination(output: Path | str, read: Iterable[Path | str], *, overwrite: bool) -> Path:
    """Return the path to write to; an unsuitable one is a DataError.

    Parameters
    ----------
    read
        Files that this work reads; the output must be none of them, whatever it is called.
    """
    path = Path(output)
    if path.suffix.lower() == ".root":
        message = (
            f"cannot write {path}: scores are not written as ROOT files. "
            "Use .parquet or .h5; source_file and source_entry say which event a row belongs to."
        )
        raise DataError(message)
    if not path.name.lower().endswith(WRITABLE_SUFFIXES):
        found = f"'{path.suffix}'" if path.suffix else "no suffix"
        message = (
            f"cannot write {path}: found {found}, expected a name that ends in {', '.join(WRITABLE_SUFFIXES)}"
        )
        raise DataError(message)
    if not path.exists():
        return path
    same = next((other for other in read if path.samefile(other)), None)
    if same is not None:
        message = f"cannot write {path}: it is {same}, which is read here. Choose another --output."
        raise DataError(message)
    if not overwrite:
        message = f"{path} exists already. Give --overwrite to replace it, or another --output."
        raise DataError(message)
    return path
