"""What follows from the networks of all folds: one file, the numbers of all events, figures."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import OnnxModel, check_all_outputs, write_folds
from rapidity.core.errors import ParityError
from rapidity.core.files import write_text
from rapidity.core.jagged import Jagged
from rapidity.core.random import make_generator
from rapidity.data.table import SPLITS
from rapidity.evaluation import Evaluated, Folding, SplitCounts, evaluate, summarise_folds
from rapidity.report import (
    draw_evaluated,
    draw_fold_histories,
    draw_inputs,
    draw_interactive,
    draw_network,
)
from rapidity.training.history import COLUMNS
from rapidity.workflow.fit import describe_training
from rapidity.workflow.fold_run import fold_numbers, folds_of, read_fold_model, read_parity_rows
from rapidity.workflow.measure import measure_others
from rapidity.workflow.results import make_input_data
from rapidity.workflow.score import (
    ROWS_PER_CHUNK,
    ScoredTable,
    make_scored_events,
    score_table,
    write_scores,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.artefact import ParityReport, Scores
    from rapidity.config import RunConfig
    from rapidity.data.features import FeatureSet
    from rapidity.data.table import Table
    from rapidity.evaluation import EvaluationResult, ScoredEvents
    from rapidity.network import Network
    from rapidity.training import History
    from rapidity.workflow.fold_run import TrainedFold
    from rapidity.workflow.prepare import PreparedRun
    from rapidity.workflow.results import Figures
    from rapidity.workflow.run_folder import RunFolder

TEST = np.int8(SPLITS.index("test"))
PARITY_ROWS = 4096
"""Events that the file of all folds and the engine both score, from all folds together."""
WHO_SCORED = (
    "Every event is scored by the network of its fold, which never saw it: all events together are the test "
    "split."
)
WHO_WATCHED = (
    "In the rows of the validation and the training split the same events stand with the score of another "
    "network, which watched them or trained on them."
)
WHAT_SPREADS = (
    "The spread over the folds is the standard deviation of one fold: it holds the errors of its events, of "
    "its training events and of its random start. The folds share most of their training events."
)


def export_folds(
    folder: RunFolder, config: RunConfig, table: Table, metadata: dict[str, str], *, is_continuous: bool
) -> ParityReport:
    """Write the file of all folds, and keep it only if it gives each event what the engine of its fold gave.

    Of networks that are not continuous a few events may differ (`artefact.parity`).

    Raises
    ------
    ParityError
        If a probability differs by more than the tolerance, or an event goes to another network; the file
        is then left under ``<name>.rejected.onnx`` for inspection.
    """
    count, column = folds_of(config)
    candidate = folder.model.with_suffix(".rejected.onnx")
    models = [folder.fold(index).model.read_bytes() for index in range(count)]
    write_folds(candidate, models, column, metadata)
    model = OnnxModel.load(candidate)
    rows, expected = _read_parity_rows(folder, count, config.training.seed)
    columns = {name: table.columns[name][rows] for name in model.inputs}
    report = check_all_outputs(model, columns, expected, is_continuous=is_continuous)
    _check_choice(model, columns, column, count)
    candidate.replace(folder.model)
    return report


def _read_parity_rows(folder: RunFolder, count: int, seed: int) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Return rows of all folds, in a random order so that batches of 2 mix folds, and what engines say."""
    found = [read_parity_rows(folder.fold(index).parity, PARITY_ROWS // count) for index in range(count)]
    rows = np.concatenate([of_fold for of_fold, _ in found])
    order = make_generator(seed, "parity", "folds").permutation(len(rows))
    said = {}
    for name in found[0][1]:
        parts = [of_fold[name] for _, of_fold in found]
        joined = Jagged.concatenate(parts) if isinstance(parts[0], Jagged) else np.concatenate(parts)
        said[name] = joined[order]
    return rows[order], said


def _check_choice(model: OnnxModel, columns: dict[str, NDArray[Any]], column: str, count: int) -> None:
    found, expected = model.run(columns).fold, np.mod(columns[column], np.int64(count))
    if found is None or not np.array_equal(found, expected):
        message = (
            f"{model.path} does not send every event to the network of its fold ('{column}' modulo {count}). "
            "Do not use this file; please report it with the configuration."
        )
        raise ParityError(message)


def write_history(path: Path, histories: Sequence[History]) -> None:
    """Write one line an epoch and fold under a line of names, the fold first; undefined values stay empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    further = histories[0].output_columns
    writer.writerow(("fold", *COLUMNS, *further))
    for fold, history in enumerate(histories):
        writer.writerows(
            [fold, *(getattr(row, name) for name in COLUMNS), *map(row.output_losses.get, further)]
            for row in history
        )
    write_text(path, text.getvalue())


def evaluate_folds(folder: RunFolder, config: RunConfig, table: Table, features: FeatureSet) -> Evaluated:
    """Score every event by the file of all folds; write scores.parquet and metrics.json.

    All events together are the test split. Thresholds of working points come from the scores of the
    networks that each event validated; training scores, for the comparison, from networks that it trained.
    """
    model = OnnxModel.load(folder.model)
    scores = score_table(model, table)
    folding, codes = Folding(fold_numbers(config, table), *folds_of(config)), np.full(table.n_events, TEST)
    scored = ScoredTable(table, codes, scores, model.outputs, config.data.spectators, folding.fold)
    write_scores(folder.scores, scored)
    if len(model.classes):
        classified = _evaluate_classes(folder, config, table, scores)
        counts = None
    else:
        classified, counts = None, SplitCounts.of(table.classes, table.class_index, codes, table.event_weight)
    evaluated = Evaluated("test", config.evaluation, classified, counts, notes=(WHO_SCORED, WHAT_SPREADS))
    result = measure_others(evaluated, scored, features, config, folding)
    write_text(folder.metrics, json.dumps(result.to_metrics(), indent=2) + "\n")
    return result


def _evaluate_classes(folder: RunFolder, config: RunConfig, table: Table, scores: Scores) -> EvaluationResult:
    """Return the numbers of the classification, with those of each fold."""
    count, column = folds_of(config)
    fold = fold_numbers(config, table)
    tested = make_scored_events(table, np.full(table.n_events, TEST, np.int8), scores)
    seen = [_score_others(folder, table, tested, fold, count, split) for split in ("train", "validation")]
    result = evaluate(tested.joined(seen), config.evaluation, config.training.seed)
    return replace(
        result,
        folds=summarise_folds(tested, fold, count, column),
        notes=(f"{WHO_SCORED} {WHO_WATCHED}", WHAT_SPREADS, *result.notes),
    )


def _score_others(
    folder: RunFolder, table: Table, tested: ScoredEvents, fold: NDArray[np.int64], count: int, split: str
) -> ScoredEvents:
    """Return all events with the score of a network that they validated, or of one that they trained.

    Fold i + 1 is the validation split of network i, fold i + 2 a part of its training split.
    """
    logits, probabilities = np.empty_like(tested.logits), np.empty_like(tested.probabilities)
    for index in range(count):
        step = 1 if split == "validation" else 2
        others = np.flatnonzero(fold == (index + step) % count)
        model = read_fold_model(folder.fold(index))
        for start in range(0, len(others), ROWS_PER_CHUNK):
            rows = others[start : start + ROWS_PER_CHUNK]
            scores = model.run({name: table.columns[name][rows] for name in model.inputs})
            logits[rows], probabilities[rows] = scores.logits, scores.probabilities
    codes = np.full(table.n_events, SPLITS.index(split), np.int8)
    return replace(tested, split=codes, logits=logits, probabilities=probabilities)


def draw_fold_figures(
    folder: RunFolder,
    config: RunConfig,
    prepared: PreparedRun,
    trained: Sequence[TrainedFold],
    result: Evaluated,
    network: Network | None,
) -> Figures:
    """Draw everything into the `plots` folder; return the figures by the section of the page."""
    formats = tuple(dict.fromkeys(("png", *config.evaluation.formats)))
    plots = folder.plots
    histories = [fold.training.history.columns() for fold in trained]
    figures: Figures = {
        "evaluation": draw_evaluated(result, plots / "evaluation", formats),
        "validation": draw_fold_histories(histories, plots / "validation", formats=formats),
        "inputs": draw_inputs(make_input_data(prepared), plots / "inputs", formats),
    }
    if network is not None:
        figures["network"] = [draw_network(network, plots / "network.png", formats=formats)]
    if config.evaluation.interactive:
        # The curves of training belong to one network each: they are in the figures of the page.
        draw_interactive(result.classification, {}, folder.interactive, run_name=config.name)
    else:
        shutil.rmtree(folder.interactive, ignore_errors=True)
    return figures


def describe_trainings(trained: Sequence[TrainedFold]) -> dict[str, Any]:
    """Return what run.json says of the trainings: of all together, and of each."""
    folds = [
        {"fold": index, **describe_training(fold.training), "seconds": fold.seconds["training"]}
        for index, fold in enumerate(trained)
    ]
    return {"engine": folds[-1]["engine"], "epochs": max(fold["epochs"] for fold in folds), "folds": folds}
