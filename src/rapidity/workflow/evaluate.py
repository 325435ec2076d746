"""Numbers of a run: on its own splits, or on other events whose class is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config import load_config
from rapidity.config.data import Source
from rapidity.config.inputs import AnyInput, TableInput
from rapidity.core.classes import UNLABELLED
from rapidity.core.errors import ConfigError, MissingNameError
from rapidity.data.assembly import read_table
from rapidity.data.split import needed_columns
from rapidity.evaluation import ALL, summarise_folds
from rapidity.workflow.measure import measure_outputs
from rapidity.workflow.prepare import make_spool
from rapidity.workflow.run import Run
from rapidity.workflow.score import ScoredTable, make_scored_events, score_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.artefact import OnnxModel, Scores
    from rapidity.config import RunConfig
    from rapidity.core.progress import Progress
    from rapidity.evaluation import EvaluationResult, ScoredEvents


def evaluate_run(
    folder: Path | str, data: Sequence[str] = (), *, progress: Progress | None = None
) -> dict[str, Any]:
    """Return the metrics of a run, or those of its model on other events.

    Parameters
    ----------
    folder
        The folder of a finished run.
    data
        Files of other events. They are read as the configuration of the run says (target, selection,
        event weight), each as ``FILE`` or ``FILE:TABLE``, as ``FILE+OTHER`` where a file with further
        columns of the same events is to be joined (labels, say), and as ``CLASS=FILE`` where the classes
        of the run come from its sources. Left out: the content of metrics.json.

    Raises
    ------
    ConfigError
        If the class of the events is not told.
    DataError
        If a file, a column or a class is missing.
    """
    run = Run.open(folder)
    if not data:
        return run.metrics
    config = load_config(run.path.config).config
    model = run.model
    sources = tuple(_parse_source(text, config, model.classes.names) for text in data)
    block = config.data.model_copy(
        update={
            "sources": sources,
            "classes": config.data.classes or model.classes.names or None,
            # They say nothing of the scores, unless a key is a feature too: its type counts.
            "event_key": tuple(name for name in config.data.event_key or () if name in model.inputs) or None,
            "spectators": (),
        }
    )
    inputs = _name_inputs(config.inputs, model)
    splitting = needed_columns(config.preparation.split, config.data.objects)
    kept = [name for name in splitting if name in model.inputs]
    try:
        table, features = read_table(
            block, inputs, kept, Path.cwd(), progress,
            require_all_classes=False, spool=make_spool(config, run.path.disk), outputs=config.outputs,
        )  # fmt: skip
    except MissingNameError as error:
        if not any(source.join for source in config.data.sources):
            raise
        message = f"{error}\n  The run joined files; to join others here, write --data FILE+OTHER."
        raise MissingNameError(message) from error
    no_split = np.full(table.n_events, -1, dtype=np.int8)
    scores = score_table(model, table)
    result = measure_outputs(ScoredTable(table, no_split, scores, model.outputs), features, config, ALL)
    if result.classification is not None:
        events = make_scored_events(table, no_split, scores)
        result = replace(result, classification=_by_fold(result.classification, events, scores, model))
    return result.to_metrics()


def _by_fold(
    result: EvaluationResult, events: ScoredEvents, scores: Scores, model: OnnxModel
) -> EvaluationResult:
    """Add the numbers of each network by itself, if the model holds several."""
    if model.folds is None or scores.fold is None:
        return result
    known = events.class_index != UNLABELLED
    folds = summarise_folds(
        events.take(known), scores.fold[known], model.folds.count, model.folds.event_number
    )
    return replace(result, folds=folds)


def _name_inputs(inputs: Mapping[str, AnyInput], model: OnnxModel) -> dict[str, AnyInput]:
    """Return the inputs with the columns of the model in place of `all`, which other files may read anew."""
    picks = model.folds.event_number if model.folds and not model.folds.is_feature else None
    of_features = tuple(
        name
        for name, column in model.inputs.items()
        if not column.shape and column.collection is None and name != picks
    )
    return {
        name: config.model_copy(update={"columns": of_features, "exclude": ()})
        if isinstance(config, TableInput) and config.columns == "all"
        else config
        for name, config in inputs.items()
    }


def _parse_source(text: str, config: RunConfig, class_names: Sequence[str]) -> Source:
    """Return the source that ``FILE[:TABLE][+OTHER]...``, or ``CLASS=FILE[:TABLE][+OTHER]...``, means."""
    class_name, file = None, text
    if config.data.target is not None:
        _refuse_class(text, config.data.target, class_names)
    elif class_names:
        class_name, _, file = text.partition("=")
        if class_name not in class_names:
            message = (
                f"--data '{text}': the classes of this run come from its sources, so the class of the file "
                f"must be told. Write CLASS=FILE with one of: {', '.join(class_names)}"
            )
            raise ConfigError(message)
    file, *joined = split_joined(file)
    path, table = split_table_suffix(file)
    template = next(
        (source for source in config.data.sources if source.class_name == class_name), config.data.sources[0]
    )
    tables = _tables_of(template, path) if table is None else _table_key(path, table)
    return Source(
        path=path, class_name=class_name, columns=template.columns, join=tuple(joined) or None, **tables
    )


def _refuse_class(text: str, target: str, class_names: Sequence[str]) -> None:
    prefix, equals, file = text.partition("=")
    if equals and prefix in class_names and not Path(text).exists():
        message = (
            f"--data '{text}': the classes of this run come from the column '{target}'. "
            f"Leave the class out: --data {file}"
        )
        raise ConfigError(message)


def _tables_of(template: Source, path: str) -> dict[str, str | None]:
    """Return the table of a source of the run; none where the format is another one."""
    is_root = path.endswith(".root")
    given = {"tree": template.tree} if is_root else {"dataset": template.dataset}
    trained_on = [template.path] if isinstance(template.path, str) else template.path
    return given if all(Path(other).suffix == Path(path).suffix for other in trained_on) else {}


def _table_key(path: str, table: str) -> dict[str, str | None]:
    """Return the key of a source under which the format of the file names its tables."""
    return {"tree" if path.endswith(".root") else "dataset": table}


def split_joined(text: str) -> list[str]:
    """Return the files of ``FILE+OTHER``; a file whose own name has a plus is taken as it is.

    Examples
    --------
    >>> split_joined("images.gz+labels.gz"), split_joined("data.root:nominal")
    (['images.gz', 'labels.gz'], ['data.root:nominal'])
    """
    parts = text.split("+")
    return [text] if Path(text).exists() or not all(parts) else parts


def split_table_suffix(text: str) -> tuple[str, str | None]:
    """Return file and table of ``FILE:TABLE``; a file whose name has a colon is taken as it is.

    Examples
    --------
    >>> split_table_suffix("data.root:nominal"), split_table_suffix("data.csv")
    (('data.root', 'nominal'), ('data.csv', None))
    """
    path, separator, table = text.rpartition(":")
    if not separator or not path or Path(text).exists():
        return text, None
    return path, table
