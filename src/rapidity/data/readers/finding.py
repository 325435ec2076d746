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

    Names are relative to `base`; ``~`` is the home folder. The files of a glob are sorted, the
    patterns keep their order, and no file appears twice.

    Raises
    ------
    DataError
        If a pattern finds nothing; the message shows the nearest names in that folder.
    """
    found: dict[Path, None] = {}
    for pattern in [patterns] if isinstance(patterns, str) else patterns:
        full = Path(base) / Path(pattern).expanduser()
        if full.is_file():
            found[full] = None
            continue
        matches = sorted(Path(name) for name in glob.glob(str(full), recursive=True))  # noqa: PTH207 - full is absolute or not
        files = [path for path in matches if path.is_file()]
        if not files:
            raise missing_file(full)
        found.update(dict.fromkeys(files))
    return list(found)


def missing_file(path: Path) -> DataError:
    """Return the error about a file that is not there, with what its folder holds instead."""
    if path.is_dir():
        content = shorten(sorted(entry.name for entry in path.iterdir()))
        message = f"{path} is a folder, not a file; it holds: {content or 'nothing'}. "
        return DataError(message + f"Name a file, or a glob such as {path}/*.root")
    what = f"no file matches {path}" if glob.has_magic(str(path)) else f"file {path} does not exist"
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
