"""Readers of event files: one module per format, all behind `open_reader`.

A reader offers the columns of one table inside one file and yields their values chunk by chunk, so
that memory stays flat whatever the size of the file. What becomes of the values (selection,
features, classes) is the business of the table assembly, not of the readers.
"""

from __future__ import annotations

from rapidity.data.readers.finding import find_files
from rapidity.data.readers.opening import FORMATS, list_tables, open_reader
from rapidity.data.readers.picture_list import find_listed_pictures
from rapidity.data.readers.reader import ColumnInfo, ColumnKind, Reader, TableInfo

__all__ = [
    "FORMATS",
    "ColumnInfo",
    "ColumnKind",
    "Reader",
    "TableInfo",
    "find_files",
    "find_listed_pictures",
    "list_tables",
    "open_reader",
]
