"""Going through the events of new files chunk by chunk, for prediction: no selection, nothing kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rapidity.core.errors import DataError
from rapidity.data.readers.opening import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray


CHUNK_SIZE = 131_072


@dataclass(frozen=True)
class EventChunk:
    """Some consecutive events of one file.

    Attributes
    ----------
    columns
        Raw column name -> array ``(n_events,)``, of images ``(n_events, ...)``, in the dtype asked for.
    file, first_entry
        The file, and the entry there of the first event.
    """

    columns: Mapping[str, NDArray[Any]]
    file: Path
    first_entry: int

    @property
    def n_events(self) -> int:
        """Number of events in the chunk."""
        return len(next(iter(self.columns.values())))


def iterate_events(
    files: Sequence[Path],
    dtypes: Mapping[str, DTypeLike],
    *,
    tree: str | None = None,
    dataset: str | None = None,
    column_names: Sequence[str] | None = None,
    chunk_size: int = CHUNK_SIZE,
) -> Iterator[EventChunk]:
    """Yield the named columns of every entry of the files, in order.

    Parameters
    ----------
    dtypes
        Column -> dtype, as a model states its inputs; `object` for text; with a shape for images.
    tree, dataset, column_names
        As in a source: the table inside ROOT or HDF5 files; names for files that carry none.

    Raises
    ------
    DataError
        If a file cannot be read; MissingNameError if it lacks a column.
    """
    if not dtypes:
        message = "no column was asked for. Name at least one: a model's inputs are its columns."
        raise DataError(message)
    for path in files:
        reader = open_reader(path, tree=tree, dataset=dataset, column_names=column_names)
        first_entry = 0
        for columns in reader.read(dtypes, chunk_size):
            chunk = EventChunk(columns, path, first_entry)
            if chunk.n_events:
                yield chunk
            first_entry += chunk.n_events
