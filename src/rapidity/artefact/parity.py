"""Whether ONNX Runtime reproduces the engine that trained the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ExportError, ParityError
from rapidity.data.collections import pick_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.artefact.model import OnnxModel
    from rapidity.core.classes import ClassSet

PROBABILITY_TOLERANCE = 1e-5
"""Largest allowed |difference| of a probability: float32 sums in another order reach about 1e-6."""
N_SMALL_BATCHES = 50
"""Batches tried of size 1 and 2; a batch size baked into a graph fails in the first."""


@dataclass(frozen=True)
class ParityReport:
    """How far ONNX Runtime and the engine are apart.

    Attributes
    ----------
    deviations
        Batch size -> largest |difference| of a probability over the rows tried.
    n_rows
        Rows compared in the largest batch.
    tolerance
        Largest difference that passes.
    """

    deviations: Mapping[int, float]
    n_rows: int
    tolerance: float

    @property
    def max_deviation(self) -> float:
        """The largest |difference| of a probability at any batch size."""
        return max(self.deviations.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "max_deviation": self.max_deviation,
            "tolerance": self.tolerance,
            "n_rows": self.n_rows,
            "by_batch_size": {str(size): value for size, value in self.deviations.items()},
        }


def check_parity(
    model: OnnxModel,
    columns: Mapping[str, Any],
    engine_logits: NDArray[np.floating],
    classes: ClassSet,
    tolerance: float = PROBABILITY_TOLERANCE,
) -> ParityReport:
    """Compare the probabilities of a model file with those of the engine, for batches of 1, 2 and all rows.

    Parameters
    ----------
    columns
        Raw columns of real events, each ``(n_events,)``; of objects `Jagged`.
    engine_logits
        What the engine gives for the same events, ``(n_events, n_logits)``.

    Raises
    ------
    ParityError
        If any probability differs by more than `tolerance` (NaN differs from everything).
    """
    with np.errstate(invalid="ignore"):  # NaN is found below
        expected = classes.probabilities(np.asarray(engine_logits))
    n_rows = len(expected)
    if n_rows == 0 or classes.names != model.classes.names:
        message = (
            f"{model.path} cannot be checked: {n_rows} rows were given, the classes are {classes.names} and "
            f"the model's {model.classes.names}. Give at least one row, and the model of this run."
        )
        raise ExportError(message)
    deviations = {}
    for batch_size in dict.fromkeys((1, min(2, n_rows), n_rows)):
        rows = np.arange(n_rows)
        if batch_size <= 2:
            rows = _spread_batches(n_rows, batch_size)
        picked = pick_rows(columns, [name for name in model.inputs if name in columns], rows)
        found = model.run(picked, batch_size).probabilities
        deviations[batch_size] = _compare(model, found, expected[rows], rows, batch_size, tolerance)
    return ParityReport(deviations, n_rows, tolerance)


def _spread_batches(n_rows: int, batch_size: int) -> NDArray[np.int64]:
    """Return row numbers of batches spread over all rows, each of neighbouring rows."""
    n_batches = min(N_SMALL_BATCHES, n_rows // batch_size)
    starts = np.linspace(0, n_rows - batch_size, n_batches).astype(np.int64)
    return (starts[:, np.newaxis] + np.arange(batch_size)).ravel()


def _compare(
    model: OnnxModel,
    found: NDArray[np.floating],
    expected: NDArray[np.float64],
    rows: NDArray[np.int64],
    batch_size: int,
    tolerance: float,
) -> float:
    """Return the largest deviation; beyond the tolerance, raise a ParityError that names its row."""
    deviation = np.abs(found.astype(np.float64) - expected)
    deviation[np.isnan(deviation)] = np.inf
    largest = float(deviation.max())
    if largest <= tolerance:
        return largest
    row, class_index = np.unravel_index(int(np.argmax(deviation)), deviation.shape)
    n_bad = np.count_nonzero((deviation > tolerance).any(axis=1))
    message = (
        f"ONNX Runtime does not reproduce the engine: with batches of {batch_size}, row {rows[row]}, class "
        f"'{model.classes.names[class_index]}', {model.path} gives {found[row, class_index]:.7g} and the "
        f"engine {expected[row, class_index]:.7g}; {n_bad} of {len(rows)} rows differ by more than "
        f"{tolerance:g}. Do not use this file. Look for NaN or enormous values in that row; if there are "
        "none, please report it with the configuration."
    )
    raise ParityError(message)
