"""Values given as text, ``NAME=VALUE``: a number, several with commas, or a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import ConfigError, DataError, MissingNameError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

TEXT_SUFFIXES = (".csv", ".txt", ".dat")


def read_named_values(texts: Iterable[str], option: str) -> dict[str, Values]:
    """Return name -> values of several texts.

    Parameters
    ----------
    texts
        Each ``NAME=NUMBER``, ``NAME=NUMBER,NUMBER,...``, ``NAME=FILE.npy`` or ``NAME=FILE.csv[:COLUMN]``.
    option
        What the user calls them, for messages.

    Raises
    ------
    ConfigError
        If a text is no ``NAME=VALUE``, or a name is given twice.
    DataError
        If a file is missing or holds no numbers.

    Examples
    --------
    >>> read_named_values(["w=0.5", "x=1,2,3"], "--input")
    {'w': array(0.5), 'x': array([1., 2., 3.])}
    """
    found: dict[str, Values] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name and equals and value):
            message = f"{option} '{text}' is not NAME=VALUE, say {option} w0=0.5 or {option} x=x.npy."
            raise ConfigError(message)
        if name in found:
            message = f"{option} {name} is given twice. Several numbers stand with commas: {name}=1,2."
            raise ConfigError(message)
        numbers = _numbers(value.split(","))
        if numbers is None:
            found[name] = _read_file(value, f"{option} {name}")
        else:
            found[name] = numbers if "," in value else np.array(numbers[0])
    return found


def _numbers(words: list[str]) -> Values | None:
    try:
        return np.array([float(word) for word in words])
    except ValueError:
        return None


def _read_file(text: str, owner: str) -> Values:
    path, column = Path(text), None
    if not path.exists() and ":" in text:
        name, _, column = text.rpartition(":")
        path = Path(name)
    if not path.is_file():
        message = (
            f"{owner}: '{text}' is neither a number nor a file that exists. Give a number, several with"
            " commas, or a file (.npy, .csv, .txt)."
        )
        raise DataError(message)
    if path.suffix == ".npy":
        return _read_npy(path, owner)
    if path.suffix in TEXT_SUFFIXES:
        return _read_column(path, column, owner)
    message = (
        f"{owner}: {path} has the suffix '{path.suffix}'; values are read from .npy, .csv, .txt and .dat."
    )
    raise DataError(message)


def _read_npy(path: Path, owner: str) -> Values:
    try:
        array = np.load(path, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        message = f"{owner}: {path} cannot be read as an array of NumPy ({error})."
        raise DataError(message) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        message = f"{owner}: {path} holds no array of numbers. Write it with numpy.save."
        raise DataError(message)
    return array.astype(np.float64)


def _read_column(path: Path, column: str | None, owner: str) -> Values:
    """Return one column of a text file; a first row that is not all numbers has the names."""
    try:
        text = path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as error:
        message = f"{owner}: {path} cannot be read as text ({error})."
        raise DataError(message) from error
    rows = [
        (number, re.split(r"\s*[,;]\s*|\s+", line.strip()))
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not rows:
        message = f"{owner}: {path} holds no numbers."
        raise DataError(message)
    names = [] if _numbers(rows[0][1]) is not None else rows.pop(0)[1]
    index = _find_column(path, names or [str(i) for i in range(len(rows[0][1]))], column, owner)
    return np.array([_cell(path, number, row, index, owner) for number, row in rows])


def _find_column(path: Path, names: list[str], column: str | None, owner: str) -> int:
    if column is None and len(names) == 1:
        return 0
    if column in names:
        return names.index(column)
    if column is None:
        message = (
            f"{owner}: {path} has {len(names)} columns ({shorten(names)}). Say which: {path}:{names[0]}."
        )
        raise DataError(message)
    near = closest(column, names)
    hint = f" Closest: {shorten(near)}." if near else ""
    message = f"{owner}: {path} has no column '{column}'.{hint} Columns: {shorten(names)}."
    raise MissingNameError(message)


def _cell(path: Path, number: int, row: list[str], index: int, owner: str) -> float:
    try:
        return float(row[index])
    except (ValueError, IndexError):
        found = f"'{row[index]}'" if index < len(row) else "nothing"
        message = (
            f"{owner}: line {number} of {path} has {found} where a number should be (column {index + 1})."
        )
        raise DataError(message) from None
