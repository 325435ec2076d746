"""The classes of a classification in their fixed order, and what logits mean for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rapidity.core.errors import DataError, shorten

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNLABELLED = -1
"""Class index of an event whose class is not known (data to be scored)."""


@dataclass(frozen=True)
class ClassSet:
    """Class names in their fixed order.

    Two classes use one logit, for the class called ``signal`` if there is one, else the second.
    Scores are always one column a class, in class order.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.names):
            message = f"class names must differ, found: {shorten(self.names)}"
            raise DataError(message)

    def __len__(self) -> int:
        return len(self.names)

    @property
    def n_logits(self) -> int:
        """Number of logits: one for two classes, else one a class."""
        return 1 if len(self.names) == 2 else len(self.names)

    @property
    def positive_index(self) -> int:
        """Index of the class that a single logit stands for."""
        return self.names.index("signal") if "signal" in self.names else 1

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the scores, shape ``(n_events, n_classes)``, of logits ``(n_events, n_logits)``.

        Examples
        --------
        >>> ClassSet(("signal", "background")).probabilities(np.array([[0.0], [100.0]])).round(3)
        array([[0.5, 0.5],
               [1. , 0. ]])
        """
        return np.exp(self.log_probabilities(logits))

    def log_probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the logarithms of the scores, shape ``(n_events, n_classes)``, free of overflow."""
        values = np.asarray(logits, dtype=np.float64).reshape(len(logits), self.n_logits)
        if self.n_logits == 1:
            values = np.concatenate([np.zeros_like(values), values], axis=1)
            if self.positive_index == 0:
                values = values[:, ::-1]
        return values - np.logaddexp.reduce(values, axis=1, keepdims=True)
