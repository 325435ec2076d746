"""Whether scores that are there still belong to their events and their model: `rapidity predict --verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.parity import allowed_jumps, prediction_deviation
from rapidity.core.errors import DataError, VerificationError, shorten
from rapidity.core.progress import SilentProgress
from rapidity.data.fitted_outputs import FittedRegression
from rapidity.delivery.facts import read_facts
from rapidity.delivery.scoring import (
    PREDICTION,
    evaluate_pass,
    hash_entries,
    iterate_prepared,
    score_columns,
    score_values,
)
from rapidity.delivery.tally import Counts
from rapidity.delivery.task import FileOutcome, PredictTask, PreparedTask, prepare_task
from rapidity.delivery.verification import open_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from rapidity.artefact import OnnxModel
    from rapidity.core.progress import Progress
    from rapidity.data.readers import Reader
    from rapidity.delivery.facts import ScoreFacts

AGAIN = "Score it again with --overwrite."
SCORED_AGAIN = 256
"""Events of each chunk that are scored again."""
TOLERANCE = 1e-5
"""Largest difference of scores: other processors and versions of ONNX Runtime round otherwise."""


def verify_file(task: PredictTask) -> FileOutcome:
    """Compare the scores of one file with the file and the model; nothing is written.

    Raises
    ------
    DataError
        If the file cannot be read or does not fit the model.
    VerificationError
        If the scores were made by another model, of other entries or otherwise.
    """
    counts = check_scores(prepare_task(task))
    return FileOutcome(task.source, task.output, is_kept=True, counts=counts)


def check_scores(prepared: PreparedTask, progress: Progress | None = None) -> Counts:
    """Compare the scores that are there with their events, all of them, and the model; count the events.

    The inputs of every entry are hashed anew; of each chunk some entries are scored again. Of a network that
    is not continuous a few of these may have other scores, as in `artefact.parity`; they are counted, too.

    Raises
    ------
    VerificationError
        With the file and the first entry that does not fit.
    """
    task, output = prepared.task, Path(prepared.task.output)
    try:
        check_facts(output, prepared.facts)
        friend = open_scores(output, task.score_table(prepared.reader))
    except VerificationError:
        raise
    except DataError as error:
        message = f"the scores of {task.source} cannot be read: {error} {AGAIN}"
        raise VerificationError(message) from error
    columns = {**score_columns(prepared.model), "entry_hash": np.dtype(np.uint64)}
    columns |= {"pass": np.dtype(np.int64)} if task.with_pass else {}
    columns |= {} if task.inject else {"source_entry": np.dtype(np.int64)}
    missing = [name for name in [*columns, *task.spectators] if name not in friend.columns]
    if missing:
        message = f"{output} lacks {shorten(missing)}. {AGAIN}"
        raise VerificationError(message)
    return _compare(prepared, friend, columns, progress)


def check_facts(output: Path, expected: ScoreFacts) -> None:
    """Compare what a file says about its scores with what it should say.

    Raises
    ------
    VerificationError
        If it holds no scores, or those of another model, file or selection.
    """
    found = read_facts(output)
    if found is None:
        message = f"{output} is there, but holds no scores of Rapidity. Choose another --output."
        raise VerificationError(message)
    texts = {
        "model": ("were made by another model", f"{found.model} {found.model_sha256[:12]}", "model_sha256"),
        "source": ("belong to another file", found.source, "source"),
        "table": ("belong to another table", found.source_table, "source_table"),
        "selection": ("have another selection for `pass`", str(found.selection), "selection"),
        "columns": ("were made with other --columns", str(dict(found.columns)), "columns"),
    }
    for text, shown, attribute in texts.values():
        wanted = getattr(expected, attribute)
        if getattr(found, attribute) != wanted:
            short = str(wanted)[:12] if attribute == "model_sha256" else wanted
            message = f"the scores in {output} {text}: found {shown}, expected {short}. {AGAIN}"
            raise VerificationError(message)
    if None not in (found.n_entries, expected.n_entries) and found.n_entries != expected.n_entries:
        raise _other_count(output, expected.source, found.n_entries or 0, expected.n_entries or 0)


def _other_count(output: Path, source: object, found: int, expected: int) -> VerificationError:
    return VerificationError(
        f"{source} has {expected:,} entries, but {output} was made from {found:,}. The file has changed "
        f"since, or one of the two is not whole. {AGAIN}"
    )


def _compare(
    prepared: PreparedTask, friend: Reader, columns: dict[str, Any], progress: Progress | None
) -> Counts:
    """Go through the events and their scores side by side."""
    source, output = prepared.task.source, Path(prepared.task.output)
    rows, again = _Rows(friend, columns), _ScoredAgain(prepared)
    n_events = 0
    shown = (progress or SilentProgress()).task(
        f"Verifying {output.name}", total=prepared.reader.n_entries, unit="event"
    )
    with shown as task:
        for chunk in iterate_prepared(prepared.reader, prepared.plan):
            beside = rows.take(chunk.n_events)
            n_found = len(beside["entry_hash"])
            hashes = hash_entries(prepared.model, chunk)
            changed = np.flatnonzero(hashes[:n_found] != beside["entry_hash"])
            if len(changed):
                raise _changed(source, output, chunk.first_entry + int(changed[0]))
            if n_found < chunk.n_events:
                raise _shorter(source, output, chunk.first_entry + n_found)
            _check_values(prepared, chunk, beside)
            again.compare(chunk, beside)
            n_events += chunk.n_events
            task.advance(chunk.n_events)
    if rows.has_more():
        raise _shorter(output, source, n_events)
    return Counts(n_events, n_jumps=again.count_jumps())


def _changed(source: str, output: Path, entry: int) -> VerificationError:
    return VerificationError(
        f"entry {entry} of {source} is not the one that was scored into {output}: what the model reads of it "
        f"has changed since, or the entries have another order. {AGAIN}"
    )


def _shorter(longer: object, shorter: object, n_entries: int) -> VerificationError:
    return VerificationError(
        f"{shorter} ends after {n_entries:,} entries, but {longer} goes on. One of the two is not whole, or "
        f"has changed since. {AGAIN}"
    )


def _check_values(prepared: PreparedTask, chunk: Any, beside: dict[str, NDArray[Any]]) -> None:
    """Compare the number of the entry, and the selection."""
    expected: dict[str, NDArray[Any]] = {}
    if "source_entry" in beside:
        expected["source_entry"] = np.arange(chunk.first_entry, chunk.first_entry + chunk.n_events)
    if "pass" in beside:
        expected["pass"] = evaluate_pass(prepared.plan, chunk).astype(np.int64)
    for name, values in expected.items():
        differs = find_differences(prepared.model, name, beside[name], values)
        if differs.any():
            raise VerificationError(_describe(prepared, chunk, name, differs, beside[name], values))


def _describe(
    prepared: PreparedTask,
    chunk: Any,
    name: str,
    differs: NDArray[np.bool_],
    found: NDArray[Any],
    expected: NDArray[Any],
) -> str:
    """Return what is wrong with the first entry that differs."""
    row = int(np.argmax(differs))
    return (
        f"entry {chunk.first_entry + row} of {prepared.task.source}: {name} is {found[row]} in "
        f"{prepared.task.output}, but the model gives {expected[row]}. {AGAIN}"
    )


class _ScoredAgain:
    """The first entries of each chunk, which are scored again."""

    def __init__(self, prepared: PreparedTask) -> None:
        self._prepared = prepared
        self._n_entries = 0
        self._jumps: dict[int, str] = {}

    def compare(self, chunk: Any, beside: dict[str, NDArray[Any]]) -> None:
        """Compare scores with those that the model gives; a VerificationError, but for what may differ."""
        model = self._prepared.model
        first = {name: chunk.columns[name][:SCORED_AGAIN] for name in model.inputs}
        self._n_entries += min(chunk.n_events, SCORED_AGAIN)
        for name, values in score_values(model, model.run(first)).items():
            found = beside[name][: len(values)]
            differs = find_differences(model, name, found, values)
            if not differs.any():
                continue
            message = _describe(self._prepared, chunk, name, differs, found, values)
            both = np.stack([found, values])[:, differs]
            if model.is_continuous or both.dtype.kind != "f" or not np.isfinite(both).all():
                raise VerificationError(message)
            for row in np.flatnonzero(differs).tolist():
                self._jumps.setdefault(chunk.first_entry + row, message)

    def count_jumps(self) -> int:
        """Return how many entries have other scores; too many are a VerificationError."""
        n_allowed = allowed_jumps(self._n_entries)
        if len(self._jumps) > n_allowed:
            message = (
                f"{self._jumps[min(self._jumps)]} Of {self._n_entries} entries scored again "
                f"{len(self._jumps)} differ; at most {n_allowed} may, where neighbours in the network change "
                "by rounding."
            )
            raise VerificationError(message)
        return len(self._jumps)


def find_differences(
    model: OnnxModel, name: str, found: NDArray[Any], expected: NDArray[Any]
) -> NDArray[np.bool_]:
    """Return where a column of scores is not what the model gives ``(n_events,)``.

    Predictions may have any size: see `artefact.parity.prediction_deviation`.
    """
    if expected.dtype.kind != "f":
        return np.asarray(found != expected)
    output = model.outputs.get(name.removeprefix(PREDICTION))
    if name.startswith(PREDICTION) and isinstance(output, FittedRegression):
        deviation = prediction_deviation(found, expected, output)
        return np.asarray(~(deviation <= TOLERANCE) & ~(np.isnan(found) & np.isnan(expected)))
    return np.asarray(~np.isclose(found, expected, rtol=0.0, atol=TOLERANCE, equal_nan=True))


class _Rows:
    """The rows of a file, handed out in portions of any size."""

    def __init__(self, reader: Reader, dtypes: dict[str, Any]) -> None:
        self._chunks: Iterator[dict[str, Any]] = reader.read(dtypes)
        self._waiting = {name: np.empty(0, dtype) for name, dtype in dtypes.items()}

    def _fill(self, n_rows: int) -> None:
        while len(next(iter(self._waiting.values()))) < n_rows:
            chunk = next(self._chunks, None)
            if chunk is None:
                return
            self._waiting = {
                name: np.concatenate([values, chunk[name]]) for name, values in self._waiting.items()
            }

    def take(self, n_rows: int) -> dict[str, NDArray[Any]]:
        """Return the next rows, fewer at the end."""
        self._fill(n_rows)
        taken = {name: values[:n_rows] for name, values in self._waiting.items()}
        self._waiting = {name: values[n_rows:] for name, values in self._waiting.items()}
        return taken

    def has_more(self) -> bool:
        """Tell whether rows are left."""
        self._fill(1)
        return bool(len(next(iter(self._waiting.values()))))
