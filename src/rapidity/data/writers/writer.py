"""What every writer offers, and what they share: the check of the chunks, and files that appear whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.core.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from numpy.typing import DTypeLike, NDArray

FORMAT_VERSION = 1
"""Stored in the HDF5 and Parquet files written here; it grows when an older reader could misread them."""


@dataclass(frozen=True)
class OutputColumn:
    """A column to be written.

    Attributes
    ----------
    dtype
        What the values are stored as; ``object`` is text.
    unit, source_branch, expression, collection
        Stored beside the column where the format has room for it (HDF5, Parquet; of ROOT the units).
    class_names
        For a column of codes: what code 0, 1, ... stand for. CSV and Parquet get the names themselves,
        Parquet also their order.
    shape
        Of one event, for arrays and padded objects (HDF5, Parquet).
    is_jagged
        Whether the column comes as `Jagged` (Parquet, and trees if it has a collection).
    """

    dtype: DTypeLike
    unit: str | None = None
    source_branch: str | None = None
    class_names: tuple[str, ...] | None = None
    expression: str | None = None
    collection: str | None = None
    shape: tuple[int, ...] = ()
    is_jagged: bool = False

    @property
    def facts(self) -> dict[str, str]:
        """What is stored beside the column, by the names of the attributes."""
        facts = {name: getattr(self, name) for name in ("unit", "source_branch", "expression", "collection")}
        return {name: text for name, text in facts.items() if text is not None}


class Writer(ABC):
    """Writes one table; use it in a ``with`` block.

    An earlier file stays as it was until the block ends, and for good if it ends with an error.
    """

    def __init__(
        self, path: Path, columns: Mapping[str, OutputColumn], attributes: Mapping[str, str]
    ) -> None:
        self.path = path
        self._columns = columns
        self._attributes = attributes
        self._opened = ExitStack()
        self.verify: Callable[[Path], None] | None = None
        """Called with the complete temporary file before it takes its name; if it raises, nothing is left."""
        self.n_entries = 0
        """Rows written so far."""

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            temporary = opened.enter_context(write_atomically(self.path))
            opened.push(partial(self._verify, temporary))
            self._open(temporary, opened)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return self._opened.__exit__(kind, error, trace)

    def _verify(
        self, temporary: Path, kind: type[BaseException] | None, _error: object, _trace: object
    ) -> None:
        """Let the caller look at the file, which is complete and closed; not after an error."""
        if kind is None and self.verify is not None:
            self.verify(temporary)

    def write(self, chunk: Mapping[str, NDArray[Any]]) -> None:
        """Append rows: all columns, equally long.

        Raises
        ------
        DataError
            If columns are missing, unknown or of different lengths.
        """
        missing = [name for name in self._columns if name not in chunk]
        unknown = [name for name in chunk if name not in self._columns]
        lengths = {name: len(values) for name, values in chunk.items()}
        if missing or unknown or len(set(lengths.values())) > 1:
            found = shorten(f"{name} ({length} rows)" for name, length in lengths.items())
            message = (
                f"a chunk for {self.path} does not fit: found {found}, "
                f"expected equally many rows of: {shorten(self._columns)}."
            )
            raise DataError(message)
        n_rows = next(iter(lengths.values()), 0)
        if n_rows:
            self._append({name: chunk[name] for name in self._columns}, n_rows)
        self.n_entries += n_rows

    def describe(self, attributes: Mapping[str, str]) -> None:
        """Add texts about the whole file, which may be known only when all rows are written."""
        self._attributes = {**self._attributes, **attributes}

    @abstractmethod
    def _open(self, temporary: Path, opened: ExitStack) -> None:
        """Create the file; what is to be closed in the end goes onto the stack."""

    @abstractmethod
    def _append(self, chunk: Mapping[str, NDArray[Any]], n_rows: int) -> None:
        """Write checked rows."""


def name_classes(codes: NDArray[Any], class_names: Sequence[str]) -> NDArray[Any]:
    """Return the class names that the codes stand for; a negative code (class not known) becomes empty."""
    names = np.array([*class_names, ""], dtype=object)
    return names[np.where(codes < 0, len(class_names), codes)]
