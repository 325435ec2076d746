"""Going through one file: its events, scored chunk by chunk in flat memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.data.column_types import rows_at_once
from rapidity.data.events import CHUNK_SIZE
from rapidity.data.row_hash import hash_rows
from rapidity.delivery.selection import evaluate_selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from rapidity.artefact import OnnxModel, Scores
    from rapidity.data.readers import Reader
    from rapidity.data.row_hash import HashArray
    from rapidity.delivery.inputs import InputPlan


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
    """Return the columns of scores with their types: one a class, and the fold if there are several."""
    columns = {f"score_{name}": np.dtype(np.float32) for name in model.classes.names}
    return columns | ({} if model.folds is None else {"fold": np.dtype(np.int64)})


def score_values(model: OnnxModel, scores: Scores) -> dict[str, NDArray[Any]]:
    """Return the values of `score_columns`."""
    values: dict[str, NDArray[Any]] = {
        f"score_{name}": np.ascontiguousarray(scores.probabilities[:, index], dtype=np.float32)
        for index, name in enumerate(model.classes.names)
    }
    return values if scores.fold is None else {**values, "fold": scores.fold}
