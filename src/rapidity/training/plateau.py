"""The factor by which a rate falls when the validation loss no longer does."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rapidity.config.training import ReduceOnPlateau


@dataclass(frozen=True)
class Plateau:
    """How long the validation loss has not fallen, and what became of the rate.

    Attributes
    ----------
    factor
        Rate over full rate.
    lowest
        Lowest validation loss that counted, None before the first epoch.
    waited
        Epochs since then, or since the last reduction.
    """

    factor: float = 1.0
    lowest: float | None = None
    waited: int = 0

    def updated(self, loss: float, config: ReduceOnPlateau) -> Plateau:
        """Return the state after an epoch with this validation loss.

        As torch's ReduceLROnPlateau with an absolute threshold: `patience` epochs without a fall are
        borne, the next one lowers the rate.

        Examples
        --------
        >>> from rapidity.config.training import ReduceOnPlateau
        >>> config = ReduceOnPlateau(type="reduce_on_plateau", factor=0.5, patience=0)
        >>> Plateau().updated(1.0, config).updated(1.0, config)
        Plateau(factor=0.5, lowest=1.0, waited=0)
        """
        if self.lowest is None or loss < self.lowest - config.min_delta:
            return Plateau(self.factor, loss, 0)
        if self.waited < config.patience:
            return Plateau(self.factor, self.lowest, self.waited + 1)
        return Plateau(max(self.factor * config.factor, config.final), self.lowest, 0)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the state that `to_dict` described."""
        return cls(**values)
