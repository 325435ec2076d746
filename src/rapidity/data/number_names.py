"""The names of all numbers of an event, made when they are asked for: there may be millions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload


class NumberNames(Sequence[str]):
    """Names that follow from the position of a number."""

    @abstractmethod
    def name(self, position: int) -> str:
        """Return the name of the number at a position from 0 to below the length."""

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        """Return the name of one number, or of several."""
        positions = range(len(self))
        if isinstance(index, slice):
            return tuple(self.name(position) for position in positions[index])
        return self.name(positions[index])
