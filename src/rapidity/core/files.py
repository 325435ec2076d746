"""Files appear whole or not at all: written beside their destination, flushed, then renamed."""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def write_atomically(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block ends without error.

    The parent folder is made. An earlier file at `path` stays as it was until the new one is
    complete, and stays for good if anything fails.

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
    try:
        _make_folder(path.parent)
        # The suffix is kept, `.csv.gz` whole: writers and readers choose their format by it.
        suffix = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:])
        stem = path.name.removesuffix(suffix)
        handle, name = tempfile.mkstemp(prefix=f".{stem}-", suffix=suffix, dir=path.parent)
        temporary = Path(name)
        os.close(handle)
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
