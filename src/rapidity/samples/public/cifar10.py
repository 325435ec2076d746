"""Photographs of ten kinds of things: A. Krizhevsky, Learning Multiple Layers of Features (2009)."""

from __future__ import annotations

import tarfile
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError
from rapidity.samples.public.data_set import DerivedFile, PublicDataSet, RemoteFile

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ARCHIVE = "cifar-10-binary.tar.gz"
FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = ("test_batch.bin",)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""In the order of `batches.meta.txt` in the archive."""
SIDE, N_COLOURS = 32, 3
RECORD_BYTES = 1 + N_COLOURS * SIDE * SIDE
"""The class, then all red, all green and all blue pixels, row by row."""


def write_pictures(members: tuple[str, ...], folder: Path, target: Path) -> None:
    """Write pictures of the archive in `folder` as NPZ: `image` (n, 32, 32, 3) and `label`, the class.

    The binary version of the archive is read, in which nothing is pickled, and nothing is unpacked to disk.

    Raises
    ------
    DataError
        If the archive lacks one of the members, or holds something else in its place.
    """
    with tarfile.open(folder / ARCHIVE) as archive:
        records = np.concatenate([_read_records(archive, name, folder / ARCHIVE) for name in members])
    pixels = records[:, 1:].reshape(-1, N_COLOURS, SIDE, SIDE)
    image = np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))
    with target.open("wb") as stream:
        np.savez(stream, image=image, label=np.array(CLASSES)[records[:, 0]])


def _read_records(archive: tarfile.TarFile, name: str, path: Path) -> NDArray[np.uint8]:
    found: bytes = b""
    if f"{FOLDER}/{name}" in archive.getnames():
        stream = archive.extractfile(f"{FOLDER}/{name}")
        found = stream.read() if stream is not None else b""
    records = np.frombuffer(found[: len(found) // RECORD_BYTES * RECORD_BYTES], np.uint8)
    records = records.reshape(-1, RECORD_BYTES)
    if not found or len(found) % RECORD_BYTES or records[:, 0].max() >= len(CLASSES):
        message = (
            f"{path} has no pictures in '{FOLDER}/{name}': found {len(found):,} bytes, expected pictures of "
            f"{RECORD_BYTES:,} bytes that begin with a class below {len(CLASSES)}. Delete it and fetch again."
        )
        raise DataError(message)
    return records


CIFAR10 = PublicDataSet(
    name="cifar10",
    title="60,000 photographs of ten kinds of things, 32 x 32 pixels in colour, as NPZ: image and label",
    terms="no licence stated there; the authors ask to cite the report of 2009",
    source="A. Krizhevsky, V. Nair, G. Hinton, www.cs.toronto.edu/~kriz/cifar.html, binary version",
    files=(
        RemoteFile(
            ARCHIVE,
            (f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",),
            size=170_052_171,
            sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        ),
    ),
    derived=(
        DerivedFile("train.npz", partial(write_pictures, TRAIN)),
        DerivedFile("test.npz", partial(write_pictures, TEST)),
    ),
)
