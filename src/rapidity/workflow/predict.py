"""Scores of many files: which output belongs to which, who works on it, what became of them all."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.config.column_map import ColumnMap, load_column_map
from rapidity.core.errors import ConfigError, DataError, InterruptedRunError, VerificationError, shorten
from rapidity.core.files import remove_temporaries, without_empty_folders
from rapidity.core.progress import SilentProgress
from rapidity.data.readers import find_files, open_reader
from rapidity.delivery import PredictionSummary, PredictTask, predict_file, predict_table, verify_file
from rapidity.delivery.conversion_note import note_conversion
from rapidity.delivery.destination import (
    ADDED,
    check_folder,
    check_not_read,
    choose_format,
    is_one_friend,
    is_one_table,
    name_outputs,
    table_name,
)
from rapidity.delivery.facts import read_facts
from rapidity.delivery.friends import check_task
from rapidity.delivery.prediction import raise_together
from rapidity.delivery.scoring import mean_names, score_columns
from rapidity.delivery.summary import mean_scores
from rapidity.delivery.tally import Counts
from rapidity.delivery.usage import show_usage
from rapidity.workflow.execution import open_executor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rapidity.config.cluster import ClusterBlock
    from rapidity.core.progress import Progress
    from rapidity.delivery import FileOutcome
    from rapidity.workflow.execution import Executor


def predict_files(  # noqa: PLR0913 - each argument is an option of the verb
    model: Path | str,
    files: Path | str | Sequence[str | Path],
    output: Path | str,
    *,
    tree: str | None = None,
    dataset: str | None = None,
    column_names: Sequence[str] | None = None,
    columns: Path | str | ColumnMap | None = None,
    spectators: Sequence[str] = (),
    output_format: str | None = None,
    inject: bool = False,
    verify: bool = False,
    with_pass: bool = True,
    overwrite: bool = False,
    cluster: str | ClusterBlock | None = None,
    n_workers: int | None = 1,
    progress: Progress | None = None,
) -> PredictionSummary:
    """Write the scores of every entry of some files beside them, as ``rapidity predict`` does.

    Parameters
    ----------
    model
        A ``model.onnx``, or the folder of a run.
    files
        Files or globs, in any readable format.
    output
        A folder: then each file gets a file of scores of its own, ``a.root`` the friend ``a.scores.root``
        (or, with `inject`, a copy of the same name). Or one file: CSV, Parquet or HDF5 for one table of all
        files (see `delivery.predict_table`), ``.root`` for the friend of the one file given.
    tree, dataset, column_names
        The table inside ROOT, or HDF5 and NPZ files; names for files that carry none.
    columns
        A YAML file, or its content, that says where the columns of the model come from.
    spectators
        Columns to copy beside the scores.
    output_format
        ``root`` (a tree), ``rntuple``, ``hdf5``, ``parquet`` or ``csv``; None: that of each file.
    inject
        Write copies of the files with the scores in their tables, where their formats allow it.
    verify
        Write nothing; compare the scores that are there with the files and the model.
    with_pass
        Whether the selection of the model is evaluated for every entry.
    overwrite
        Replace outputs that are there. Else those that fit model and events are kept, so that an interrupted
        prediction continues, and others are an error. A file that is read is never replaced.
    cluster, n_workers
        Who works: see `execution.open_executor`. By default this process, which scores with all processors.

    Raises
    ------
    ConfigError, ExportError
        If options exclude one another, or the map or the model cannot be used.
    DataError
        If files cannot be read or do not fit the model: all are looked at before the first is scored.
    VerificationError
        If scores do not read back as they were written, or (`verify`) do not belong to events and model.
    InterruptedRunError
        On Ctrl-C, with the number of files that have their scores.
    """
    model = Path(model) / "model.onnx" if Path(model).is_dir() else Path(model)
    target = Path(output)
    listed = [files] if isinstance(files, str | Path) else list(files)
    column_map = load_column_map(Path(columns)) if isinstance(columns, str | Path) else columns
    table: dict[str, Any] = {"tree": tree, "dataset": dataset, "column_names": column_names}
    if is_one_table(target) and not inject:
        _refuse_for_table(target, verify=verify, output_format=output_format, cluster=cluster)
        summary = predict_table(
            model, listed, target, **table, column_map=column_map, spectators=spectators,
            overwrite=overwrite, progress=progress,
        )  # fmt: skip
        return _add_notes(summary, model, table, column_map)
    reporter = progress or SilentProgress()
    # What is left behind is looked for when the workers have ended.
    with ExitStack() as leaving, open_executor(cluster, n_workers, reporter) as executor:
        options = {
            **table, "column_map": column_map, "spectators": tuple(spectators), "inject": inject,
            "with_pass": with_pass, "overwrite": overwrite,
            "n_threads": None if executor.n_workers == 1 and cluster is None else 1,
        }  # fmt: skip
        tasks = _make_tasks(model, listed, target, output_format, options)
        leaving.enter_context(_without_traces([Path(task.output) for task in tasks]))
        outcomes = _run(executor, tasks, reporter, verify=verify)
    return _add_notes(_summarise(target, tasks, outcomes, verify=verify), model, table, column_map)


@contextmanager
def _without_traces(outputs: Sequence[Path]) -> Iterator[None]:
    """Remove what is half written if the block fails: workers are ended at once, without a word."""
    with without_empty_folders(*outputs):
        try:
            yield
        except BaseException:
            for path in outputs:
                remove_temporaries(path)
            raise


def _add_notes(
    summary: PredictionSummary, model: Path, table: dict[str, Any], column_map: ColumnMap | None
) -> PredictionSummary:
    """Say what should be known of the first file, for which the others stand."""
    from rapidity.artefact import OnnxModel

    metadata = OnnxModel.load(model).metadata
    mapped = column_map.columns if column_map else ()
    return replace(summary, notes=note_conversion(metadata, open_reader(summary.files[0], **table), mapped))


def _refuse_for_table(target: Path, *, verify: bool, output_format: str | None, cluster: object) -> None:
    given = {"--verify": verify, "--format": output_format is not None, "--cluster": cluster is not None}
    wrong = [name for name, is_given in given.items() if is_given]
    if wrong:
        message = (
            f"{', '.join(wrong)} with --output {target}: that is one table of all files, in the format of "
            "its name. Name a folder, for one output a file"
        )
        raise ConfigError(message)


def _make_tasks(
    model: Path,
    patterns: Sequence[str | Path],
    target: Path,
    output_format: str | None,
    options: dict[str, Any],
) -> list[PredictTask]:
    """Return a task for each file, its output named; nothing that is read is written to."""
    sources = [path for pattern in patterns for path in _find_sources(str(pattern))]
    if options["column_names"] is not None:
        options = {**options, "column_names": tuple(options["column_names"])}
    if options["inject"] and output_format is not None:
        message = "--format with --inject: a copy has the format of its file. Leave one of them out"
        raise ConfigError(message)
    formats = []
    for path in sources:
        table = {name: options[name] for name in ("tree", "dataset", "column_names")}
        formats.append(choose_format(output_format, open_reader(path, **table)))
    if is_one_friend(target) or (options["inject"] and is_one_table(target)):
        outputs, formats = [_one_output(target, sources)], _as_root(target, formats, options["inject"])
    else:
        check_folder(target)
        outputs = name_outputs(sources, target, None if options["inject"] else formats)
    for path in outputs:
        check_not_read(path, [*sources, model])
    return [
        PredictTask(
            model=os.path.abspath(model),  # noqa: PTH100 - a link keeps its name, as the user knows it
            source=os.path.abspath(source),  # noqa: PTH100
            output=os.path.abspath(path),  # noqa: PTH100
            output_format=kind,
            **options,
        )
        for source, path, kind in zip(sources, outputs, formats, strict=True)
    ]


def _find_sources(pattern: str) -> list[Path]:
    """Return the files that a name or a glob means; friends that a glob finds beside their files are none."""
    found = find_files(pattern)
    if Path(pattern).exists():
        return found
    sources = [path for path in found if ADDED not in path.suffixes or read_facts(path) is None]
    if not sources:
        message = f"{pattern} finds only files of scores ({shorten(path.name for path in found)}), no events."
        raise DataError(message)
    return sources


def _one_output(target: Path, sources: Sequence[Path]) -> Path:
    if len(sources) > 1:
        message = (
            f"cannot write {target}: it would belong to {len(sources)} files. Name a folder: then each file "
            "gets an output of its own, with the same entries."
        )
        raise DataError(message)
    return target


def _as_root(target: Path, formats: Sequence[Any], inject: bool) -> list[Any]:
    """Return the format of the one friend in a ROOT file: a tree, unless an RNTuple is wanted."""
    if inject or formats[0] in {"root", "rntuple"}:
        return list(formats)
    return ["root"]


def _run(
    executor: Executor, tasks: Sequence[PredictTask], progress: Progress, *, verify: bool
) -> list[FileOutcome]:
    """Run the tasks; all files are looked at before anything is written."""
    if verify:
        _check_presence(tasks)
    checks = dict(executor.run(check_task, tasks))
    raise_together([error for _, error in sorted(checks.items()) if error is not None])
    outcomes: dict[int, FileOutcome] = {}
    if executor.n_workers == 1 and len(tasks) == 1 and not verify:
        return [predict_file(tasks[0], progress)]
    what = "Verifying" if verify else "Scoring"
    try:
        with progress.task(what, total=len(tasks), unit="file") as shown:
            for index, outcome in executor.run(verify_file if verify else predict_file, tasks):
                outcomes[index] = outcome
                shown.advance(1, events=f"{sum(one.counts.n_events for one in outcomes.values()):,}")
    except KeyboardInterrupt as interrupt:
        rest = "" if verify else " Their scores stay, and the same command goes on from there."
        message = f"{what.lower()} was stopped: {len(outcomes)} of {len(tasks)} files are done.{rest}"
        raise InterruptedRunError(message) from interrupt
    return [outcomes[index] for index in range(len(tasks))]


def _check_presence(tasks: Sequence[PredictTask]) -> None:
    missing = [task for task in tasks if not Path(task.output).is_file()]
    if missing:
        listed = shorten((f"{task.output} (of {Path(task.source).name})" for task in missing), 5)
        message = (
            f"{len(missing)} of {len(tasks)} files have no scores: {listed} not there. Score them: the "
            "same command without --verify."
        )
        raise VerificationError(message)


def _summarise(
    target: Path, tasks: Sequence[PredictTask], outcomes: Sequence[FileOutcome], *, verify: bool
) -> PredictionSummary:
    from rapidity.artefact import OnnxModel

    model = OnnxModel.load(tasks[0].model)
    classes, columns = model.classes.names, list(score_columns(model))
    shown = f"score_{classes[model.classes.positive_index]}" if len(classes) == 2 else columns[0]
    scored = Counts.add(outcome.counts for outcome in outcomes if not outcome.is_kept)
    kept = [outcome for outcome in outcomes if outcome.is_kept]
    table = table_name(tasks[0].open_source())
    return PredictionSummary(
        target,
        tuple(Path(task.source) for task in tasks),
        scored.n_events,
        scored.n_undefined,
        scored.n_outside,
        mean_scores(mean_names(model), scored),
        tuple(Path(task.output) for task in tasks),
        scored.n_passing,
        len(kept),
        sum(outcome.counts.n_events for outcome in kept),
        "" if verify else show_usage(tasks[0], table, shown),
        verify,
        n_jumps=sum(outcome.counts.n_jumps for outcome in kept),
    )
