"""Creating ROOT files: how they are compressed, and texts about the whole file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uproot

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_COMPRESSION = uproot.ZSTD(1)
"""Five times as fast to write as uproot's usual ZLIB(1), and no larger; ROOT reads it from 6.20 on."""


@contextmanager
def create_root(path: Path, attributes: Mapping[str, str]) -> Iterator[Any]:
    """Create a ROOT file for a ``with`` block; each attribute becomes a ``TObjString`` of its name."""
    with uproot.recreate(path, compression=_COMPRESSION) as file:
        for name, text in attributes.items():
            file[name] = text
        yield file


def check_names(path: Path, names: Mapping[str, Any]) -> None:
    """Raise a DataError about a name that ROOT would take for a path."""
    for name in names:
        if not name or set("/;") & set(name):
            message = (
                f"column '{name}' cannot be written to {path}: ROOT takes '/' in a name for a folder and ';' "
                "for a version. Write .parquet or .csv instead, or give it another name."
            )
            raise DataError(message)
