"""Scoring events with the exported model: every published number comes from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import Scores
from rapidity.config.outputs import describe_score_clash, find_classification
from rapidity.core.errors import ConfigError, shorten
from rapidity.core.jagged import Jagged
from rapidity.data.collections import iterate_chunks
from rapidity.data.fitted_outputs import FittedAssignment, FittedClassification
from rapidity.data.table import SPLITS
from rapidity.data.writers import open_writer
from rapidity.data.writers.writer import OutputColumn
from rapidity.evaluation import ScoredEvents

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.artefact import OnnxModel
    from rapidity.config.outputs import AnyOutput
    from rapidity.core.classes import ClassSet
    from rapidity.data.fitted_outputs import FittedOutput
    from rapidity.data.growing import GrowingArray
    from rapidity.data.spool import Spool
    from rapidity.data.table import Table

ROWS_PER_CHUNK = 131_072
OWN_COLUMNS = ("source_file", "source_table", "source_entry", "split", "class", "event_weight")
"""Columns of scores.parquet before the spectators; the scores of the classes come after them."""
TRUTH, PREDICTION = "truth_", "prediction_"
"""Begin the names of the columns of a regression: what is true, and what the network says."""
OTHER = "other:"
"""Begins the key of an output while scores are collected."""
FOLD = "fold"
"""Column of scores.parquet, of a run with folds, that says which network scored the event."""


def check_spectators(
    spectators: Sequence[str],
    classes: ClassSet,
    *,
    has_folds: bool = False,
    outputs: Mapping[str, AnyOutput] | None = None,
) -> None:
    """Raise a ConfigError if a spectator would take the place of a column of scores.parquet.

    Likewise if two classes would have the same column, which is not known before the events are read where
    only the target column tells the classes.
    """
    has_classes = outputs is None or find_classification(outputs) is not None
    clash = describe_score_clash(outputs or {}, classes.names if has_classes else ())
    if clash is not None:
        message = f"outputs: {clash}."
        raise ConfigError(message)
    reserved = {*OWN_COLUMNS, *(f"score_{name}" for name in classes.names), *([FOLD] if has_folds else [])}
    for name, output in (outputs or {}).items():
        if output.task == "regression":
            reserved |= {f"{TRUTH}{name}", f"{PREDICTION}{name}"}
        elif output.task == "assignment":
            reserved |= {f"{TRUTH}{name}", *(f"score_{name}_{of}" for of in output.classes)}
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
    objects: dict[str, list[Jagged]] = {}
    for _, columns in iterate_chunks(table.columns, list(model.inputs), most=ROWS_PER_CHUNK):
        scores = model.run(columns)
        parts: dict[str, Any] = {"logits": scores.logits, "probabilities": scores.probabilities}
        parts |= {FOLD: scores.fold, **{f"{OTHER}{name}": one for name, one in scores.others.items()}}
        for name, values in parts.items():
            if isinstance(values, Jagged):
                objects.setdefault(name, []).append(values)
            elif values is not None:
                if name not in collected:
                    collected[name] = spool.make_array(np.dtype((values.dtype, values.shape[1:])))
                collected[name].append(values)
    finished = {name: growing.finish() for name, growing in collected.items()}
    joined = {**finished, **{name: Jagged.concatenate(listed) for name, listed in objects.items()}}
    others = {name.removeprefix(OTHER): one for name, one in joined.items() if name.startswith(OTHER)}
    # Without a classification they have no columns, and a file for nothing forgets how many rows it has.
    nothing = np.empty((table.n_events, 0), np.float32)
    logits, probabilities = (
        finished[name] if finished[name].size else nothing for name in ("logits", "probabilities")
    )
    return Scores(logits, probabilities, finished.get(FOLD), others)


def make_scored_events(table: Table, split_codes: NDArray[np.int8], scores: Scores) -> ScoredEvents:
    """Put class, split and weight of each event beside its scores of the classification."""
    return ScoredEvents(
        classes=table.classes,
        class_index=table.class_index,
        split=split_codes,
        event_weight=table.event_weight,
        logits=scores.logits,
        probabilities=scores.probabilities,
    )


@dataclass(frozen=True)
class ScoredTable:
    """What scores.parquet is made of.

    Attributes
    ----------
    split
        Index into `SPLITS` of each event, -1 if in none.
    outputs
        What the model says of an event, by name.
    fold
        Of a run with folds: which network scored the event.
    """

    table: Table
    split: NDArray[np.int8]
    scores: Scores
    outputs: Mapping[str, FittedOutput]
    spectators: tuple[str, ...] = ()
    fold: NDArray[np.int64] | None = None


def write_scores(path: Path, scored: ScoredTable) -> None:
    """Write one row per event.

    Identity, split, class, event weight, fold, spectators; a score per class; of each regression truth and
    prediction; of each assignment lists of true classes and of a score per class.
    """
    first = _score_columns(scored, slice(0, 0))
    columns = {
        name: OutputColumn(values.content.dtype, is_jagged=True)
        if isinstance(values, Jagged)
        else OutputColumn(values.dtype)
        for name, values in first.items()
    }
    with open_writer(path, columns=columns) as writer:
        for start in range(0, scored.table.n_events, ROWS_PER_CHUNK):
            writer.write(_score_columns(scored, slice(start, start + ROWS_PER_CHUNK)))


def _score_columns(scored: ScoredTable, rows: slice) -> dict[str, Any]:
    """Return the columns of scores.parquet for some rows; text columns are object arrays of str."""
    table = scored.table
    # The empty name at the end is what the index -1 (none) takes.
    split_names = np.array([*SPLITS, ""], dtype=object)
    class_names = np.array([*table.classes.names, ""], dtype=object)
    entries = table.source_entry[rows]
    columns: dict[str, Any] = {
        "source_file": np.array(table.files, dtype=object)[table.source_file[rows]],
        "source_table": np.array(table.inner_tables, dtype=object)[table.source_file[rows]],
        "source_entry": entries,
        "split": split_names[scored.split[rows]],
        "class": class_names[table.class_index[rows]],
        "event_weight": np.ones(len(entries)) if table.event_weight is None else table.event_weight[rows],
    }
    if scored.fold is not None:
        columns[FOLD] = scored.fold[rows]
    columns |= {name: table.columns[name][rows] for name in scored.spectators}
    for name, output in scored.outputs.items():
        if isinstance(output, FittedClassification):
            for index, of in enumerate(output.classes.names):
                columns[f"score_{of}"] = np.ascontiguousarray(scored.scores.probabilities[rows, index])
            continue
        columns[f"{TRUTH}{name}"] = table.targets[name][rows]
        found = scored.scores.others[name][rows]
        if isinstance(output, FittedAssignment):
            columns |= {
                f"score_{name}_{of}": Jagged(np.ascontiguousarray(found.content[:, index]), found.offsets)
                for index, of in enumerate(output.classes.names)
            }
        else:
            columns[f"{PREDICTION}{name}"] = found
    return columns
