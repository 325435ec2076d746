"""The bytes of a basket of a ROOT file: read past uproot's threads, and decompressed by the fastest library.

Most files are compressed with zlib, whose decompression takes longer than all else that reading does;
libdeflate (package `deflate`) needs a little more than half the time of the standard library for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import deflate
import numpy as np
import uproot

if TYPE_CHECKING:
    from io import FileIO

    from numpy.typing import NDArray

_HEADER_BYTES = 9
"""Of a compressed block: two letters and a number for the method, three bytes each for its two lengths."""
_ZLIB = b"ZL"
_OFFSETS = np.dtype(">i4")


class Payload:
    """The values of one basket as bytes, and where each entry begins in them.

    Attributes
    ----------
    basket
        uproot's object, with the header alone.
    data
        ``(n_bytes,)`` uint8.
    byte_offsets
        ``(n_entries + 1,)``, or None where the entries have one length or another branch counts them.
    """

    def __init__(self, basket: Any, content: NDArray[np.uint8]) -> None:
        self.basket = basket
        border = basket.border
        self.data = content[:border]
        self.byte_offsets: NDArray[Any] | None = None
        if border != len(content):
            # The first number counts the offsets; the last one is not written. They start at the key.
            self.byte_offsets = content[border:].view(_OFFSETS)[1:] - basket.member("fKeylen")
            self.byte_offsets[-1] = border


def read_payload(branch: Any, number: int, stream: FileIO) -> Payload:
    """Read a basket that stands in the file by itself (not inside its branch).

    Raises
    ------
    ValueError, deflate.DeflateError
        If its bytes make no sense.
    """
    start, n_bytes = find_basket(branch, number)
    raw = os.pread(stream.fileno(), n_bytes, start)
    if len(raw) != n_bytes:
        message = f"basket {number} ends after {len(raw)} of {n_bytes} bytes"
        raise ValueError(message)
    file = branch.file
    chunk = uproot.source.chunk.Chunk.wrap(file.source, np.frombuffer(raw, np.uint8))
    basket = uproot.models.TBasket.Model_TBasket.read(
        chunk,
        uproot.source.cursor.Cursor(0),
        {"basket_num": number, "read_basket": False},
        file,
        file,
        branch,
    )
    return Payload(basket, _decompress(raw, basket, chunk))


def find_basket(branch: Any, number: int) -> tuple[int, int]:
    """Return where a basket begins in the file, and its bytes there."""
    return int(branch.member("fBasketSeek")[number]), int(branch.basket_compressed_bytes(number))


def _decompress(raw: bytes, basket: Any, chunk: Any) -> NDArray[np.uint8]:
    key_length, n_bytes = basket.member("fKeylen"), basket.member("fObjlen")
    if basket.member("fNbytes") - key_length == n_bytes:
        return np.frombuffer(raw, np.uint8, n_bytes, key_length)
    blocks = []
    view = memoryview(raw)[key_length : basket.member("fNbytes")]
    while len(view):
        if bytes(view[:2]) != _ZLIB:
            return _decompress_otherwise(basket, chunk)
        end = _HEADER_BYTES + int.from_bytes(view[3:6], "little")
        n_expected = int.from_bytes(view[6:9], "little")
        blocks.append(deflate.zlib_decompress(view[_HEADER_BYTES:end], n_expected))
        view = view[end:]
    content = blocks[0] if len(blocks) == 1 else b"".join(blocks)
    if len(content) != n_bytes:
        message = f"basket {basket.basket_num} holds {len(content)} bytes, expected {n_bytes}"
        raise ValueError(message)
    return np.frombuffer(content, np.uint8)


def _decompress_otherwise(basket: Any, chunk: Any) -> NDArray[np.uint8]:
    """Return what uproot makes of the other methods (LZ4, ZSTD, LZMA)."""
    key_length, n_bytes = basket.member("fKeylen"), basket.member("fObjlen")
    cursor = uproot.source.cursor.Cursor(key_length)
    found = uproot.compression.decompress(
        chunk, cursor, {}, basket.member("fNbytes") - key_length, n_bytes, []
    )
    content: NDArray[np.uint8] = found.get(0, n_bytes, uproot.source.cursor.Cursor(0), {})
    return content
