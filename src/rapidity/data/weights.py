"""Training weights: how much an event counts in the loss, from its physics weight by a stated policy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from rapidity.core.errors import DataError, shorten
from rapidity.data.guards.finding import GuardFinding
from rapidity.data.split import SplitRows
from rapidity.metrics.arrays import ROUNDING

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.config.training import TrainingWeight

Rows = TypeVar("Rows", bound=SplitRows)

# Class sums that differ by more than this without balancing are worth a warning.
LARGE_IMBALANCE = 100.0


@dataclass(frozen=True)
class TrainingWeights(Generic[Rows]):
    """The weights of one split in the loss.

    Attributes
    ----------
    rows
        The events that remain: under the policy ``drop`` without those of negative weight.
    values
        The weight of each of them ``(n_events,)`` float32, or None where all are 1.
    n_dropped
        Number of events dropped.
    findings
        Warnings about the weights.
    """

    rows: Rows
    values: NDArray[np.float32] | None
    n_dropped: int = 0
    findings: tuple[GuardFinding, ...] = ()

    @property
    def mean(self) -> float:
        """Mean weight, which normalises the loss."""
        return 1.0 if self.values is None else float(self.values.mean(dtype=np.float64))


def training_weights(rows: Rows, config: TrainingWeight) -> TrainingWeights[Rows]:
    """Return the weights of a split in the loss; each split is balanced within itself.

    ``ignore``: all 1. ``absolute``: |event weight|. ``drop``: events of negative weight are left out.
    ``keep``: the signs are kept. With ``balance_classes`` the weights of class c are multiplied by
    ``(sum of all / n_classes) / sum of c``: every class then has the same sum, and the mean stays.

    Raises
    ------
    DataError
        If the weights of a class sum to zero or less, so that its events would count for nothing.
    """
    kept, weight = _apply_policy(rows, config)
    class_index = kept.class_index
    n_classes = len(rows.table.classes)
    # Without weights every event counts 1.
    sums = np.bincount(class_index, weights=weight, minlength=n_classes).astype(np.float64)
    _check_sums(kept, sums, config)
    n_dropped = rows.n_events - kept.n_events
    if config.balance_classes:
        factor = sums.sum() / n_classes / sums
        balanced = factor[class_index] if weight is None else weight * factor[class_index]
        return TrainingWeights(kept, balanced.astype(np.float32), n_dropped)
    values = None if weight is None else weight.astype(np.float32)
    return TrainingWeights(kept, values, n_dropped, _warn_of_imbalance(kept, sums))


def _apply_policy(rows: Rows, config: TrainingWeight) -> tuple[Rows, NDArray[np.float64] | None]:
    weight = rows.event_weight
    if weight is None or config.event_weight == "ignore":
        return rows, None
    if config.event_weight == "absolute":
        return rows, np.abs(weight)
    if config.event_weight == "drop":
        is_kept = weight >= 0
        return replace(rows, rows=rows.rows[is_kept]), weight[is_kept]
    return rows, weight


def _check_sums(rows: SplitRows, sums: NDArray[np.float64], config: TrainingWeight) -> None:
    names = rows.table.classes.names
    present = np.bincount(rows.class_index, minlength=len(names))
    bad = [index for index in range(len(names)) if sums[index] <= _rounding(rows, index, config)]
    if not bad:
        return
    found = shorten(f"{names[index]} {sums[index]:g} ({present[index]} events)" for index in bad)
    message = (
        f"training weights (policy `{config.event_weight}`) sum to zero or less: {found}. Each class needs a "
        "positive sum, or its events count for nothing. Choose another policy in "
        "training.weight.event_weight "
        "(absolute, drop, ignore), or check data.event_weight."
    )
    raise DataError(message)


def _rounding(rows: SplitRows, class_index: int, config: TrainingWeight) -> float:
    """Return how large the sum of the signed weights of a class may be from rounding alone."""
    if rows.event_weight is None or config.event_weight != "keep":
        return 0.0
    return ROUNDING * float(np.abs(rows.event_weight[rows.class_index == class_index]).sum())


def _warn_of_imbalance(rows: SplitRows, sums: NDArray[np.float64]) -> tuple[GuardFinding, ...]:
    if sums.max() <= LARGE_IMBALANCE * sums.min():
        return ()
    names = rows.table.classes.names
    listed = shorten(f"{name} {total:.4g}" for name, total in zip(names, sums, strict=True))
    message = (
        f"the classes differ by a factor {sums.max() / sums.min():.3g} in their training weights "
        f"({listed}), so "
        "the network sees almost only the largest. Set training.weight.balance_classes: true to let them "
        "count the same."
    )
    return (GuardFinding("class_balance", "warn", message),)
