"""`fetch`: from the name of a public data set to its verified files in a folder."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError, InterruptedRunError
from rapidity.core.files import hash_file, write_atomically
from rapidity.core.progress import SilentProgress
from rapidity.samples.public.catalogue import PUBLIC_DATA_SETS
from rapidity.samples.public.data_set import FetchedFile, FetchSummary
from rapidity.samples.public.downloading import download
from rapidity.samples.public.verifying import (
    CONTENT,
    CONVERTED,
    NOTHING,
    RECORDED,
    SIZE,
    find_fault,
    record_checksum,
    record_path,
    recorded_checksum,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rapidity.core.progress import Progress
    from rapidity.samples.public.data_set import DerivedFile, Origin, PublicDataSet, RemoteFile


def fetch(
    name: str,
    folder: Path | str | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> FetchSummary:
    """Put the files of a public data set into a folder, each whole and verified, or not at all.

    A file that is there already is verified and kept; nothing is downloaded then.

    Parameters
    ----------
    name
        A key of `PUBLIC_DATA_SETS`.
    folder
        Where the files go; a folder of the name of the data set when left out.
    overwrite
        Replace files that are there and are not those that are meant; checksums recorded by an earlier
        fetch are then forgotten too.
    progress
        What shows the work; None for silence.

    Raises
    ------
    ConfigError
        If there is no such data set.
    DataError
        If a file cannot be had or written, or another file is in its place.
    InterruptedRunError
        On Ctrl-C; complete files stay.
    """
    data_set = PUBLIC_DATA_SETS.get_variant(name)
    target = Path(folder) if folder is not None else Path(name)
    is_new = not target.exists()
    try:
        files = tuple(_fetch_files(data_set, target, progress or SilentProgress(), overwrite=overwrite))
    except KeyboardInterrupt:
        n_complete = sum(path.is_file() for path in target.glob("[!.]*") if path.suffix != ".sha256")
        message = (
            f"fetching {name} was interrupted. {target} holds {n_complete} complete files and none that is "
            f"half-written. Go on with: rapidity fetch {name} -o {target}"
        )
        raise InterruptedRunError(message) from None
    finally:
        if is_new:
            with suppress(OSError):  # a folder with files in it stays
                target.rmdir()
    return FetchSummary(name, target, files)


def _fetch_files(
    data_set: PublicDataSet, target: Path, progress: Progress, *, overwrite: bool
) -> Iterator[FetchedFile]:
    for name, content in data_set.make().items() if data_set.make else ():
        yield _write_made(data_set.name, target / name, content, overwrite=overwrite)
    for file in data_set.files:
        yield _fetch_file(file, target / file.name, progress, overwrite=overwrite)
    for derived in data_set.derived:
        yield _derive_file(derived, target / derived.name, progress, overwrite=overwrite)


def _fetch_file(file: RemoteFile, path: Path, progress: Progress, *, overwrite: bool) -> FetchedFile:
    recorded = _recall(file, path, overwrite=overwrite)
    if path.exists():
        _refuse_folder(path)
        fault, sha256, verified_by = find_fault(file, path, recorded)
        if fault is None:
            _record_first(file, path, sha256, verified_by)
            return FetchedFile(path, "already there", path.stat().st_size, sha256, verified_by)
        if not overwrite:
            raise DataError(_explain_other(path, fault))
        recorded = None
    sha256, verified_by = download(file, path, recorded, progress)
    _record_first(file, path, sha256, verified_by)
    return FetchedFile(path, "downloaded", path.stat().st_size, sha256, verified_by)


def _derive_file(file: DerivedFile, path: Path, progress: Progress, *, overwrite: bool) -> FetchedFile:
    """Make a file of those downloaded; it is known again by the checksum recorded when it was made."""
    if path.exists():
        _refuse_folder(path)
        sha256 = hash_file(path)
        if not overwrite and sha256 == recorded_checksum(path):
            return FetchedFile(path, "already there", path.stat().st_size, sha256, RECORDED)
        if not overwrite:
            raise DataError(_explain_other(path, "it is not the one that was made here"))
    with progress.task(f"Converting to {file.name}"), write_atomically(path) as temporary:
        file.write(path.parent, temporary)
        sha256 = hash_file(temporary)
        # Before the file has its name: one without a record would be taken for another file.
        record_checksum(path, sha256)
    return FetchedFile(path, "written", path.stat().st_size, sha256, CONVERTED)


def _recall(file: RemoteFile, path: Path, *, overwrite: bool) -> str | None:
    """Return the checksum of the first fetch, where none is published."""
    if file.sha256 is not None:
        return None
    try:
        return recorded_checksum(path)
    except DataError:
        if overwrite:
            return None
        raise


def _record_first(file: RemoteFile, path: Path, sha256: str, verified_by: str) -> None:
    """Record the checksum of a file that could be compared with none."""
    if file.sha256 is None and verified_by in (SIZE, NOTHING):
        record_checksum(path, sha256)


def _write_made(name: str, path: Path, content: bytes, *, overwrite: bool) -> FetchedFile:
    """Write a file of a data set that an installed package carries."""
    origin: Origin = "written"
    if path.exists():
        _refuse_folder(path)
        if _holds(path, content):
            origin = "already there"
        elif not overwrite:
            raise DataError(_explain_other(path, f"its content is not that of {name}"))
    if origin == "written":
        with write_atomically(path) as temporary:
            # Without the time of writing, the same content always gives the same file.
            temporary.write_bytes(gzip.compress(content, mtime=0))
    return FetchedFile(path, origin, path.stat().st_size, hash_file(path), CONTENT)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return gzip.decompress(path.read_bytes()) == content
    except (OSError, EOFError, zlib.error):
        return False


def _refuse_folder(path: Path) -> None:
    if path.is_dir():
        message = f"{path} is a folder, but a file of this name is to be fetched. Give another --output."
        raise DataError(message)


def _explain_other(path: Path, fault: str) -> str:
    record = record_path(path)
    about_record = f" (or delete {record.name}, if this file is the right one)" if record.is_file() else ""
    return (
        f"{path} is there already and is another file or a damaged one: {fault}. Give another --output, or "
        f"--overwrite to replace it{about_record}. Nothing was changed."
    )
