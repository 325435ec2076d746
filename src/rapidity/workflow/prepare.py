"""The first stage: from files to split, guarded and prepared events, and the network they need."""

from __future__ import annotations

import tempfile
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rapidity.artefact import check_column_names, check_signature
from rapidity.core.errors import ConfigError, DataError
from rapidity.core.sizes import show_size
from rapidity.data.assembly import read_table
from rapidity.data.batches import make_batch
from rapidity.data.fitted_outputs import FittedOutputs, fit_outputs
from rapidity.data.guards import run_guards
from rapidity.data.preparation import fit_preparation
from rapidity.data.split import needed_columns, split_events
from rapidity.data.spool import Spool
from rapidity.data.streamed_splits import StreamedSplits, StreamSettings, bytes_per_event
from rapidity.data.unusable import check_usable
from rapidity.data.weights import training_weights
from rapidity.evaluation import check_yields
from rapidity.network import LayerList, build_network
from rapidity.training.augmentation import columns_to_read
from rapidity.workflow.augment import check_augmentation
from rapidity.workflow.score import check_spectators

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from rapidity.config import RunConfig
    from rapidity.core.progress import Progress
    from rapidity.core.records import Batch
    from rapidity.data.features import FeatureSet
    from rapidity.data.guards import GuardFinding
    from rapidity.data.preparation import FittedPreparation
    from rapidity.data.raw_events import RawTrainingEvents
    from rapidity.data.split import SplitRows, SplitTable, TrainRows, ValidationRows
    from rapidity.data.table import Table
    from rapidity.data.weights import TrainingWeights
    from rapidity.network import Network, Shape

    StageTimer = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True)
class PreparedRun:
    """Everything that training needs, and that the later stages look things up in.

    Attributes
    ----------
    findings
        What the guards found and let pass.
    train_weights, validation_weights
        Rows and weights of the two splits in the loss.
    outputs
        What the network says of an event, fitted to the training split.
    """

    config: RunConfig
    features: FeatureSet
    splits: SplitTable
    findings: tuple[GuardFinding, ...]
    preparation: FittedPreparation
    train_weights: TrainingWeights[TrainRows]
    validation_weights: TrainingWeights[ValidationRows]
    outputs: FittedOutputs

    @property
    def table(self) -> Table:
        """All selected events."""
        return self.splits.table

    @cached_property
    def network(self) -> Network:
        """The declared graph for these inputs and outputs."""
        shapes = self.preparation.input_shapes()
        tokens = find_tokens(self.config, self.outputs, shapes)
        return build_network(self.config.network, shapes, self.outputs.n_logits, tokens)

    def known_means(self) -> dict[str, float]:
        """Return output -> mean training weight with 0 where its target is not known, if any may be so."""
        rows, weights = self.train_weights.rows, self.train_weights.values
        means = {}
        for name, output in self.config.outputs.items():
            if output.task == "classification" or (output.task == "regression" and output.missing == "error"):
                continue
            is_known = self.outputs.find_known(name, rows, self.preparation)
            counted = is_known if weights is None else np.where(is_known, weights, 0)
            means[name] = float(counted.mean(dtype=np.float64))
        return means

    @property
    def is_streamed(self) -> bool:
        """Whether the prepared events of training and validation go beyond `data.memory`."""
        spool = self.table.spool
        n_events = self.train_weights.rows.n_events + self.validation_weights.rows.n_events
        return spool is not None and not spool.has_room(n_events * self.event_bytes)

    @property
    def event_bytes(self) -> int:
        """Bytes of a prepared event."""
        return bytes_per_event(
            self.preparation, self.outputs, has_weight=self.train_weights.values is not None
        )

    def streamed_splits(self, folder: Path, raw: RawTrainingEvents | None = None) -> StreamedSplits:
        """Return the training and validation events, to be kept in a file in `folder`.

        `raw`: the columns that augmentation changes, if it does.

        Raises
        ------
        ConfigError
            If `data.memory` does not hold a few batches.
        """
        training, spool = self.config.training, self.table.spool
        n_events = self.train_weights.rows.n_events
        batch_size = n_events if training.batch_size == "all" else min(training.batch_size, n_events)
        # `is_streamed` only where there is a bound.
        memory = spool.memory if spool is not None else 0
        settings = StreamSettings(memory, batch_size, training.seed)
        return StreamedSplits(
            folder,
            self.train_weights,
            self.validation_weights,
            self.preparation,
            settings,
            self.outputs,
            raw,
        )

    @property
    def warnings(self) -> list[str]:
        """The messages of the findings."""
        return [f"{finding.guard}: {finding.message}" for finding in self.findings]

    def train_batch(self) -> Batch:
        """Return the prepared events of the training split."""
        weights = self.train_weights
        return make_batch(weights.rows, self.preparation, weights.values, self.outputs)

    def validation_batch(self) -> Batch:
        """Return the prepared events of the validation split."""
        weights = self.validation_weights
        return make_batch(weights.rows, self.preparation, weights.values, self.outputs)

    def test_batch(self) -> Batch:
        """Return the prepared events of the test split, without weights."""
        return make_batch(self.splits.test, self.preparation, outputs=self.outputs)

    def describe_train_event(self, row: int) -> str:
        """Return file and entry of a row of the training batch."""
        return self.table.name_row(int(self.train_weights.rows.rows[row]))


def prepare_run(
    config: RunConfig,
    base: Path,
    progress: Progress | None = None,
    time_stage: StageTimer | None = None,
    *,
    kept_columns: Sequence[str] = (),
    disk: Path | None = None,
) -> PreparedRun:
    """Read, split, guard and fit the preparation; nothing is written that stays.

    Parameters
    ----------
    base
        Folder that the data paths are relative to.
    time_stage
        Context manager that is entered with the name of each stage.
    kept_columns
        Further raw columns that the table is to hold, besides those that training needs.
    disk
        See `read_events`.

    Raises
    ------
    ConfigError, DataError, GraphError
        If the configuration and the data do not fit together.
    """
    time_stage = time_stage or untimed
    with time_stage("reading"):
        table, features = read_events(config, base, progress, kept_columns, disk)
    return prepare_table(config, table, features, time_stage)


def untimed(_: str) -> AbstractContextManager[None]:
    """Take no time of a stage."""
    return nullcontext()


def read_events(
    config: RunConfig,
    base: Path,
    progress: Progress | None = None,
    kept_columns: Sequence[str] = (),
    disk: Path | None = None,
) -> tuple[Table, FeatureSet]:
    """Read the selected events of a configuration, with the columns that its split needs.

    `disk`: an existing folder for columns beyond `data.memory`; None for that of temporary files.
    """
    splitting = needed_columns(config.preparation.split, config.data.objects)
    spool = make_spool(config, disk)
    table, features = read_table(
        config.data, config.inputs, (*splitting, *kept_columns), base, progress, spool=spool,
        further=columns_to_read(config.training.augmentation, config.data.objects),
        outputs=config.outputs,
    )  # fmt: skip
    if spool is not None and spool.is_on_disk and progress is not None:
        progress.note(
            f"note: the columns of {table.n_events:,} events, raw and prepared, go beyond data.memory "
            f"({show_size(spool.memory)}): the raw ones lie on the disk of {spool.folder} until the end."
        )
    check_spectators(
        config.data.spectators,
        table.classes,
        has_folds=config.training.folds is not None,
        outputs=config.outputs,
    )
    return table, features


def make_spool(config: RunConfig, disk: Path | None) -> Spool | None:
    """Return where the events of a configuration are collected; None where memory has no bound."""
    if config.data.memory is None:
        return None
    return Spool(disk or Path(tempfile.gettempdir()), config.data.memory)


def prepare_table(
    config: RunConfig,
    table: Table,
    features: FeatureSet,
    time_stage: StageTimer = untimed,
    *,
    is_guarded: bool = True,
) -> PreparedRun:
    """Split, guard and fit the preparation of events that are read.

    `is_guarded`: False for events that went through the guards before.
    """
    with time_stage("splitting"):
        splits = split_events(table, config.preparation.split, config.data.objects, features.collections)
    _check_evaluated_yields(splits)
    findings: tuple[GuardFinding, ...] = ()
    if is_guarded:
        with time_stage("guards"):
            findings = tuple(run_guards(splits, features, config.data.guards, config.preparation))
    with time_stage("preparing"):
        preparation = fit_preparation(config.preparation, features, splits.train)
        # Said before the training, which would be lost if the model file could not be written.
        check_signature(config.deliver.signature, preparation.column_shapes, preparation.collections)
        _check_other_splits(splits, preparation)
        train_weights = training_weights(splits.train, config.training.weight)
        validation_weights = training_weights(splits.validation, config.training.weight)
        outputs = fit_outputs(config.outputs, splits.train, preparation)
        if config.deliver.signature == "columns":
            further = ["fold"] if config.training.folds is not None else []
            check_column_names(preparation.column_dtypes, outputs.outputs, further=further)
        validated, tested = validation_weights, _evaluated_split(splits)[0]
        _check_known(outputs, validated.rows, validated.values, preparation, "the validation split")
        # What is measured in the end is looked at now: a training would be lost.
        _check_known(outputs, tested, tested.event_weight, preparation, "the split that is evaluated")
    prepared = PreparedRun(
        config,
        features,
        splits,
        (*findings, *train_weights.findings),
        preparation,
        train_weights,
        validation_weights,
        outputs,
    )
    prepared = replace(prepared, findings=(*prepared.findings, *check_augmentation(prepared)))
    if prepared.is_streamed:
        # Too little memory is better said now than when the folder of the run is claimed.
        prepared.streamed_splits(Path())
    return prepared


def find_tokens(config: RunConfig, outputs: FittedOutputs, shapes: Mapping[str, Shape]) -> dict[str, str]:
    """Return output -> the layer with the objects of its cloud, for outputs that are assignments.

    Raises
    ------
    ConfigError
        If neither the configuration nor the network says which layer that is.
    """
    network = config.network
    known = {} if isinstance(network, LayerList) else network.token_nodes(shapes)
    tokens = {}
    for name, output in outputs.assignments.items():
        source = outputs.tokens.get(name) or known.get(output.cloud)
        if source is None:
            is_list = isinstance(network, LayerList)
            kind = "a list of layers" if is_list else f"'{network.model_dump()['type']}'"
            message = (
                f"outputs.{name}: the network is {kind}, which does not say which layer holds the objects of"
                f" '{output.cloud}'. Name the layer: outputs.{name}.from, a layer with a row for each object."
            )
            raise ConfigError(message)
        tokens[name] = source
    return tokens


def _check_known(
    outputs: FittedOutputs,
    rows: SplitRows,
    weights: NDArray[np.floating] | None,
    preparation: FittedPreparation,
    where: str,
) -> None:
    """Refuse a target that is known for no event of a split, or only for some whose weights cancel.

    What is measured there would be divided by nothing, or by a negative number.

    Parameters
    ----------
    where
        Which split it is, for messages.
    """
    for name in (*outputs.regressions, *outputs.assignments):
        is_known = outputs.find_known(name, rows, preparation)
        n_known = int(is_known.sum())
        total = n_known if weights is None else float(weights[is_known].sum(dtype=np.float64))
        if n_known == rows.n_events or total > 0:
            continue
        message = (
            f"outputs.{name}: of the {rows.n_events:,} events of {where} the target is known for "
            f"{n_known:,}, whose weights sum to {total:g}, expected more than zero. Change "
            "preparation.split, use more events, or weights without cancellations "
            "(training.weight.event_weight: absolute, drop or ignore)."
        )
        raise DataError(message)


def _evaluated_split(splits: SplitTable) -> tuple[SplitRows, str]:
    """Return the events whose numbers are published, and the name of their split."""
    return (splits.test, "test") if splits.test.n_events else (splits.validation, "validation")


def _check_evaluated_yields(splits: SplitTable) -> None:
    """Refuse signed weights that leave nothing to evaluate, rather than after the training."""
    rows, name = _evaluated_split(splits)
    if rows.event_weight is not None:
        check_yields(splits.table.classes, rows.class_index, rows.event_weight, name)


def _check_other_splits(splits: SplitTable, preparation: FittedPreparation) -> None:
    """Refuse what is not a number outside the training split, where the fit has not looked."""
    rows = np.flatnonzero(splits.codes != 0)
    check_usable(preparation.inputs.values(), splits.table.columns, rows, splits.table.name_row)
