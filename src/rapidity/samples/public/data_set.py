"""The records that describe a public data set and what fetching one yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

Origin = Literal["downloaded", "written", "already there"]


@dataclass(frozen=True)
class RemoteFile:
    """A file as it is published.

    Attributes
    ----------
    urls
        Where it can be had, tried in this order.
    size
        In bytes; None if not known.
    sha256
        Checksum of the file; None where none is published: that of the first download is then recorded
        in a file beside it and verified from there on.
    content_sha256
        Checksum of what a ``.gz`` file holds: a copy that was compressed anew is the same data.
    """

    name: str
    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    content_sha256: str | None = None


@dataclass(frozen=True)
class DerivedFile:
    """A file that is made from those that were downloaded.

    Attributes
    ----------
    write
        Takes the folder with the downloaded files, and the file to write.
    """

    name: str
    write: Callable[[Path, Path], None]


@dataclass(frozen=True)
class PublicDataSet:
    """A data set that can be fetched.

    Attributes
    ----------
    terms
        Licence or terms of use, as its publishers state them.
    source
        Who publishes it, and where.
    files
        What is downloaded.
    make
        For a data set that an installed package carries: gives file name -> content, which is then
        compressed into files instead of downloaded.
    derived
        What is made of the downloaded files, where a configuration could not read them as they are.
    """

    name: str
    title: str
    terms: str
    source: str
    files: tuple[RemoteFile, ...] = ()
    make: Callable[[], Mapping[str, bytes]] | None = None
    derived: tuple[DerivedFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes to download, as far as they are known."""
        return sum(file.size or 0 for file in self.files)

    def describe_size(self) -> str:
        """Return how much there is to download, in words."""
        if not self.files:
            return "nothing to download"
        if not self.size:
            return "to download, how much is not known"
        at_least = "more than " if any(file.size is None for file in self.files) else ""
        return f"{at_least}{self.size / 1e6:,.1f} MB to download"


@dataclass(frozen=True)
class FetchedFile:
    """One file in the folder.

    Attributes
    ----------
    size
        In bytes.
    verified_by
        What it was compared with, in words: a published checksum, the one that an earlier fetch recorded, ...
    """

    path: Path
    origin: Origin
    size: int
    sha256: str
    verified_by: str


@dataclass(frozen=True)
class FetchSummary:
    """What `fetch` did."""

    name: str
    folder: Path
    files: tuple[FetchedFile, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        files = [
            {
                "path": str(file.path),
                "origin": file.origin,
                "size": file.size,
                "sha256": file.sha256,
                "verified_by": file.verified_by,
            }
            for file in self.files
        ]
        return {"name": self.name, "folder": str(self.folder), "files": files}
