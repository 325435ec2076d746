"""Tables whose text columns name PNG pictures: the pictures are read as if they stood in the table."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.data.readers.base import TableReader
from rapidity.data.readers.conversion import convert
from rapidity.data.readers.csv_layout import read_sample
from rapidity.data.readers.pictures import SUFFIX, read_kind, read_pictures
from rapidity.data.readers.reader import ColumnInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from rapidity.data.readers.base import DTypes
    from rapidity.data.readers.pictures import PictureKind

NAMES_FOR_IMAGES = ("image", "pixels", "picture")
"""Names for the column of pixels, the first that the table has not got."""


def with_pictures(reader: TableReader) -> TableReader:
    """Return the table with a column of pixels, if one of its text columns names PNG pictures.

    That is so if the first value ends in ``.png``; the names are relative to the folder of the table.

    Raises
    ------
    DataError
        If the first picture is missing, damaged, or of a kind that is not read.
    """
    texts = [name for name, info in reader.columns.items() if info.kind == "text"]
    if not texts:
        return reader
    first = next(reader.read(dict.fromkeys(texts, object), 1), {})
    for name in texts:
        if len(first[name]) and str(first[name][0]).lower().endswith(SUFFIX):
            return PictureListReader(reader, name, read_kind(_find(reader, str(first[name][0]))))
    return reader


NAMED_PICTURE = re.compile(r"[^,;|\t\r\n\"']*\.png", re.IGNORECASE)


def find_listed_pictures(path: Path) -> list[Path]:
    """Return the pictures that a CSV file names, each once, in its order; but none that is not there."""
    sample, is_compressed = read_sample(path)
    if SUFFIX.encode() not in sample.lower():
        return []
    found: dict[Path, None] = {}
    with gzip.open(path, "rt", errors="replace") if is_compressed else path.open(errors="replace") as lines:
        for line in lines:
            for match in NAMED_PICTURE.findall(line):
                # Columns may be apart by spaces, which names of files may have as well.
                for name in (match.strip(), match.split()[-1]):
                    picture = path.parent / Path(name).expanduser()
                    if picture.is_file():
                        found[picture] = None
                        break
    return list(found)


class PictureListReader(TableReader):
    """A table with one more column, the pixels of the picture that each row names."""

    def __init__(self, listed: TableReader, names_column: str, kind: PictureKind) -> None:
        self._listed, self._names, self._kind = listed, names_column, kind
        self._image = next(name for name in NAMES_FOR_IMAGES if name not in listed.columns)
        image = ColumnInfo(self._image, "array", str(kind), shape=kind.shape, dtype=kind.dtype)
        columns = {**listed.columns, self._image: image}
        super().__init__(listed.path, columns=columns, n_entries=listed.n_entries, table=listed.table)

    def _raw_chunks(
        self, names: Sequence[str], chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        return self._listed._raw_chunks(names, chunk_size, start, stop)

    def _convert_chunks(
        self, wanted: DTypes, chunk_size: int, start: int, stop: int | None
    ) -> Iterator[dict[str, Any]]:
        listed = {name: dtype for name, dtype in wanted.items() if name != self._image}
        if self._image not in wanted:
            yield from self._listed._convert_chunks(listed, chunk_size, start, stop)
            return
        together = {**listed, self._names: np.dtype(object)}
        first = start
        for chunk in self._listed._convert_chunks(together, chunk_size, start, stop):
            yield {name: chunk[name] for name in listed} | {
                self._image: self._read(chunk[self._names], wanted[self._image], first)
            }
            first += len(chunk[self._names])

    def _read(self, names: NDArray[Any], dtype: Any, first: int) -> NDArray[Any]:
        """Return the pixels of the pictures with these names, the first of which is entry `first`."""
        pictures = [self._picture(first, row, name) for row, name in enumerate(names)]
        return convert(read_pictures(pictures, self._kind), dtype, self._place(self._image, first))

    def _picture(self, first: int, row: int, text: object) -> Path:
        if not text:
            self._place(self._names, first).refuse(row, None, "the name of a PNG picture.")
        return _find(self._listed, str(text))

    def _name_row(self, first_entry: int, row: int) -> str:
        return self._listed._name_row(first_entry, row)


def _find(reader: TableReader, name: str) -> Path:
    path = reader.path.parent / Path(name).expanduser()
    if not path.is_file():
        message = (
            f"{reader.where} names the picture {name}, but there is no file {path}. Names are relative to "
            "the folder of the table: correct them, or move the table beside its pictures."
        )
        raise DataError(message)
    return path
