"""One run, from a configuration to a checked model file and a report."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rapidity.config import (
    LoadedConfig,
    RunConfig,
    dump_config,
    load_config,
    resolve_paths,
)
from rapidity.core.errors import ConfigError, InterruptedRunError
from rapidity.core.files import write_text
from rapidity.core.progress import Progress, SilentProgress
from rapidity.engines import get_engine
from rapidity.training import CheckpointFolder
from rapidity.workflow.clouds import count_objects, describe_clouds
from rapidity.workflow.export import export_model, model_metadata
from rapidity.workflow.fit import build_model, describe_training, fit_model
from rapidity.workflow.folds import FoldedStages, check_same_folds
from rapidity.workflow.page import describe_figures, write_page
from rapidity.workflow.prepare import PreparedRun, prepare_run
from rapidity.workflow.provenance import Stopwatch, begin_record, hash_files, timestamp
from rapidity.workflow.results import deliver_copies, draw_figures, evaluate_model
from rapidity.workflow.run import Run
from rapidity.workflow.run_folder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.config.cluster import ClusterBlock
    from rapidity.core.records import Model
    from rapidity.network import Network
    from rapidity.training import TrainingResult


def train_run(  # noqa: PLR0913 - the options of the verb, all of them by name
    config: Path | str | RunConfig,
    *,
    output: Path | str | None = None,
    engine: str | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    overwrite: bool = False,
    module: Any = None,
    cluster: str | ClusterBlock | None = None,
    progress: Progress | None = None,
) -> Run:
    """Train, export, check and evaluate one network, and return the finished run.

    Parameters
    ----------
    config
        A YAML file, or a configuration made in Python (its data paths are relative to the current
        folder).
    output
        Folder of the run; ``runs/<name>`` when left out.
    engine, overrides
        Replace single values of the YAML file: ``overrides=["training.epochs=5"]``.
    resume
        Go on with the run in the folder, if it was interrupted; another `engine` may go on.
    overwrite
        Replace the run in the folder. It stays until the new data are read and checked.
    module
        Your own network in place of the ``network`` block: an ``nn.Module`` that takes the inputs and
        gives logits, or a function that makes one from the shapes of the inputs (name -> shape).
    cluster
        Machines that share the folds, as the text after ``--cluster`` or a `cluster:` block; left out,
        those of the block in the configuration, else processes of this machine.

    Raises
    ------
    RapidityError
        With what is wrong and what to do; see `rapidity.core.errors`.
    """
    loaded = load(config, engine, overrides)
    _check_network(loaded.config, module)
    cluster = loaded.config.cluster if cluster is None else cluster
    if cluster is not None:
        _check_cluster(loaded.config, module)
    folder = RunFolder(Path(output) if output is not None else Path("runs") / loaded.config.name)
    folder.require_free(resume=resume, overwrite=overwrite)
    if resume:
        check_same_folds(folder, loaded.config)
    resolved, progress = resolve_paths(loaded.config, loaded.base), progress or SilentProgress()
    stages: _Stages | FoldedStages
    if resolved.training.folds is None:
        stages = _Stages(resolved, folder, progress, module)
    else:
        stages = FoldedStages(resolved, folder, progress, module, cluster)
    try:
        stages.run(resume=resume)
    except (KeyboardInterrupt, InterruptedRunError) as error:
        raise _explain_interruption(stages, error) from None
    return Run.open(folder.path)


def load(
    config: Path | str | RunConfig, engine: str | None = None, overrides: Sequence[str] = ()
) -> LoadedConfig:
    """Return the configuration with its replacements; an engine that is not there is an error at once."""
    replaced = [*overrides, *([f"training.engine={engine}"] if engine else [])]
    if not isinstance(config, RunConfig):
        loaded = load_config(config, replaced)
    elif replaced:
        message = "engine and overrides replace values of a YAML file. Change the RunConfig itself instead."
        raise ConfigError(message)
    else:
        loaded = LoadedConfig(config, Path("configuration"), Path.cwd())
    get_engine(loaded.config.training.engine)
    return loaded


def _check_network(config: RunConfig, module: Any) -> None:
    if module is not None and "network" in config.model_fields_set:
        message = (
            "a module of your own and the block `network` of the configuration are both given. "
            "Leave one of them out."
        )
        raise ConfigError(message)


def _check_cluster(config: RunConfig, module: Any) -> None:
    """Refuse a cluster that would have nothing to do."""
    reason = (
        "one network is trained in one process: training.folds makes several, which a cluster can share"
        if config.training.folds is None
        else "a module of your own is trained in this process, since other machines could not import it"
    )
    if config.training.folds is None or module is not None:
        message = f"a cluster is given, but {reason}. Leave the cluster out."
        raise ConfigError(message)


@dataclass
class _Stages:
    """A run under way."""

    config: RunConfig
    """With absolute paths, so that `config.yaml` in the folder of the run goes on with it from anywhere."""
    folder: RunFolder
    progress: Progress
    module: Any = None
    watch: Stopwatch = field(default_factory=Stopwatch)
    has_begun: bool = False
    is_trained: bool = False

    def run(self, *, resume: bool) -> None:
        """Go through all stages."""
        prepared = prepare_run(self.config, Path(), self.progress, self.watch.stage, disk=self.folder.disk)
        for warning in prepared.warnings:
            self.progress.note(f"warning: {warning}")
        network = prepared.network if self.module is None else None
        model = build_model(prepared, self.module)
        checkpoints = CheckpointFolder(self.folder.checkpoints)
        record = self._begin(prepared, is_fresh=not (resume and checkpoints.exists))
        with self.watch.stage("training"):
            result = fit_model(
                model, prepared, checkpoints, self.progress, resume=resume, is_declared=network is not None
            )
        self.is_trained = True
        self._export(prepared, model, network, record)
        self._evaluate(prepared, result, network, record)

    def _begin(self, prepared: PreparedRun, *, is_fresh: bool) -> dict[str, Any]:
        """Claim the folder; from here on the run can be resumed."""
        config = self.config
        with self.watch.stage("hashing"):
            data_hashes = hash_files((*prepared.table.files, *prepared.table.joined_files))
        record = begin_record(config, data_hashes, prepared.warnings)
        record["clouds"] = clouds = count_objects(prepared)
        for sentence in describe_clouds(clouds):
            self.progress.note(sentence)
        if is_fresh:
            self.folder.remove_run()
            # The record first: it makes the folder that of a run, which may be resumed or replaced.
            self.folder.write_record(record)
            write_text(self.folder.config, dump_config(config))
        self.has_begun = True
        return record

    def _export(
        self, prepared: PreparedRun, model: Model, network: Network | None, record: dict[str, Any]
    ) -> None:
        """Write and check the model file."""
        # From here on the files change, so a finished run that is resumed is not finished until the end.
        self.folder.write_record(record)
        # Again, since a resumed run may change what comes after training.
        write_text(self.folder.config, dump_config(self.config))
        with self.watch.stage("export"):
            metadata = model_metadata(prepared, dump_config(self.config), record["data_sha256"])
            parity = export_model(self.folder.model, prepared, model, metadata)
        record["parity"] = parity.to_dict()
        record["n_parameters"] = (
            network.n_parameters if network else sum(values.size for values in model.parameters().values())
        )

    def _evaluate(
        self,
        prepared: PreparedRun,
        training: TrainingResult,
        network: Network | None,
        record: dict[str, Any],
    ) -> None:
        """Write everything that follows from the model file."""
        training.history.write_csv(self.folder.history)
        with self.watch.stage("evaluation"):
            result = evaluate_model(self.folder, prepared)
        with self.watch.stage("plots"):
            figures = draw_figures(self.folder, prepared, training, result, network)
        record["training"] = describe_training(training)
        record["figures"] = describe_figures(figures, self.folder.path)
        record |= {"seconds": dict(self.watch.seconds), "finished": timestamp()}
        self.folder.write_record(record)
        write_page(Run(self.folder))
        deliver_copies(self.folder, self.config.deliver)


def _explain_interruption(stages: _Stages | FoldedStages, error: BaseException) -> InterruptedRunError:
    """Return the error that says what is kept and how to go on, in one line."""
    if not stages.has_begun:
        return InterruptedRunError("interrupted before training began. Nothing was written or changed.")
    moment = "after training, which is complete." if stages.is_trained else "before the first epoch."
    said = str(error) or f"interrupted {moment}"
    if stages.module is not None:
        return InterruptedRunError(f"{said} Go on with the same call and resume=True.")
    # The configuration in the folder holds what --set and --engine replaced.
    words = ("rapidity", "train", stages.folder.config, "--output", stages.folder.path, "--resume")
    return InterruptedRunError(f"{said} Go on with: {shlex.join(map(str, words))}")
