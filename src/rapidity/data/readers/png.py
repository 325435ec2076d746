"""Folders of PNG pictures: each picture is an entry, and the folder that it lies in is its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.finding import list_pictures
from rapidity.data.readers.pictures import read_kind, read_pictures
from rapidity.data.readers.reader import ColumnInfo, TableInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

IMAGE, CLASS, FILE = "image", "class", "file"


def list_tables(path: Path) -> list[TableInfo]:
    """Return the one table of the folder."""
    return [TableInfo("", "pictures", len(list_pictures(path)))]


def open_table(path: Path, table: str | None, column_names: Sequence[str] | None) -> PictureFolderReader:
    """Open the folder; its columns have names of their own."""
    return PictureFolderReader(path)


class PictureFolderReader(TableReader):
    """The pictures of a folder and of the folders in it, ordered by their names.

    Columns: `image`, the pixels; `file`, the name of the picture inside the folder; and where there are
    folders in it `class`, the name of the folder that holds the picture.
    """

    def __init__(self, path: Path) -> None:
        self._pictures = list_pictures(path)
        if not self._pictures:
            message = f"folder {path} and the folders in it hold no PNG pictures. Name a folder that does."
            raise DataError(message)
        self._kind = read_kind(self._pictures[0])
        columns = {
            IMAGE: ColumnInfo(
                IMAGE, "array", str(self._kind), shape=self._kind.shape, dtype=self._kind.dtype
            ),
            CLASS: ColumnInfo(CLASS, "text", "name of the folder"),
            FILE: ColumnInfo(FILE, "text", "name of the file"),
        }
        if all(picture.parent == path for picture in self._pictures):
            del columns[CLASS]
        super().__init__(path, columns=columns, n_entries=len(self._pictures))

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        end = len(self._pictures) if stop is None else stop
        for first in range(start, end, chunk_size):
            pictures = self._pictures[first : min(first + chunk_size, end)]
            yield {name: self._column(name, pictures) for name in names}

    def _column(self, name: str, pictures: Sequence[Path]) -> Any:
        if name == IMAGE:
            return read_pictures(pictures, self._kind)
        if name == CLASS:
            names = ["" if picture.parent == self.path else picture.parent.name for picture in pictures]
        else:
            names = [picture.relative_to(self.path).as_posix() for picture in pictures]
        return np.array(names, dtype=object)

    def _name_row(self, first_entry: int, row: int) -> str:
        picture = self._pictures[first_entry + row].relative_to(self.path)
        return f"{super()._name_row(first_entry, row)} ({picture.as_posix()})"
