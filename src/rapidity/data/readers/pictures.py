"""PNG pictures: what their first bytes say, and their pixels; a picture is never made another kind."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIX = ".png"
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">8s4x4sIIBB")
"""Signature, the first chunk's length and name, width, height, bits of a channel, type of colour."""
_COLOURS = {
    0: ("grey", 1),
    2: ("RGB", 3),
    3: ("palette", 1),
    4: ("grey with transparency", 2),
    6: ("RGBA", 4),
}
"""Type of colour as in the header -> name, and number of channels (PNG specification, section 11.2.2)."""
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, zlib.error)
"""What Pillow raises when the bytes of a picture make no sense."""


@dataclass(frozen=True)
class PictureKind:
    """Size, colours and bits of a picture.

    Examples
    --------
    >>> kind = PictureKind(32, 24, "RGB", 3, 8)
    >>> str(kind), kind.shape, kind.dtype
    ('32 x 24 pixels (height x width), RGB of 8 bits', (32, 24, 3), 'uint8')
    """

    height: int
    width: int
    colours: str
    n_channels: int
    bits: int

    def __str__(self) -> str:
        return f"{self.height} x {self.width} pixels (height x width), {self.colours} of {self.bits} bits"

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width, and the number of channels if there are several."""
        size = (self.height, self.width)
        return size if self.n_channels == 1 else (*size, self.n_channels)

    @property
    def dtype(self) -> str:
        """NumPy's name of the type of the pixels; of fewer than 8 bits they are spread over 0 to 255."""
        return "uint16" if self.bits > 8 else "uint8"


def read_kind(path: Path) -> PictureKind:
    """Return what the header of a picture says.

    Raises
    ------
    DataError
        If the file is missing, is no PNG picture, or has colours that are not read: a palette, or several
        channels of 16 bits.
    """
    try:
        with path.open("rb") as stream:
            header = stream.read(_HEADER.size)
    except OSError as error:
        message = f"picture {path} cannot be read: {error.strerror}. Correct its name, or its permissions."
        raise DataError(message) from error
    if len(header) < _HEADER.size or not header.startswith(SIGNATURE):
        message = (
            f"{path} is no PNG picture: it begins with {header[:8]!r}, expected {SIGNATURE!r}. Copy or "
            "convert it again, or take it away."
        )
        raise DataError(message)
    _, _, width, height, bits, colour = _HEADER.unpack(header)
    if colour not in _COLOURS or not width * height:
        raise _broken(path, "its header makes no sense")
    kind = PictureKind(height, width, *_COLOURS[colour], bits)
    if kind.colours == "palette" or (kind.n_channels > 1 and bits > 8):
        message = (
            f"picture {path} has {kind}, which is not read: expected grey of up to 16 bits, or RGB of 8. "
            "Convert it first, say to RGB of 8 bits (or its channels to NumPy arrays, which keep 16)."
        )
        raise DataError(message)
    return kind


def read_pictures(paths: Sequence[Path], kind: PictureKind) -> NDArray[Any]:
    """Return the pixels of pictures of one kind, ``(n_pictures, height, width[, channels])``.

    Raises
    ------
    DataError
        If a picture is of another size or has other colours, or is damaged.
    """
    pixels = np.empty((len(paths), *kind.shape), kind.dtype)
    for position, path in enumerate(paths):
        found = read_kind(path)
        if found != kind:
            message = (
                f"picture {path} has {found}, but the first one {kind}. All pictures of a source need "
                "one size and the same colours: cut, scale or convert them first."
            )
            raise DataError(message)
        pixels[position] = _read_pixels(path)
    return pixels


def _read_pixels(path: Path) -> NDArray[Any]:
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as picture:
            picture.load()
            # A single bit a pixel would come as truth values.
            return np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    except _DAMAGE as error:
        raise _broken(path, str(error)) from error


def _broken(path: Path, why: str) -> DataError:
    return DataError(f"picture {path} is damaged: {why}. Copy or write it again, or take it away.")
