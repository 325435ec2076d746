"""The scores of one file in a file beside it, or in a copy of it: every entry, in its order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.errors import DataError
from rapidity.core.progress import SilentProgress
from rapidity.data.writers import open_writer
from rapidity.data.writers.injection import open_injector
from rapidity.data.writers.root import open_root_writer
from rapidity.delivery.checking import check_facts, check_scores
from rapidity.delivery.columns import choose_spectators
from rapidity.delivery.destination import check_not_read, format_name
from rapidity.delivery.facts import ATTRIBUTE, write_facts
from rapidity.delivery.scoring import (
    PreparedChunk,
    evaluate_pass,
    hash_entries,
    iterate_prepared,
    score_columns,
    score_values,
)
from rapidity.delivery.tally import Counts, ScoreTally
from rapidity.delivery.task import FRIEND_TABLE, FileOutcome, PredictTask, PreparedTask, prepare_task
from rapidity.delivery.verification import ColumnDigests, verify_written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.artefact import Scores
    from rapidity.core.progress import Progress
    from rapidity.data.writers import Writer

PASS = "pass"
HASH = "entry_hash"
ENTRY = "source_entry"


def predict_file(task: PredictTask, progress: Progress | None = None) -> FileOutcome:
    """Score one file and write the scores, read them back, and only then give the output its name.

    An output that is there already, made by the same model from the same events, is kept.

    Raises
    ------
    DataError
        If the file cannot be read or does not fit the model, or the output cannot be written.
    VerificationError
        If what was written reads back otherwise; or the output that is there was made from other
        events or by another model, and `overwrite` is not set.
    """
    output = Path(task.output)
    prepared = prepare_task(task)
    check_not_read(output, [task.source, task.model])
    if output.exists() and not task.overwrite:
        counts = check_scores(prepared, progress)
        return FileOutcome(task.source, task.output, is_kept=True, counts=counts)
    return FileOutcome(task.source, task.output, is_kept=False, counts=_write_scores(prepared, progress))


def check_task(task: PredictTask) -> DataError | None:
    """Return what is wrong with a file before anything of it is scored; None if it fits the model.

    Scores that are there already are looked at for what they say about themselves.

    Raises
    ------
    ExportError
        If the model is not one of Rapidity.
    """
    output = Path(task.output)
    try:
        prepared = prepare_task(task)
        if output.exists() and not task.overwrite:
            check_facts(output, prepared.facts)
        if task.inject:
            _open_output(prepared, friend_columns(prepared))
    except DataError as error:
        return error
    return None


def friend_columns(prepared: PreparedTask) -> dict[str, np.dtype[Any]]:
    """Return the columns that are written, with their types, without the spectators."""
    columns = score_columns(prepared.model)
    fold = {"fold": columns.pop("fold")} if "fold" in columns else {}
    columns |= {PASS: np.dtype(np.bool_)} if prepared.task.with_pass else {}
    columns |= {**fold, HASH: np.dtype(np.uint64)}
    return columns if prepared.task.inject else {**columns, ENTRY: np.dtype(np.int64)}


def _write_scores(prepared: PreparedTask, progress: Progress | None) -> Counts:
    task, model = prepared.task, prepared.model
    columns = friend_columns(prepared)
    spectators = choose_spectators([prepared.reader], task.spectators, reserved=list(columns))
    columns = {**spectators, **columns}
    tally, digests = ScoreTally(model), ColumnDigests(columns)
    shown = Path(task.output)
    with (
        _open_output(prepared, columns) as writer,
        (progress or SilentProgress()).task(
            f"Scoring {Path(task.source).name}", total=prepared.reader.n_entries, unit="event"
        ) as shown_task,
    ):
        writer.verify = lambda path: verify_written(path, task.score_table(prepared.reader), digests, shown)
        for chunk in iterate_prepared(prepared.reader, prepared.plan, spectators):
            scores = model.run(chunk.columns)
            passes = evaluate_pass(prepared.plan, chunk) if task.with_pass else None
            tally.count(chunk.columns, scores, passes)
            rows = _make_rows(prepared, chunk, scores, passes, columns)
            digests.add(rows)
            writer.write(rows)
            shown_task.advance(chunk.n_events)
    counts = tally.finish()
    if (format_name(prepared.reader.path) if task.inject else task.output_format) == "csv":
        write_facts(shown, replace(prepared.facts, n_entries=counts.n_events))
    return counts


def _make_rows(
    prepared: PreparedTask,
    chunk: PreparedChunk,
    scores: Scores,
    passes: NDArray[np.bool_] | None,
    columns: Mapping[str, np.dtype[Any]],
) -> dict[str, NDArray[Any]]:
    values: dict[str, Any] = {
        **chunk.read,
        **score_values(prepared.model, scores),
        PASS: passes,
        HASH: hash_entries(prepared.model, chunk),
        ENTRY: np.arange(chunk.first_entry, chunk.first_entry + chunk.n_events, dtype=np.int64),
    }
    return {name: values[name].astype(dtype, copy=False) for name, dtype in columns.items()}


def _open_output(prepared: PreparedTask, columns: Mapping[str, np.dtype[Any]]) -> Writer:
    task = prepared.task
    attributes = {ATTRIBUTE: prepared.facts.to_json()}
    if task.inject:
        source: Any = prepared.reader
        return open_injector(
            source,
            task.output,
            file_format=format_name(source.path),
            columns=columns,
            attributes=attributes,
        )
    if task.output_format in {"root", "rntuple"}:
        layout: Any = "tree" if task.output_format == "root" else "rntuple"
        return open_root_writer(
            task.output, columns=columns, table=FRIEND_TABLE, layout=layout, attributes=attributes
        )
    return open_writer(task.output, columns=columns, attributes=attributes)
