"""One file to be scored, as a small value that other processes can be given; and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rapidity.artefact import OnnxModel
from rapidity.core.files import hash_file
from rapidity.data.object_arrays import with_objects
from rapidity.data.readers import Reader, open_reader
from rapidity.delivery.destination import OutputFormat, table_name
from rapidity.delivery.facts import ScoreFacts
from rapidity.delivery.inputs import InputPlan, plan_inputs
from rapidity.delivery.selection import find_configuration, find_object_arrays, find_selection
from rapidity.delivery.tally import Counts

if TYPE_CHECKING:
    from rapidity.config.column_map import ColumnMap

FRIEND_TABLE = "scores"
"""Name of the tree or RNTuple of a friend."""


@dataclass(frozen=True)
class PredictTask:
    """One file whose scores are to be written, or to be looked at.

    Attributes
    ----------
    model, source, output
        Absolute paths.
    output_format
        Format of the scores; with `inject`, the format of the copy is that of the source.
    tree, dataset, column_names
        As in a source: the table inside the file, names for files that carry none.
    column_map
        Where the columns of the model come from, if they are called otherwise here.
    spectators
        Columns to copy beside the scores.
    inject
        Whether the output is a copy of the file with the scores in its table.
    with_pass
        Whether the selection of the model is evaluated.
    overwrite
        Whether an output that is there is replaced; else it is kept if it fits, and is an error if not.
    n_threads
        Threads that score; None: as many as there are processors.
    """

    model: str
    source: str
    output: str
    output_format: OutputFormat
    tree: str | None = None
    dataset: str | None = None
    column_names: tuple[str, ...] | None = None
    column_map: ColumnMap | None = None
    spectators: tuple[str, ...] = ()
    inject: bool = False
    with_pass: bool = True
    overwrite: bool = False
    n_threads: int | None = None

    @property
    def name(self) -> str:
        """What messages call the task."""
        return self.source

    def open_source(self) -> Reader:
        """Open the table that is scored."""
        return open_reader(
            Path(self.source), tree=self.tree, dataset=self.dataset, column_names=self.column_names
        )

    def score_table(self, reader: Reader) -> str:
        """Return the name of the table that the scores are in, in their file."""
        if self.inject:
            return table_name(reader)
        tables = {"root": FRIEND_TABLE, "rntuple": FRIEND_TABLE, "hdf5": "events"}
        return tables.get(self.output_format, "")


@dataclass(frozen=True)
class PreparedTask:
    """A task with its model and its file opened, and found to fit."""

    task: PredictTask
    model: OnnxModel
    reader: Reader
    plan: InputPlan
    facts: ScoreFacts


@dataclass(frozen=True)
class FileOutcome:
    """What became of a file.

    Attributes
    ----------
    is_kept
        Whether scores that were there already, and fit, were left as they are.
    counts
        Empty, but for the number of events, if nothing was scored.
    """

    source: str
    output: str
    is_kept: bool
    counts: Counts = field(default_factory=Counts)


def prepare_task(task: PredictTask) -> PreparedTask:
    """Open model and file, and see that they fit.

    Raises
    ------
    ExportError
        If the model is not one of Rapidity.
    DataError
        If the file cannot be read, or lacks what the model needs.
    """
    model = OnnxModel.load(task.model, n_threads=task.n_threads)
    reader = with_objects(task.open_source(), find_object_arrays(model.metadata))
    selection = find_selection(model.metadata) if task.with_pass else None
    plan = plan_inputs(reader, model, selection, task.column_map)
    facts = ScoreFacts(
        model=str(find_configuration(model.metadata).get("name") or Path(task.model).stem),
        model_sha256=hash_file(task.model),
        source=Path(task.source).name,
        source_table=table_name(reader),
        n_entries=reader.n_entries,
        classes=model.classes.names,
        hashed=tuple(model.inputs),
        selection=selection.text if selection else None,
        columns=dict(task.column_map.columns) if task.column_map else {},
    )
    return PreparedTask(task, model, reader, plan, facts)
