"""The values of one branch of a tree, basket by basket: each is read and decompressed once.

uproot's own chunks go over every basket of a branch for each chunk, and turn lists into awkward arrays
or Python objects. A branch of numbers needs neither: a basket holds the numbers end to end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import uproot

from rapidity.core.jagged import Jagged

if TYPE_CHECKING:
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
    """One branch, whose entries are taken in ascending order; the baskets at hand are kept until they end."""

    def __init__(self, branch: Any) -> None:
        self._branch = branch
        self._interpretation = branch.interpretation
        self._starts = np.asarray(branch.entry_offsets, np.int64)
        """First entry of each basket, and one past the last."""
        self._held: dict[int, Any] = {}
        self._is_jagged = holds_lists(self._interpretation)
        self._is_plain = self._is_jagged or holds_numbers(self._interpretation)

    def take(self, start: int, stop: int) -> Any:
        """Return the values of the entries as an array, jagged ones as `Jagged`."""
        if not self._is_plain:
            return self._branch.array(entry_start=start, entry_stop=stop, library="np")
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left"))
        parts = []
        for number in range(first, last):
            begin, end = int(self._starts[number]), int(self._starts[number + 1])
            values = self._read(number)
            parts.append((values, max(start, begin) - begin, min(stop, end) - begin))
        self._held = {
            number: values for number, values in self._held.items() if self._starts[number + 1] > stop
        }
        return self._join_lists(parts) if self._is_jagged else self._join_numbers(parts)

    def _read(self, number: int) -> Any:
        """Return the values of a basket in the byte order of the file."""
        if number not in self._held:
            basket = self._branch.basket(number)
            self._held[number] = self._interpretation.basket_array(
                basket.data,
                basket.byte_offsets,
                basket,
                self._branch,
                self._branch.context,
                basket.member("fKeylen"),
                _LIBRARY,
                {},
            )
            n_entries = int(self._starts[number + 1] - self._starts[number])
            if len(self._held[number]) != n_entries:
                message = (
                    f"basket {number} of branch {self._branch.name} holds {len(self._held[number])} entries, "
                    f"expected {n_entries}"
                )
                raise ValueError(message)
        return self._held[number]

    def _join_numbers(self, parts: list[tuple[Any, int, int]]) -> NDArray[Any]:
        slices = [values[start:stop] for values, start, stop in parts]
        return _join(slices, self._interpretation.to_dtype)

    def _join_lists(self, parts: list[tuple[Any, int, int]]) -> Jagged:
        slices = []
        offsets = [np.zeros(1, np.int64)]
        n_values = 0
        for values, start, stop in parts:
            bounds = values.offsets[start : stop + 1].astype(np.int64)
            slices.append(values.content[bounds[0] : bounds[-1]])
            bounds += n_values - bounds[0]
            offsets.append(bounds[1:])
            n_values = int(bounds[-1])
        return Jagged(_join(slices, self._interpretation.content.to_dtype), np.concatenate(offsets))


def _join(slices: list[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return the slices end to end, in the byte order of this machine."""
    base, shape = dtype.subdtype or (dtype, ())
    joined = np.empty((sum(map(len, slices)), *shape), base.newbyteorder("="))
    place = 0
    for values in slices:
        joined[place : place + len(values)] = values
        place += len(values)
    return joined
