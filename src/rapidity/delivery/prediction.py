"""Scoring the entries of files chunk by chunk, in flat memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import OnnxModel
from rapidity.core.progress import Progress, SilentProgress
from rapidity.data.columns import rows_at_once
from rapidity.data.events import CHUNK_SIZE, EventChunk, iterate_events
from rapidity.data.readers import find_files, open_reader
from rapidity.data.writers import open_writer
from rapidity.delivery.columns import choose_columns
from rapidity.delivery.destination import check_destination
from rapidity.delivery.tally import ScoreTally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.artefact import Scores
    from rapidity.delivery.summary import PredictionSummary

IDENTITY = {"source_file": np.dtype(object), "source_entry": np.dtype(np.int64)}
"""The columns that say which event a row belongs to."""


def predict_files(  # noqa: PLR0913 - each argument is an option of the verb
    model: Path | str,
    files: Sequence[str | Path],
    output: Path | str,
    *,
    tree: str | None = None,
    dataset: str | None = None,
    column_names: Sequence[str] | None = None,
    spectators: Sequence[str] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PredictionSummary:
    """Write the scores of every entry of some files, in order, with the file and entry of each.

    Parameters
    ----------
    model
        A ``model.onnx``.
    files
        Files or globs, in any readable format.
    output
        CSV (also gzipped), Parquet or HDF5, by its suffix. Columns: ``source_file``,
        ``source_entry``, the spectators, ``score_<class>`` of every class (float32).
    tree, dataset
        The table inside ROOT files, or inside HDF5 and NPZ files.
    column_names
        Names for files that carry none (CSV without a header, plain arrays).
    spectators
        Columns to copy beside the scores.
    overwrite
        Whether an output that exists is replaced; a file that is read never is.

    Raises
    ------
    ExportError
        If the model is not an ONNX file of Rapidity.
    DataError
        If a file lacks columns that the model needs (all are listed, before anything is written), or
        the output cannot be written.
    """
    reporter = progress or SilentProgress()
    loaded = OnnxModel.load(model)
    paths = [path for pattern in files for path in find_files(str(pattern))]
    destination = check_destination(output, [*paths, model], overwrite=overwrite)
    table: dict[str, Any] = {"tree": tree, "dataset": dataset, "column_names": column_names}
    readers = [open_reader(path, **table) for path in paths]
    score_names = [f"score_{name}" for name in loaded.classes.names]
    dtypes = choose_columns(readers, loaded.inputs, spectators, reserved=[*IDENTITY, *score_names])
    counts = [reader.n_entries for reader in readers]
    total = None if None in counts else sum(count or 0 for count in counts)

    tally = ScoreTally(loaded)
    layout = {**IDENTITY, **{name: np.dtype(dtypes[name]) for name in spectators}}
    layout |= dict.fromkeys(score_names, np.dtype(np.float32))
    with (
        reporter.task("Scoring", total=total, unit="event") as task,
        open_writer(destination, columns=layout) as writer,
    ):
        for chunk in iterate_events(paths, dtypes, **table, chunk_size=rows_at_once(dtypes, CHUNK_SIZE)):
            scores = loaded.run({name: chunk.columns[name] for name in loaded.inputs})
            tally.count(chunk, scores)
            writer.write(_rows(chunk, scores, spectators, score_names))
            task.advance(chunk.n_events)
    return tally.summarise(destination, tuple(paths))


def _rows(
    chunk: EventChunk, scores: Scores, spectators: Sequence[str], score_names: Sequence[str]
) -> dict[str, NDArray[Any]]:
    entries = np.arange(chunk.first_entry, chunk.first_entry + chunk.n_events, dtype=np.int64)
    rows: dict[str, NDArray[Any]] = {
        "source_file": np.full(chunk.n_events, str(chunk.file), dtype=object),
        "source_entry": entries,
    }
    rows |= {name: chunk.columns[name] for name in spectators}
    for index, name in enumerate(score_names):
        rows[name] = np.ascontiguousarray(scores.probabilities[:, index], dtype=np.float32)
    return rows
