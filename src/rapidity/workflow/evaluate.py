"""Numbers of a run: on its own splits, or on other events whose class is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.config import load_config
from rapidity.config.data import Source
from rapidity.core.errors import ConfigError
from rapidity.data.assembly import read_table
from rapidity.evaluation import ALL, evaluate
from rapidity.workflow.run import Run
from rapidity.workflow.score import make_scored_events, score_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.config import RunConfig
    from rapidity.core.progress import Progress


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
        event weight), each as ``FILE`` or ``FILE:TABLE``, and as ``CLASS=FILE`` where the classes of the
        run come from its sources. Left out: the content of metrics.json.

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
        update={"sources": sources, "classes": config.data.classes or model.classes.names}
    )
    table, _ = read_table(block, config.inputs, (), Path.cwd(), progress, require_all_classes=False)
    no_split = np.full(table.n_events, -1, dtype=np.int8)
    events = make_scored_events(table, no_split, score_table(model, table))
    return evaluate(events, config.evaluation, config.training.seed, split=ALL).to_metrics()


def _parse_source(text: str, config: RunConfig, class_names: Sequence[str]) -> Source:
    """Return the source that ``[CLASS=]FILE[:TABLE]`` means."""
    class_name, separator, rest = text.partition("=")
    if not separator:
        class_name, rest = "", text
    if config.data.target is None and class_name not in class_names:
        message = (
            f"--data '{text}': the classes of this run come from its sources, so the class of the file must "
            f"be told. Write CLASS=FILE with one of: {', '.join(class_names)}"
        )
        raise ConfigError(message)
    if config.data.target is not None and separator and class_name in class_names:
        message = f"--data '{text}': the classes of this run are in the column '{config.data.target}'. Give the file alone."
        raise ConfigError(message)
    path, table = split_table_suffix(rest if config.data.target is None else text)
    template = next(
        (s for s in config.data.sources if s.class_name == (class_name or None)), config.data.sources[0]
    )
    return Source(
        path=path,
        tree=table or template.tree,
        dataset=table or template.dataset,
        class_name=class_name or None,
        columns=template.columns,
    )


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
