"""Files appear whole or not at all: written beside their destination, flushed, then renamed."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RETRIES = 4
"""How often a folder is made again that another process, which made it too, has taken away as empty."""
N_RANDOM_CHARACTERS = 8
"""Characters that `tempfile` puts between the beginning and the end of a name."""


@contextmanager
def without_empty_folders(*paths: Path | str) -> Iterator[None]:
    """Take away, when the block ends, the folders of some files that it made and left empty.

    A folder that was there before stays, and so does one that holds anything.

    Parameters
    ----------
    paths
        Files that the block may write, however it ends.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with without_empty_folders(Path(folder) / "a" / "b" / "c.txt"):
    ...         (Path(folder) / "a" / "b").mkdir(parents=True)
    ...     list(Path(folder).iterdir())
    []
    """
    absent = {folder for path in paths for folder in Path(path).parents if not folder.exists()}
    try:
        yield
    finally:
        # The innermost first: then the one around it may be empty too.
        for folder in sorted(absent, key=lambda folder: len(folder.parts), reverse=True):
            # Not made at all, or not empty, or taken away by another process.
            with suppress(OSError):
                folder.rmdir()


def remove_temporaries(path: Path | str) -> None:
    """Remove the temporary files of `write_atomically` that a process which was killed left beside a file."""
    path = Path(path)
    stem, suffix = _name_parts(path)
    for temporary in path.parent.glob(f"{glob.escape(_temporary_prefix(stem))}*{glob.escape(suffix)}"):
        # Of eight characters: else it may belong to a file whose name begins like this one's.
        if len(temporary.name) == len(_temporary_prefix(stem)) + N_RANDOM_CHARACTERS + len(suffix):
            temporary.unlink(missing_ok=True)


@contextmanager
def write_atomically(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block ends without error.

    The parent folder is made, and taken away again if the block fails. An earlier file at `path` stays
    as it was until the new one is complete, and stays for good if anything fails.

    Raises
    ------
    DataError
        If the file cannot be written: no space, no permission, a folder in its place.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with write_atomically(Path(folder) / "a.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    path = Path(path)
    temporary = None
    with without_empty_folders(path):
        try:
            temporary = _make_temporary(path)
            temporary.chmod(0o666 & ~_umask())
            yield temporary
            _flush_to_disk(temporary)
            temporary.replace(path)
        except OSError as error:
            raise _explain(error, path) from error
        finally:
            if temporary is not None:
                temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write a text file (UTF-8) whole or not at all."""
    with write_atomically(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def hash_file(path: Path | str) -> str:
    """Return the SHA-256 of a file's content as a hexadecimal string."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _make_temporary(path: Path) -> Path:
    """Make an empty file beside a path, and the folder of both."""
    for _ in range(MAX_RETRIES):
        with suppress(FileNotFoundError):
            return _try_temporary(path)
    return _try_temporary(path)


def _try_temporary(path: Path) -> Path:
    stem, suffix = _name_parts(path)
    _make_folder(path.parent)
    handle, name = tempfile.mkstemp(prefix=_temporary_prefix(stem), suffix=suffix, dir=path.parent)
    os.close(handle)
    return Path(name)


def _name_parts(path: Path) -> tuple[str, str]:
    """Return the name in two parts, the suffix the second: `.csv.gz` whole, since formats are known by it."""
    suffix = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:])
    return path.name.removesuffix(suffix), suffix


def _temporary_prefix(stem: str) -> str:
    return f".{stem}-"


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileNotFoundError, FileExistsError) as error:
        # A folder of the system that takes no other, or a file in the place of the folder.
        raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def _flush_to_disk(path: Path) -> None:
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def _explain(error: OSError, path: Path) -> OSError | DataError:
    """Return the error to raise: ours where the file system refused, else the one that came."""
    causes = {
        errno.ENOSPC: "no space is left on the disk. Free some, or choose another folder.",
        errno.EDQUOT: "your disk quota is used up. Free some space, or choose another folder.",
        errno.EACCES: "permission denied. Choose a folder that you may write to.",
        errno.EROFS: "the file system is read-only. Choose a folder that you may write to.",
        errno.ENOTDIR: "a folder is needed where none can be made. Choose another folder.",
        errno.EISDIR: "a folder stands where the file should go. Choose another name.",
        errno.EPERM: "the system does not allow it. Choose a folder that you may write to.",
        errno.EIO: "the disk reports an error. Look after it, or choose another folder.",
        errno.ESTALE: "the network file system has lost the folder. Try again, or choose another folder.",
        errno.ENAMETOOLONG: "the name is too long. Choose a shorter one.",
        errno.EFBIG: "the file system does not take a file of this size. Choose another folder.",
    }
    if error.errno not in causes or isinstance(error, DataError):
        return error
    return DataError(f"cannot write {path}: {causes[error.errno]} Nothing was changed there.")
