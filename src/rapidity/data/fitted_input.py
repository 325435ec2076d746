"""What the fitted preparation knows of each input of the network, whatever its kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray


class FittedInput(Protocol):
    """From raw columns to one input of the network: a `FittedTable` or a `FittedImage`."""

    @property
    def kind(self) -> Literal["table", "image"]:
        """The `kind` in YAML."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """Name of each number of an event, in the order of the flattened array."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
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

    def apply(self, columns: Mapping[str, NDArray[Any]]) -> FloatArray:
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
