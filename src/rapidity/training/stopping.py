"""Watching one quantity of the validation split: which epoch was best, and when to stop."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rapidity.config.training import EarlyStopping

Quantity = Literal["loss", "accuracy", "auc"]


@dataclass(frozen=True)
class Monitor:
    """The best epoch so far, and how long nothing has improved.

    The best epoch is simply the one with the best value (the first of equals). Patience counts from the
    last value that improved by more than `min_delta`.

    Attributes
    ----------
    quantity
        What is watched; a loss should fall, the others should grow.
    patience
        Epochs without improvement after which to stop; None: never.
    best_value, best_epoch
        None and 0 before the first epoch.
    counted_value
        Last value that counted as an improvement.
    waited
        Epochs since then.
    """

    quantity: Quantity = "loss"
    patience: int | None = None
    min_delta: float = 0.0
    best_value: float | None = None
    best_epoch: int = 0
    counted_value: float | None = None
    waited: int = 0

    @classmethod
    def of(cls, config: EarlyStopping | None) -> Self:
        """Return the monitor of the ``training.early_stopping`` block; without one, of the loss."""
        if config is None:
            return cls()
        return cls(config.monitor, config.patience, config.min_delta)

    def updated(self, epoch: int, value: float) -> Monitor:
        """Return the monitor after `epoch` reached `value`; NaN is never an improvement.

        Examples
        --------
        >>> watched = Monitor(patience=1, min_delta=0.1).updated(1, 0.5).updated(2, 0.45)
        >>> watched.best_epoch, watched.should_stop
        (2, True)
        """
        best = (value, epoch) if self._is_better(value, self.best_value, 0.0) else None
        best_value, best_epoch = best or (self.best_value, self.best_epoch)
        has_improved = self._is_better(value, self.counted_value, self.min_delta)
        return replace(
            self,
            best_value=best_value,
            best_epoch=best_epoch,
            counted_value=value if has_improved else self.counted_value,
            waited=0 if has_improved else self.waited + 1,
        )

    @property
    def should_stop(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.waited >= self.patience

    def _is_better(self, value: float, reference: float | None, margin: float) -> bool:
        if reference is None:
            return value == value  # noqa: PLR0124 - NaN is the only value that differs from itself
        return value < reference - margin if self.quantity == "loss" else value > reference + margin

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a checkpoint."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the monitor that `to_dict` described."""
        return cls(**values)
