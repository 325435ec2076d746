"""The arrays of a native object under their canonical names: reading all of them, and writing them.

What a slot is (a tensor of a module, a variable of a Keras model) is the engine's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rapidity.engines.engine import check_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import Parameters


class Slot(Protocol):
    """One array of a native object, in its canonical layout."""

    @property
    def name(self) -> str:
        """The canonical name."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """The canonical shape."""
        ...

    @property
    def is_floating_point(self) -> bool:
        """Whether it is a parameter; counters of a user's own layers are part of a state alone."""
        ...

    def read(self) -> NDArray[Any]:
        """Return a copy."""
        ...

    def write(self, array: NDArray[Any]) -> None:
        """Copy an array of the canonical shape into it."""
        ...


def read_parameters(slots: Sequence[Slot]) -> Parameters:
    """Return a copy of the canonical parameters in float32, running statistics included."""
    return {slot.name: slot.read().astype(np.float32, copy=False) for slot in slots if slot.is_floating_point}


def write_parameters(slots: Sequence[Slot], parameters: Mapping[str, NDArray[Any]]) -> None:
    """Copy canonical parameters, and counters where they are among them, into the slots.

    Raises
    ------
    EngineError
        If names or shapes are not those of the slots; nothing is then written.
    """
    expected = {slot.name: slot.shape for slot in slots if slot.is_floating_point or slot.name in parameters}
    check_shapes("this model", expected, {name: array.shape for name, array in parameters.items()})
    for slot in slots:
        if slot.name in parameters:
            slot.write(parameters[slot.name])
