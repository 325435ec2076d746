"""Going through one file: its events, scored chunk by chunk in flat memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.data.column_types import rows_at_once
from rapidity.data.events import CHUNK_SIZE
from rapidity.data.fitted_outputs import FittedAssignment, FittedRegression
from rapidity.data.row_hash import hash_rows
from rapidity.delivery.selection import evaluate_selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.artefact import OnnxModel, Scores
    from rapidity.core.jagged import Jagged
    from rapidity.data.readers import Reader
    from rapidity.data.row_hash import HashArray
    from rapidity.delivery.inputs import InputPlan


PREDICTION = "prediction_"
"""Begins the name of the column of a regression."""


@dataclass(frozen=True)
class PreparedChunk:
    """Some consecutive events of one file, as the model takes them.

    Attributes
    ----------
    columns
        The columns of the model, and of its selection.
    read
        The columns of the file, as they were read.
    """

    columns: Mapping[str, Any]
    read: Mapping[str, Any]
    first_entry: int
    n_events: int


def iterate_prepared(
    reader: Reader, plan: InputPlan, spectators: Mapping[str, Any] | None = None
) -> Iterator[PreparedChunk]:
    """Yield the events of a file in order; no chunk is empty.

    Parameters
    ----------
    spectators
        Further columns of the file to read -> dtype.

    Raises
    ------
    DataError
        If the file cannot be read, or a value does not fit the model.
    """
    # What the plan says comes last: its types are those of the model.
    dtypes = {**(spectators or {}), **plan.reads}
    first_entry = 0
    for read in reader.read(dtypes, rows_at_once(dtypes, CHUNK_SIZE)):
        n_events = len(next(iter(read.values())))
        if n_events:
            columns = plan.make_columns(read, first_entry)
            yield PreparedChunk(columns, read, first_entry, n_events)
        first_entry += n_events


def hash_entries(model: OnnxModel, chunk: PreparedChunk) -> HashArray:
    """Return the hash of each event's inputs of the model ``(n_events,)``, by which a change is noticed."""
    return hash_rows([chunk.columns[name] for name in model.inputs])


def evaluate_pass(plan: InputPlan, chunk: PreparedChunk) -> NDArray[np.bool_]:
    """Return which events fulfil the selection of the model ``(n_events,)``."""
    return evaluate_selection(plan.selection, chunk.columns, chunk.n_events, plan.where, chunk.first_entry)


def score_columns(model: OnnxModel) -> dict[str, np.dtype[Any]]:
    """Return the columns of scores with their types.

    ``score_<class>`` of a classification; ``prediction_<output>`` of a regression; of an assignment, for each
    of the objects that the network sees, in the order of the file and counted from 0,
    ``object_<output>_<i>``, the number of the object in its event (-1: there is none), and
    ``score_<output>_<class>_<i>``; and the fold if there are several networks.
    """
    columns: dict[str, np.dtype[Any]] = {
        f"score_{name}": np.dtype(np.float32) for name in model.classes.names
    }
    for name, output in model.outputs.items():
        if isinstance(output, FittedRegression):
            columns[f"{PREDICTION}{name}"] = np.dtype(np.float32)
        elif isinstance(output, FittedAssignment):
            for place in range(output.n_objects):
                columns[f"object_{name}_{place}"] = np.dtype(np.int64)
                for of in output.classes.names:
                    columns[f"score_{name}_{of}_{place}"] = np.dtype(np.float32)
    return columns | ({} if model.folds is None else {"fold": np.dtype(np.int64)})


def mean_names(model: OnnxModel) -> tuple[str, ...]:
    """Return what a mean is told of: the score of each class, and each prediction."""
    regressions = (name for name, one in model.outputs.items() if isinstance(one, FittedRegression))
    return (*model.classes.names, *(f"{PREDICTION}{name}" for name in regressions))


def mean_values(model: OnnxModel, scores: Scores) -> NDArray[Any]:
    """Return the values of `mean_names`, ``(n_values, n_events)``."""
    predictions = [
        scores.others[name] for name, one in model.outputs.items() if isinstance(one, FittedRegression)
    ]
    return np.concatenate([scores.probabilities.T, *[values[np.newaxis] for values in predictions]])


def score_values(model: OnnxModel, scores: Scores) -> dict[str, NDArray[Any]]:
    """Return the values of `score_columns`."""
    values: dict[str, NDArray[Any]] = {
        f"score_{name}": np.ascontiguousarray(scores.probabilities[:, index], dtype=np.float32)
        for index, name in enumerate(model.classes.names)
    }
    for name, output in model.outputs.items():
        if isinstance(output, FittedRegression):
            values[f"{PREDICTION}{name}"] = scores.others[name]
        elif isinstance(output, FittedAssignment):
            values |= _object_values(name, output, scores.others[name])
    return values if scores.fold is None else {**values, "fold": scores.fold}


def _object_values(name: str, output: FittedAssignment, found: Jagged) -> dict[str, NDArray[Any]]:
    """Return the columns of an assignment: the objects that the network sees, one after the other."""
    events = np.repeat(np.arange(len(found)), found.counts)
    number = np.arange(len(events)) - found.offsets[events]
    seen = np.flatnonzero(~np.isnan(found.content).any(axis=1))
    counts = np.bincount(events[seen], minlength=len(found))
    place = np.arange(len(seen)) - (np.cumsum(counts) - counts)[events[seen]]
    shape = (output.n_objects, len(found))
    numbers = np.full(shape, -1, np.int64)
    numbers[place, events[seen]] = number[seen]
    scores = np.full((*shape, len(output.classes)), np.nan, np.float32)
    scores[place, events[seen]] = found.content[seen]
    values: dict[str, NDArray[Any]] = {}
    for at in range(output.n_objects):
        values[f"object_{name}_{at}"] = numbers[at]
        for index, of in enumerate(output.classes.names):
            values[f"score_{name}_{of}_{at}"] = np.ascontiguousarray(scores[at, :, index])
    return values
