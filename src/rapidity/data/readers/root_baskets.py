"""The values of one branch of a tree, basket by basket: each is read and decompressed once.

uproot's own chunks go over every basket of a branch for each chunk, and turn lists into awkward arrays
or Python objects. A branch of numbers needs neither: a basket holds the numbers end to end.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
import uproot

from rapidity.core.jagged import Jagged
from rapidity.data.readers.root_payload import find_basket, read_payload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import FileIO

    from numpy.typing import NDArray

_LIBRARY = uproot.interpretation.library.NumPy()


def holds_numbers(interpretation: Any) -> bool:
    """Tell whether a branch holds numbers, one or a fixed shape of them per event."""
    numerical = uproot.interpretation.numerical
    return isinstance(interpretation, (numerical.AsDtype, numerical.TruncatedNumerical)) and not isinstance(
        interpretation, uproot.interpretation.objects.AsStridedObjects
    )


def holds_lists(interpretation: Any) -> bool:
    """Tell whether a branch holds lists of numbers of varying length, or of arrays of one shape."""
    return isinstance(interpretation, uproot.interpretation.jagged.AsJagged) and holds_numbers(
        interpretation.content
    )


class BranchStream:
    """One branch, whose entries are taken in ascending order; the baskets at hand are kept until they end.

    Parameters
    ----------
    stream
        The file, open without a buffer.
    """

    def __init__(self, branch: Any, stream: FileIO) -> None:
        self._branch = branch
        self._stream = stream
        self._interpretation = branch.interpretation
        self._starts = np.asarray(branch.entry_offsets, np.int64)
        """First entry of each basket, and one past the last."""
        self._held: tuple[int, Any] | None = None
        """Number and values of the basket that was not used up."""

    def expect(self, start: int, stop: int) -> None:
        """Have the system read the baskets of these entries, while others are decompressed."""
        if not hasattr(os, "posix_fadvise"):  # macOS reads when it is asked
            return
        for number in range(*self._find(start, stop)):
            if number < self._n_normal and not (self._held and self._held[0] == number):
                place, n_bytes = find_basket(self._branch, number)
                os.posix_fadvise(self._stream.fileno(), place, n_bytes, os.POSIX_FADV_WILLNEED)

    def take(self, start: int, stop: int) -> Any:
        """Return the values of the entries as an array, jagged ones as `Jagged`."""
        if holds_lists(self._interpretation):
            return self._take_lists(start, stop)
        if holds_numbers(self._interpretation):
            return self._take_numbers(start, stop)
        return self._branch.array(entry_start=start, entry_stop=stop, library="np")

    def _take_numbers(self, start: int, stop: int) -> NDArray[Any]:
        taken = _allocate(stop - start, self._interpretation.to_dtype)
        place = 0
        for values, first, last in self._baskets(start, stop):
            taken[place : place + last - first] = values[first:last]
            place += last - first
        return taken

    def _take_lists(self, start: int, stop: int) -> Jagged:
        base, _ = _native(self._interpretation.content.to_dtype)
        offsets = np.zeros(stop - start + 1, np.int64)
        contents = []
        place = n_values = 0
        for values, first, last in self._baskets(start, stop):
            bounds = values.offsets[first : last + 1]
            # To the byte order of this machine while the values are in its caches.
            contents.append(values.content[bounds[0] : bounds[-1]].astype(base))
            np.add(bounds[1:], n_values - int(bounds[0]), out=offsets[place + 1 : place + len(bounds)])
            place += last - first
            n_values += len(contents[-1])
        return Jagged(contents[0] if len(contents) == 1 else np.concatenate(contents), offsets)

    def _baskets(self, start: int, stop: int) -> Iterator[tuple[Any, int, int]]:
        """Yield the values of each basket with the part of them that lies between the entries."""
        first, last = self._find(start, stop)
        held, values = self._held or (-1, None)
        for number in range(first, last):
            begin, end = int(self._starts[number]), int(self._starts[number + 1])
            values = values if held == number else self._read(number)
            self._held = (number, values) if end > stop else None
            if begin < end:
                yield values, max(start, begin) - begin, min(stop, end) - begin

    def _find(self, start: int, stop: int) -> tuple[int, int]:
        """Return the number of the first basket with entries of a range, and one past the last."""
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        return first, int(np.searchsorted(self._starts, stop, side="left"))

    @property
    def _n_normal(self) -> int:
        """Number of baskets that stand in the file by themselves: the last ones may be in the branch."""
        return int(self._branch.num_baskets) - len(self._branch.embedded_baskets)

    def _read(self, number: int) -> Any:
        """Return the values of a basket in the byte order of the file."""
        if number < self._n_normal:
            payload = read_payload(self._branch, number, self._stream)
            basket, data, byte_offsets = payload.basket, payload.data, payload.byte_offsets
        else:
            basket = self._branch.basket(number)
            data, byte_offsets = basket.data, basket.byte_offsets
        values = self._interpretation.basket_array(
            data,
            byte_offsets,
            basket,
            self._branch,
            self._branch.context,
            basket.member("fKeylen"),
            _LIBRARY,
            {},
        )
        n_entries = int(self._starts[number + 1] - self._starts[number])
        if len(values) != n_entries:
            name = self._branch.name
            message = f"basket {number} of branch {name} holds {len(values)} entries, expected {n_entries}"
            raise ValueError(message)
        return values


def _native(dtype: np.dtype[Any]) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the type of the numbers in the byte order of this machine, and the shape of one event."""
    base, shape = dtype.subdtype or (dtype, ())
    return base.newbyteorder("="), shape


def _allocate(n_entries: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    base, shape = _native(dtype)
    return np.empty((n_entries, *shape), base)
