"""Finding the files that names and globs in a configuration mean."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError, closest, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence


def find_files(patterns: str | Sequence[str], base: Path | str = ".") -> list[Path]:
    """Return the files of one or several names or globs (``**`` goes into folders).

    A folder of PNG pictures, or of folders with such, counts as a file. Names are relative to `base`; ``~``
    is the home folder. The files of a glob are sorted, the patterns keep their order, and no file appears
    twice.

    Raises
    ------
    DataError
        If a pattern finds nothing; the message shows the nearest names in that folder.
    """
    found: dict[Path, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        full = Path(base) / Path(pattern).expanduser()
        if full.is_file() or holds_pictures(full):
            found[full] = None
            continue
        matches = sorted(Path(name) for name in glob.glob(str(full), recursive=True))  # noqa: PTH207 - full is absolute or not
        files = [path for path in matches if path.is_file()] or list(filter(holds_pictures, matches))
        if not files:
            raise missing_file(full)
        found.update(dict.fromkeys(files))
    return list(found)


def list_pictures(folder: Path) -> list[Path]:
    """Return the PNG pictures of a folder and of the folders in it, by their names; no deeper."""
    inside = sorted(folder.iterdir())
    places = [folder, *(entry for entry in inside if entry.is_dir() and not entry.name.startswith("."))]
    return [path for place in places for path in sorted(place.iterdir()) if _is_picture(path)]


def holds_pictures(path: Path) -> bool:
    """Tell whether this is a folder with PNG pictures, or with folders of them: a table of pictures."""
    return path.is_dir() and bool(list_pictures(path))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() == ".png" and not path.name.startswith(".")


def missing_file(path: Path) -> DataError:
    """Return the error about a file that is not there, with what its folder holds instead."""
    if path.is_dir():
        content = shorten(sorted(entry.name for entry in path.iterdir()))
        message = f"{path} is a folder, not a file; it holds: {content or 'nothing'}. "
        return DataError(message + f"Name a file, or a glob such as {path}/*.root")
    what = f"no file matches {path}" if glob.has_magic(str(path)) else f"file {path} does not exist"
    file, _, table = str(path).rpartition(":")
    if Path(file).is_file():
        option = f"--table {table}, or in a source `dataset` or `tree`: {table}"
        return DataError(f"{what}, but {file} does. Name the table by itself: {option}.")
    folder = _deepest_folder(path)
    if folder != path.parent:
        message = f"{what}: there is no folder {path.parent}, only {folder}. Correct the path."
        return DataError(message)
    names = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    near = closest(path.name, names)
    there = f"Closest: {', '.join(near)}" if near else f"In {folder}: {shorten(names) or 'nothing'}"
    return DataError(f"{what}. {there}. Correct the path.")


def _deepest_folder(path: Path) -> Path:
    for folder in path.parents:
        if folder.is_dir():
            return folder
    return Path()
