"""Scoring events with the exported model: every published number comes from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rapidity.artefact import Scores
from rapidity.core.errors import ConfigError, shorten
from rapidity.data.collections import iterate_chunks
from rapidity.data.table import SPLITS
from rapidity.data.writers import open_writer
from rapidity.evaluation import ScoredEvents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

    from rapidity.artefact import OnnxModel
    from rapidity.core.classes import ClassSet
    from rapidity.data.growing import GrowingArray
    from rapidity.data.spool import Spool
    from rapidity.data.table import Table

ROWS_PER_CHUNK = 131_072
OWN_COLUMNS = ("source_file", "source_table", "source_entry", "split", "class", "event_weight")
"""Columns of scores.parquet before the spectators; the scores of the classes come after them."""
FOLD = "fold"
"""Column of scores.parquet, of a run with folds, that says which network scored the event."""


def check_spectators(spectators: Sequence[str], classes: ClassSet, *, has_folds: bool = False) -> None:
    """Raise a ConfigError if a spectator would take the place of a column of scores.parquet."""
    reserved = {*OWN_COLUMNS, *(f"score_{name}" for name in classes.names), *([FOLD] if has_folds else [])}
    clashing = [name for name in spectators if name in reserved]
    if clashing:
        message = (
            f"data.spectators: scores.parquet has columns {shorten(clashing)} of its own, which the "
            "spectators would replace. Leave them out, or rename them in the data."
        )
        raise ConfigError(message)


def score_table(model: OnnxModel, table: Table) -> Scores:
    """Return the scores of all events of a table, by ONNX Runtime from their raw columns."""
    if table.spool is None or not table.spool.is_on_disk:
        return model.run({name: table.columns[name] for name in model.inputs})
    return _score_chunks(model, table, table.spool)


def _score_chunks(model: OnnxModel, table: Table, spool: Spool) -> Scores:
    """Return the scores of a table on disk, themselves on disk."""
    collected: dict[str, GrowingArray] = {}
    for _, columns in iterate_chunks(table.columns, list(model.inputs), most=ROWS_PER_CHUNK):
        scores = model.run(columns)
        parts = {"logits": scores.logits, "probabilities": scores.probabilities, FOLD: scores.fold}
        for name, values in parts.items():
            if values is not None:
                if name not in collected:
                    collected[name] = spool.make_array(np.dtype((values.dtype, values.shape[1:])))
                collected[name].append(values)
    finished = {name: growing.finish() for name, growing in collected.items()}
    return Scores(finished["logits"], finished["probabilities"], finished.get(FOLD))


def make_scored_events(table: Table, split_codes: NDArray[np.int8], scores: Scores) -> ScoredEvents:
    """Put class, split and weight of each event beside its scores."""
    return ScoredEvents(
        classes=table.classes,
        class_index=table.class_index,
        split=split_codes,
        event_weight=table.event_weight,
        logits=scores.logits,
        probabilities=scores.probabilities,
    )


def write_scores(
    path: Path,
    table: Table,
    events: ScoredEvents,
    spectators: tuple[str, ...] = (),
    fold: NDArray[np.int64] | None = None,
) -> None:
    """Write one row per event: identity, split, class, event weight, fold, spectators, a score per class."""
    first = _score_columns(table, events, spectators, fold, slice(0, 0))
    with open_writer(path, columns={name: values.dtype for name, values in first.items()}) as writer:
        for start in range(0, table.n_events, ROWS_PER_CHUNK):
            rows = slice(start, start + ROWS_PER_CHUNK)
            writer.write(_score_columns(table, events, spectators, fold, rows))


def _score_columns(
    table: Table,
    events: ScoredEvents,
    spectators: tuple[str, ...],
    fold: NDArray[np.int64] | None,
    rows: slice,
) -> dict[str, NDArray[Any]]:
    """Return the columns of scores.parquet for some rows; text columns are object arrays of str."""
    # The empty name at the end is what the index -1 (none) takes.
    split_names = np.array([*SPLITS, ""], dtype=object)
    class_names = np.array([*table.classes.names, ""], dtype=object)
    entries = table.source_entry[rows]
    columns: dict[str, NDArray[Any]] = {
        "source_file": np.array(table.files, dtype=object)[table.source_file[rows]],
        "source_table": np.array(table.inner_tables, dtype=object)[table.source_file[rows]],
        "source_entry": entries,
        "split": split_names[events.split[rows]],
        "class": class_names[table.class_index[rows]],
        "event_weight": np.ones(len(entries)) if table.event_weight is None else table.event_weight[rows],
    }
    if fold is not None:
        columns[FOLD] = fold[rows]
    columns |= {name: table.columns[name][rows] for name in spectators}
    for index, name in enumerate(table.classes.names):
        columns[f"score_{name}"] = np.ascontiguousarray(events.probabilities[rows, index])
    return columns
