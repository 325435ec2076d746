"""Whether a file is the one that is meant: size, published checksum, or the one of an earlier fetch."""

from __future__ import annotations

import gzip
import hashlib
import re
import zlib
from typing import TYPE_CHECKING

from rapidity.core.errors import DataError
from rapidity.core.files import hash_file, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from rapidity.samples.public.data_set import RemoteFile

PUBLISHED, RECORDED, CONTENT = "published checksum", "recorded checksum", "content"
SIZE, NOTHING = "size (checksum recorded now)", "nothing yet (checksum recorded now)"
CONVERTED = "what it was made of (checksum recorded now)"
BLOCK = 1 << 20


def record_path(path: Path) -> Path:
    """Return the file beside `path` that keeps the checksum of its first download."""
    return path.with_name(f"{path.name}.sha256")


def recorded_checksum(path: Path) -> str | None:
    """Return the checksum that an earlier fetch recorded beside `path`, or None.

    Raises
    ------
    DataError
        If there is a record, but no checksum in it.
    """
    record = record_path(path)
    if not record.is_file():
        return None
    text = record.read_text(encoding="utf-8", errors="replace")
    found = re.match(r"[0-9a-f]{64}\b", text)
    if found is None:
        message = (
            f"{record} should begin with a SHA-256 of 64 digits, found {text[:20]!r}. Delete it: the next "
            "fetch then records the checksum of the file as it is."
        )
        raise DataError(message)
    return found.group()


def record_checksum(path: Path, sha256: str) -> None:
    """Write the checksum beside the file, in the format of ``sha256sum --check``."""
    write_text(record_path(path), f"{sha256}  {path.name}\n")


def find_fault(file: RemoteFile, content: Path, recorded: str | None) -> tuple[str | None, str, str]:
    """Compare a file on disk with what is known of it.

    Parameters
    ----------
    content
        The file to look at, whatever its name.
    recorded
        Checksum of an earlier fetch, for a file without a published one.

    Returns
    -------
    fault, sha256, verified_by
        What is wrong (None if nothing), the checksum found, and what it was compared with.
    """
    size = content.stat().st_size
    sha256 = hash_file(content)
    expected, verified_by = (file.sha256, PUBLISHED) if file.sha256 else (recorded, RECORDED)
    if sha256 == expected:
        return None, sha256, verified_by
    if file.content_sha256 is not None and hash_content(content) == file.content_sha256:
        return None, sha256, CONTENT
    if file.size is not None and size != file.size:
        return f"{size:,} bytes, expected {file.size:,}", sha256, SIZE
    if expected is not None:
        which = "published" if file.sha256 else "recorded at the first fetch"
        return f"SHA-256 {sha256}, expected {expected} ({which})", sha256, verified_by
    return None, sha256, NOTHING if file.size is None else SIZE


def hash_content(path: Path) -> str | None:
    """Return the SHA-256 of what a gzip file holds, or None if it is none or is damaged."""
    digest = hashlib.sha256()
    try:
        with gzip.open(path) as stream:
            while block := stream.read(BLOCK):
                digest.update(block)
    except (OSError, EOFError, zlib.error):
        return None
    return digest.hexdigest()
