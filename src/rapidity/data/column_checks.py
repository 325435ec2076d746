"""Whether the columns of a file hold what their uses need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.data.column_types import ColumnUse
    from rapidity.data.readers.reader import ColumnInfo
    from rapidity.data.sources import JoinedFile

NUMERIC = {"float32", "float64", "integer", "boolean"}


def check_use(use: ColumnUse, file: JoinedFile, collections: Mapping[str, str]) -> None:
    """Raise an error unless a file has the column of a use, and it holds what the use needs.

    Raises
    ------
    MissingNameError
        If the file lacks it.
    DataError
        If it holds something else, or text among numbers.
    """
    info = file.require_column(use.column, use.purpose)
    if use.need == "image":  # looked at by `find_image_columns`
        return
    if use.column in collections and use.need in ("number", "exact number", "split"):
        _check_jagged(use, info, file)
        return
    if info.kind in NUMERIC or (info.kind == "text" and use.need in ("any", "split")):
        return
    if info.stray_text is not None:
        raise damaged_column(use.column, info.stray_text, file, f"{use.purpose} needs")
    expected = "a number or text" if use.need in ("any", "split") else "a number"
    cure = "Leave it out, or name a column that holds one value per event."
    if info.kind == "array":
        cure = "Leave it out; images belong to an input of `kind: image`."
    if info.kind == "text":
        cure = (
            "Leave it out, or turn it into numbers first (a column of class names belongs to `data.target`)."
        )
    message = (
        f"column '{use.column}' of {file.where} holds {info.kind} values ({info.type_name}), but "
        f"{use.purpose} "
        f"needs {expected} per event. {cure}"
    )
    raise DataError(message)


def _check_jagged(use: ColumnUse, info: ColumnInfo, file: JoinedFile) -> None:
    """Refuse a column that is jagged in another file but not in this one, or does not hold numbers."""
    if info.holds_objects:
        return
    found = "values that are no numbers" if info.kind == "jagged" else f"{info.kind} values"
    message = (
        f"column '{use.column}' of {file.where} holds {found} ({info.type_name}), but {use.purpose} needs "
        "a varying number of numbers per event, as in the other files. Make it the same in all files."
    )
    raise DataError(message)


def damaged_column(column: str, stray_text: str, file: JoinedFile, expected_by: str) -> DataError:
    """Return the error about a column of numbers with text in it."""
    place, _, found = stray_text.partition(": ")
    message = (
        f"column '{column}' of {file.where}, {place}: found {found} among numbers; {expected_by} "
        "a number per event. Correct the file, or leave the column out."
    )
    return DataError(message)
