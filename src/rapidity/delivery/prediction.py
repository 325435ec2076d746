"""Scoring the entries of files into one table, chunk by chunk, in flat memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import OnnxModel
from rapidity.core.errors import DataError
from rapidity.core.progress import Progress, SilentProgress
from rapidity.data.object_arrays import with_objects
from rapidity.data.readers import Reader, find_files, open_reader
from rapidity.data.writers import open_writer
from rapidity.delivery.columns import choose_spectators
from rapidity.delivery.destination import check_destination
from rapidity.delivery.inputs import InputPlan, plan_inputs
from rapidity.delivery.scoring import (
    PreparedChunk,
    iterate_prepared,
    mean_names,
    score_columns,
    score_values,
)
from rapidity.delivery.selection import find_object_arrays
from rapidity.delivery.summary import PredictionSummary
from rapidity.delivery.tally import ScoreTally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.artefact import Scores
    from rapidity.config.column_map import ColumnMap

IDENTITY = {"source_file": np.dtype(object), "source_entry": np.dtype(np.int64)}
"""The columns that say which event a row belongs to."""
MAX_FILES_SHOWN = 3


def predict_table(  # noqa: PLR0913 - each argument is an option of the verb
    model: Path | str,
    files: Sequence[str | Path],
    output: Path | str,
    *,
    tree: str | None = None,
    dataset: str | None = None,
    column_names: Sequence[str] | None = None,
    column_map: ColumnMap | None = None,
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
        ``source_entry``, the spectators, ``score_<class>`` of every class (float32) and what
        `scoring.score_columns` says of other outputs, ``fold`` of a model of several networks.
    tree, dataset
        The table inside ROOT files, or inside HDF5 and NPZ files.
    column_names
        Names for files that carry none (CSV without a header, plain arrays).
    column_map
        Where the columns of the model come from, if they are called otherwise.
    spectators
        Columns to copy beside the scores.
    overwrite
        Whether an output that exists is replaced; a file that is read never is.

    Raises
    ------
    ExportError
        If the model is not an ONNX file of Rapidity.
    DataError
        If a file does not fit the model (all that is wrong is listed, before anything is written), or
        the output cannot be written.
    """
    reporter = progress or SilentProgress()
    loaded = OnnxModel.load(model)
    paths = [path for pattern in files for path in find_files(str(pattern))]
    destination = check_destination(output, [*paths, model], overwrite=overwrite)
    arrays = find_object_arrays(loaded.metadata)
    readers = [
        with_objects(open_reader(path, tree=tree, dataset=dataset, column_names=column_names), arrays)
        for path in paths
    ]
    plans = plan_all(readers, loaded, column_map)
    scores_layout = score_columns(loaded)
    copied = choose_spectators(readers, spectators, reserved=[*IDENTITY, *scores_layout])
    counts = [reader.n_entries for reader in readers]
    total = None if None in counts else sum(count or 0 for count in counts)
    tally = ScoreTally(loaded)
    with (
        reporter.task("Scoring", total=total, unit="event") as task,
        open_writer(destination, columns={**IDENTITY, **copied, **scores_layout}) as writer,
    ):
        for reader, plan in zip(readers, plans, strict=True):
            for chunk in iterate_prepared(reader, plan, copied):
                scores = loaded.run(chunk.columns)
                tally.count(chunk.columns, scores)
                writer.write(_make_rows(loaded, reader, chunk, scores, copied))
                task.advance(chunk.n_events)
    return PredictionSummary.of_table(destination, tuple(paths), mean_names(loaded), tally.finish())


def plan_all(readers: Sequence[Reader], model: OnnxModel, column_map: ColumnMap | None) -> list[InputPlan]:
    """Return how each file is read; one error says what is wrong with all of them."""
    plans, errors = [], []
    for reader in readers:
        try:
            plans.append(plan_inputs(reader, model, None, column_map))
        except DataError as error:
            errors.append(error)
    raise_together(errors)
    return plans


def raise_together(errors: Sequence[DataError]) -> None:
    """Raise one error for several files, if there is any."""
    if not errors:
        return
    hidden = len(errors) - MAX_FILES_SHOWN
    more = [f"... and {hidden} more files"] if hidden > 0 else []
    kinds = {type(error) for error in errors}
    kind = kinds.pop() if len(kinds) == 1 else DataError
    raise kind("\n".join([*map(str, errors[:MAX_FILES_SHOWN]), *more]))


def _make_rows(
    model: OnnxModel, reader: Reader, chunk: PreparedChunk, scores: Scores, spectators: dict[str, Any]
) -> dict[str, NDArray[Any]]:
    return {
        "source_file": np.full(chunk.n_events, str(reader.path), dtype=object),
        "source_entry": np.arange(chunk.first_entry, chunk.first_entry + chunk.n_events, dtype=np.int64),
        **{name: chunk.read[name] for name in spectators},
        **score_values(model, scores),
    }
