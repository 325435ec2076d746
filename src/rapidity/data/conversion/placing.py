"""Writing parts to their places in an output whose size is known: a task for each, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
from rapidity.data.writers.regions import write_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.data.conversion.part_rows import PartOrigin, RowReader
    from rapidity.data.writers.regions import Region


@dataclass(frozen=True)
class PlaceTask:
    """A part, and where it goes.

    Attributes
    ----------
    path
        The part file.
    output, regions
        The file to write to, and where its columns are.
    first_row, n_rows
        The rows that the part becomes.
    """

    path: str
    reader: RowReader
    origin: PartOrigin
    output: str
    regions: Mapping[str, Region]
    first_row: int
    n_rows: int

    @property
    def name(self) -> str:
        """How messages call it."""
        return self.path


def place_part(task: PlaceTask) -> int:
    """Copy a part into the output; the number of its rows.

    Raises
    ------
    DataError
        If the part does not hold what was written.
    OSError
        If the output cannot be written.
    """
    n_rows = 0
    for rows in task.reader.read(Path(task.path), task.origin):
        n_new = len(next(iter(rows.values())))
        # Not a row more than belongs to it: the next are another part's.
        if n_rows + n_new <= task.n_rows:
            write_rows(Path(task.output), task.regions, task.first_row + n_rows, rows)
        n_rows += n_new
    if n_rows != task.n_rows:
        path = Path(task.path)
        message = (
            f"{path}, a part of a conversion, holds {n_rows} events, expected {task.n_rows}. Remove "
            f"the folder {path.parent}, and convert again."
        )
        raise DataError(message)
    return n_rows
