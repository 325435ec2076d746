"""What a prediction gives, put together from its batches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.core.records import FloatArray


class ResultArrays:
    """Arrays of all events, filled batch by batch; the results of a batch are copied.

    Parameters
    ----------
    n_events
        Events of the whole pass.

    Examples
    --------
    >>> results = ResultArrays(3)
    >>> results.append({"class": np.zeros((2, 1))})
    >>> results.append({"class": np.ones((1, 1))})
    >>> results.arrays["class"].ravel()
    array([0., 0., 1.], dtype=float32)
    """

    def __init__(self, n_events: int) -> None:
        self.arrays: dict[str, FloatArray] = {}
        self._n_events = n_events
        self._n_done = 0

    def append(self, part: Mapping[str, NDArray[Any]]) -> None:
        """Take in the results ``(n_events of the batch, ...)`` of the next batch, by name."""
        n_events = 0
        for name, values in part.items():
            if name not in self.arrays:
                self.arrays[name] = np.empty((self._n_events, *values.shape[1:]), dtype=np.float32)
            n_events = len(values)
            self.arrays[name][self._n_done : self._n_done + n_events] = values
        self._n_done += n_events

    def finish_logits(self, outputs: Mapping[str, int]) -> dict[str, FloatArray]:
        """Return the logits of each output, given their number; of no events arrays without rows."""
        return self.arrays or {name: np.empty((0, n), dtype=np.float32) for name, n in outputs.items()}
