"""What must be true of the validation split before a training begins."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from rapidity.config.training import ReduceOnPlateau
from rapidity.core.errors import ConfigError, DataError
from rapidity.core.records import Batch

if TYPE_CHECKING:
    from rapidity.config.training import Training
    from rapidity.core.records import StreamedEvents


def check_validation(validation: Batch | StreamedEvents | None, config: Training) -> None:
    """Refuse what needs validation events where there are none, and weights with which the loss has no bound.

    Raises
    ------
    ConfigError
        If early stopping or the schedule watches a validation split without events.
    DataError
        If its training weights do not sum to a number above zero (negative ones may outweigh the others).
    """
    needs = []
    if config.early_stopping is not None:
        needs.append("training.early_stopping")
    if isinstance(config.schedule, ReduceOnPlateau):
        needs.append("training.schedule: reduce_on_plateau")
    if validation is None and needs:
        message = (
            f"{' and '.join(needs)} watch the validation split, which has no events. Expected at least one. "
            "Give preparation.split a validation part, or remove the setting."
        )
        raise ConfigError(message)
    if validation is None:
        return
    total = _total_weight(validation)
    if not 0 < total < math.inf:
        message = (
            f"the training weights of the validation split sum to {total:g}. Expected a sum above zero, for "
            "the loss to have a lower bound. Choose training.weight.event_weight: absolute, drop or ignore."
        )
        raise DataError(message)


def _total_weight(events: Batch | StreamedEvents) -> float:
    if not isinstance(events, Batch):
        return events.total_weight
    weight = events.training_weight
    return float(events.n_events if weight is None else weight.sum(dtype=np.float64))
