"""Whether ONNX Runtime reproduces the engine that trained the network.

Every event must agree. One exception: a network with a layer that is not continuous (`neighbours` in
computed features) jumps where the k-th neighbour and the next are equally far but for rounding, and two
libraries round differently. Of such a network a few events may differ, as `allowed_jumps` says; what a wrong
file would do, such as other results in many events or NaN, is refused as ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import ExportError, ParityError, shorten
from rapidity.data.collections import pick_rows
from rapidity.data.fitted_outputs import FittedAssignment, FittedRegression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.artefact.model import OnnxModel, Scores
    from rapidity.core.classes import ClassSet
    from rapidity.data.fitted_outputs import FittedOutput

PROBABILITY_TOLERANCE = 1e-5
"""Largest allowed |difference| of a probability: float32 sums in another order reach about 1e-6."""
STEEPEST = 4
"""A probability changes by a quarter of its logit at most."""
N_SMALL_BATCHES = 50
"""Batches tried of size 1 and 2; a batch size baked into a graph fails in the first."""
JUMP_FRACTION = 1e-3
"""Of the events checked so many may differ, if the network is not continuous."""
FEWEST_FOR_A_JUMP = 100
"""Of so many events one may differ in any case; of fewer, none."""


@dataclass(frozen=True)
class ParityReport:
    """How far ONNX Runtime and the engine are apart.

    Attributes
    ----------
    deviations
        Batch size -> largest |difference| of a probability over the rows tried, or `prediction_deviation`;
        without the rows in `jumps`.
    n_rows
        Rows compared in the largest batch.
    tolerance
        Largest difference that passes.
    n_allowed
        Events that may differ by more; 0 of a continuous network.
    jumps
        Event -> its largest difference, of those that differ by more.
    """

    deviations: Mapping[int, float]
    n_rows: int
    tolerance: float
    n_allowed: int = 0
    jumps: Mapping[int, float] = field(default_factory=dict)

    @property
    def max_deviation(self) -> float:
        """The largest |difference| of a probability at any batch size."""
        return max(self.deviations.values())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `jumps` only of a network that is not continuous."""
        values = {
            "max_deviation": self.max_deviation,
            "tolerance": self.tolerance,
            "n_rows": self.n_rows,
            "by_batch_size": {str(size): value for size, value in self.deviations.items()},
        }
        if self.n_allowed:
            values["jumps"] = {
                "n_events": len(self.jumps),
                "n_allowed": self.n_allowed,
                "largest": max(self.jumps.values(), default=0.0),
            }
        return values


def allowed_jumps(n_rows: int) -> int:
    """Return how many of the events checked may differ, of a network that is not continuous.

    Examples
    --------
    >>> [allowed_jumps(n_rows) for n_rows in (50, 300, 6144)]
    [0, 1, 6]
    """
    return max(1, int(JUMP_FRACTION * n_rows)) if n_rows >= FEWEST_FOR_A_JUMP else 0


def check_parity(
    model: OnnxModel,
    columns: Mapping[str, Any],
    engine_logits: NDArray[np.floating],
    classes: ClassSet,
    tolerance: float = PROBABILITY_TOLERANCE,
) -> ParityReport:
    """Compare the probabilities of a model file with those of the engine, for batches of 1, 2 and all rows.

    For a model of one classification; see `check_all_outputs` for any.

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
    if len(expected) == 0 or classes.names != model.classes.names:
        message = (
            f"{model.path} cannot be checked: {len(expected)} rows were given, the classes are "
            f"{classes.names} and the model's {model.classes.names}. Give at least one row, and the model of "
            "this run."
        )
        raise ExportError(message)
    return check_all_outputs(model, columns, dict.fromkeys(model.outputs, expected), tolerance)


def check_all_outputs(
    model: OnnxModel,
    columns: Mapping[str, Any],
    expected: Mapping[str, Any],
    tolerance: float = PROBABILITY_TOLERANCE,
    *,
    is_continuous: bool = True,
) -> ParityReport:
    """Compare what a model file gives with what the engine gives, for batches of 1, 2 and all rows.

    Of predictions the `prediction_deviation` may be so large.

    Parameters
    ----------
    columns
        Raw columns of real events, each ``(n_events,)``; of objects `Jagged`.
    expected
        Output -> what the engine gives for the same events: probabilities ``(n_events, n_classes)``,
        predictions ``(n_events,)``, or `Jagged` probabilities of objects.
    is_continuous
        Whether the network is (`Network.is_continuous`); else a few events may differ, see `allowed_jumps`.

    Raises
    ------
    ParityError
        If anything differs by more (NaN differs from everything but NaN of an object that is left out).
    ExportError
        If there are no rows, or the model has other outputs.
    """
    n_rows = len(next(iter(expected.values()), ()))
    if n_rows == 0 or set(expected) != set(model.outputs):
        message = (
            f"{model.path} cannot be checked: {n_rows} rows were given, the outputs are {shorten(expected)} "
            f"and the model's {shorten(model.outputs)}. Give at least one row, and the model of this run."
        )
        raise ExportError(message)
    deviations = {}
    jumps = _Jumps(0 if is_continuous else allowed_jumps(n_rows))
    for batch_size in dict.fromkeys((1, min(2, n_rows), n_rows)):
        rows = np.arange(n_rows)
        if batch_size <= 2:
            rows = _spread_batches(n_rows, batch_size)
        picked = pick_rows(columns, [name for name in model.inputs if name in columns], rows)
        scores = model.run(picked, batch_size)
        deviations[batch_size] = max(
            _compare(_Compared(model, name, rows, batch_size, tolerance, jumps), scores, expected[name][rows])
            for name in expected
        )
    return ParityReport(deviations, n_rows, tolerance, jumps.n_allowed, jumps.found)


def _spread_batches(n_rows: int, batch_size: int) -> NDArray[np.int64]:
    """Return row numbers of batches spread over all rows, each of neighbouring rows."""
    n_batches = min(N_SMALL_BATCHES, n_rows // batch_size)
    starts = np.linspace(0, n_rows - batch_size, n_batches).astype(np.int64)
    return (starts[:, np.newaxis] + np.arange(batch_size)).ravel()


@dataclass
class _Jumps:
    """The events that may differ, over all batch sizes and outputs.

    Attributes
    ----------
    found
        Event -> its largest deviation.
    """

    n_allowed: int
    found: dict[int, float] = field(default_factory=dict)

    def excuse(self, rows: NDArray[np.int64], deviations: NDArray[np.float64]) -> bool:
        """Take in events that differ ``(n,)``; return whether all that differ up to now may."""
        for row, deviation in zip(rows.tolist(), deviations.tolist(), strict=True):
            self.found[row] = max(deviation, self.found.get(row, 0.0))
        return len(self.found) <= self.n_allowed and bool(np.isfinite(deviations).all())


@dataclass(frozen=True)
class _Compared:
    """What is compared: some rows of one output, in batches of one size."""

    model: OnnxModel
    name: str
    rows: NDArray[np.int64]
    batch_size: int
    tolerance: float
    jumps: _Jumps

    @property
    def output(self) -> FittedOutput:
        return self.model.outputs[self.name]


def _compare(compared: _Compared, scores: Scores, expected: Any) -> float:
    """Return the largest deviation; beyond the tolerance, raise a ParityError that names its row."""
    output = compared.output
    if isinstance(output, FittedRegression):
        found = scores.others[compared.name][:, np.newaxis].astype(np.float64)
        wanted = np.asarray(expected)[:, np.newaxis]
        deviation = prediction_deviation(found, wanted, output)
        return _refuse_large(compared, deviation, found, wanted, compared.rows, ("",))
    if isinstance(output, FittedAssignment):
        objects = scores.others[compared.name]
        found, wanted = objects.content.astype(np.float64), np.asarray(expected.content)
        deviation = np.abs(found - wanted)
        deviation[np.isnan(found) & np.isnan(wanted)] = 0.0
        rows = np.repeat(compared.rows, objects.counts)
        return _refuse_large(compared, deviation, found, wanted, rows, output.classes.names)
    found = scores.probabilities.astype(np.float64)
    wanted = np.asarray(expected)
    return _refuse_large(compared, np.abs(found - wanted), found, wanted, compared.rows, output.classes.names)


def prediction_deviation(
    found: NDArray[np.floating], wanted: NDArray[np.floating], output: FittedRegression
) -> NDArray[np.float64]:
    """Return how far predictions are apart, any shape, for comparison with the tolerance of probabilities.

    A quarter of their difference, over the sum of their size and the spread of the target: a probability
    follows its logit by a quarter at most, and a prediction is a logit.

    Examples
    --------
    >>> prediction_deviation(np.array([7.0]), np.array([3.0]), FittedRegression("energy", spread=2.0))
    array([0.2])
    """
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(found - wanted) / (np.abs(wanted) + output.spread) / STEEPEST)


def _refuse_large(
    compared: _Compared,
    deviation: NDArray[np.float64],
    found: NDArray[np.float64],
    wanted: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: Sequence[str],
) -> float:
    """Return the largest of the deviations ``(n, n_columns)``, which must be small but for allowed jumps."""
    deviation[np.isnan(deviation)] = np.inf
    largest = deviation.max(axis=1, initial=0.0)
    is_bad = largest > compared.tolerance
    if not is_bad.any() or compared.jumps.excuse(rows[is_bad], largest[is_bad]):
        return float(largest[~is_bad].max(initial=0.0))
    place, column = map(int, np.unravel_index(int(np.argmax(deviation)), deviation.shape))
    n_allowed = compared.jumps.n_allowed
    may = f", and of all events at most {n_allowed} may, where its neighbours change" if n_allowed else ""
    what = f"class '{columns[column]}'" if columns[column] else f"output '{compared.name}'"
    message = (
        f"ONNX Runtime does not reproduce the engine: with batches of {compared.batch_size}, row "
        f"{rows[place]}, {what}, {compared.model.path} gives {found[place, column]:.7g} and the "
        f"engine {wanted[place, column]:.7g}; {len(np.unique(rows[is_bad]))} of {len(compared.rows)} rows "
        f"differ by more than {compared.tolerance:g}{may}. Do not use this file. Look for NaN or enormous "
        "values in that row; if there are none, please report it with the configuration."
    )
    raise ParityError(message)
