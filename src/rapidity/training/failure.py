"""What is not finite, and why: the batch of a loss is made again and its largest input named."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import TrainingError
from rapidity.core.records import Batch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.core.records import StreamedEvents

LARGE_INPUT = 100.0
"""Prepared features are of order 1; beyond this, preparation is the first suspect."""


def explain_loss(
    loss: float,
    where: str,
    events: Batch,
    suspects: Mapping[str, NDArray[np.int64]],
    feature_names: Mapping[str, Sequence[str]],
    describe_event: Callable[[int], str] | None,
    learning_rate: float,
) -> TrainingError:
    """Return the error for a loss that is not finite.

    Parameters
    ----------
    where
        For instance ``at epoch 3, step 118``.
    suspects
        Where -> rows of `events` that lie there: ``in this batch``, ``in the batch before``. The step
        before counts too, since it may have spoilt the parameters while its own loss was still finite.
    feature_names
        Input name -> names of its features.
    describe_event
        Row of `events` -> words that let the user find it; None: the row number.
    """
    found = [
        (place, *_largest_input(events, rows, feature_names)) for place, rows in suspects.items() if len(rows)
    ]
    place, value, row, feature = max(found, key=lambda entry: _size(entry[1]))
    event = describe_event(row) if describe_event else f"event {row}"
    is_sound = _size(value) < LARGE_INPUT
    advice = "The inputs look sound: lower" if is_sound else f"Check preparation for {feature}, or lower"
    message = (
        f"loss became {loss:g} {where}. Largest |input| {place}: '{feature}' = {value:.3g} ({event}), "
        f"after preparation; expected numbers of order 1.\n  {advice} "
        f"training.optimizer.learning_rate (now {learning_rate:g}), or set training.clip_norm."
    )
    return TrainingError(message)


def find_largest(events: Batch | StreamedEvents) -> Batch:
    """Return the events themselves; of streamed ones a copy of the one with the largest input, NaN first."""
    if isinstance(events, Batch):
        return events
    largest, size = None, -1.0
    for part in events.chunks():
        value, row, _ = _largest_input(part, np.arange(part.n_events), {})
        if _size(value) > size:
            size = _size(value)
            inputs = {name: array[row : row + 1].copy() for name, array in part.inputs.items()}
            largest = Batch(inputs)
    if largest is None:
        message = "there are no events to look at"
        raise TrainingError(message)
    return largest


def _largest_input(
    events: Batch, rows: NDArray[np.int64], feature_names: Mapping[str, Sequence[str]]
) -> tuple[float, int, str]:
    """Return the value of largest size (NaN before all), its row among `events`, and its feature."""
    found: list[tuple[float, int, str]] = []
    for name, array in events.inputs.items():
        values = array[rows].reshape(len(rows), -1)
        sizes = np.where(np.isnan(values), np.inf, np.abs(values))
        position, column = divmod(int(sizes.argmax()), values.shape[1])
        names = feature_names.get(name, ())
        feature = names[column] if column < len(names) else f"{name}[{column}]"
        found.append((float(values[position, column]), int(rows[position]), feature))
    return max(found, key=lambda entry: _size(entry[0]))


def _size(value: float) -> float:
    return math.inf if math.isnan(value) else abs(value)


def check_state(arrays: dict[str, Any], moment: str, learning_rate: float) -> None:
    """Refuse to keep parameters that are not finite: the last step of an epoch may spoil them."""
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            message = (
                f"'{name}' holds values that are not finite {moment}, expected numbers.\n  Lower "
                f"training.optimizer.learning_rate (now {learning_rate:g}), or set training.clip_norm."
            )
            raise TrainingError(message)
