"""What the fitted preparation knows of each input of the network, whatever its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray


class FittedInput(Protocol):
    """From raw columns to one or more inputs of the network: `FittedTable`, `FittedImage`, `FittedCloud`.

    An input of YAML makes the network input of the same name, and perhaps further ones with something after
    that name (``jets``, ``jets.mask``); what follows the name is the key of the maps here.
    """

    @property
    def kind(self) -> Literal["table", "image", "cloud"]:
        """The `kind` in YAML."""
        ...

    @property
    def number_names(self) -> Mapping[str, Sequence[str]]:
        """Name of each number of an event, in the order of the flattened array."""
        ...

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Shape of one event."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that it needs, each once."""
        ...

    @property
    def rows_at_once(self) -> int:
        """Number of events whose numbers fit into the processor's cache."""
        ...

    def prepare(self, columns: Mapping[str, NDArray[Any]]) -> Mapping[str, FloatArray]:
        """Return float32 ``(n_events, *shape)`` for a chunk of raw columns in the types of the table."""
        ...

    def find_unusable(
        self,
        columns: Mapping[str, NDArray[Any]],
        rows: NDArray[np.int64] | None,
        name_row: Callable[[int], str],
    ) -> Iterator[str]:
        """Yield what is NaN or infinite where the configuration refuses that, and where it stands first.

        Parameters
        ----------
        rows
            Row numbers of `columns` to look at; None for all.
        """
        ...

    def to_dict(self) -> dict[str, Any]:
        """Return the input as plain values for JSON; `kind` says which it is."""
        ...
