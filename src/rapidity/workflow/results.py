"""The last stage: scores, numbers, plots and the page, all from the model file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import OnnxModel
from rapidity.core.errors import ConfigError, shorten
from rapidity.core.files import write_atomically, write_text
from rapidity.data.collections import pick_rows
from rapidity.report import (
    CloudData,
    InputData,
    draw_evaluated,
    draw_history,
    draw_inputs,
    draw_interactive,
    draw_network,
)
from rapidity.report.images import ImageData
from rapidity.workflow.measure import measure_outputs
from rapidity.workflow.score import ScoredTable, score_table, write_scores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.config import Deliver
    from rapidity.data.fitted_cloud import FittedCloud
    from rapidity.data.fitted_feature import FittedFeature
    from rapidity.data.fitted_image import FittedImage
    from rapidity.data.table import Table
    from rapidity.evaluation import Evaluated
    from rapidity.network import Network
    from rapidity.report import DrawnFigure
    from rapidity.training import TrainingResult
    from rapidity.workflow.prepare import PreparedRun
    from rapidity.workflow.run_folder import RunFolder

Figures = dict[str, list["DrawnFigure"]]


def evaluate_model(folder: RunFolder, prepared: PreparedRun) -> Evaluated:
    """Score every event with the model file; write scores.parquet and metrics.json.

    The numbers are those of the test split; of the validation split where there is no test split,
    and then they say so.
    """
    model = OnnxModel.load(folder.model)
    scores = score_table(model, prepared.table)
    table, codes, config = prepared.table, prepared.splits.codes, prepared.config
    scored = ScoredTable(table, codes, scores, model.outputs, config.data.spectators)
    write_scores(folder.scores, scored)
    split = "test" if prepared.splits.test.n_events else "validation"
    result = measure_outputs(scored, prepared.features, config, split)
    write_text(folder.metrics, json.dumps(result.to_metrics(), indent=2) + "\n")
    return result


def draw_figures(
    folder: RunFolder,
    prepared: PreparedRun,
    training: TrainingResult,
    result: Evaluated,
    network: Network | None,
) -> Figures:
    """Draw everything into the `plots` folder; return the figures by the section of the page.

    `network` is the declared graph, or None for a module of the user's own, which has no drawing.
    """
    formats = tuple(dict.fromkeys(("png", *prepared.config.evaluation.formats)))
    plots = folder.plots
    figures: Figures = {
        "evaluation": draw_evaluated(result, plots / "evaluation", formats),
        "validation": draw_history(
            training.history.columns(),
            plots / "validation",
            best_epoch=training.best_epoch,
            formats=formats,
        ),
        "inputs": draw_inputs(make_input_data(prepared), plots / "inputs", formats),
    }
    if network is not None:
        figures["network"] = [draw_network(network, plots / "network.png", formats=formats)]
    _draw_interactive(folder, prepared, training, result)
    return figures


def _draw_interactive(
    folder: RunFolder, prepared: PreparedRun, training: TrainingResult, result: Evaluated
) -> None:
    """Write the interactive plots; where they are not wanted, remove those of an earlier time."""
    config = prepared.config
    if not config.evaluation.interactive:
        shutil.rmtree(folder.interactive, ignore_errors=True)
        return
    draw_interactive(
        result.classification,
        training.history.columns(),
        folder.interactive,
        run_name=config.name,
        best_epoch=training.best_epoch,
    )


def make_input_data(prepared: PreparedRun) -> InputData:
    """Return the features in their own units, NaN where they are missing."""
    table = prepared.table
    features: Mapping[str, NDArray[Any]] = _ComputedFeatures(prepared.preparation.features, table)
    if table.spool is None or not table.spool.is_on_disk:
        # Several figures show the same feature.
        features = dict(features)
    units = {
        fitted.name: table.units[fitted.columns[0]]
        for fitted in prepared.preparation.features
        if fitted.feature.is_column and fitted.columns[0] in table.units
    }
    images = {name: _image_data(fitted, table) for name, fitted in prepared.preparation.images.items()}
    clouds = {name: _cloud_data(fitted, table) for name, fitted in prepared.preparation.clouds.items()}
    return InputData(
        features,
        table.classes,
        table.class_index,
        table.event_weight,
        units,
        images=images,
        clouds=clouds,
    )


class _ComputedFeatures(Mapping[str, "NDArray[Any]"]):
    """Feature name -> its values, computed when they are asked for, float32."""

    def __init__(self, features: Sequence[FittedFeature], table: Table) -> None:
        self._features = {fitted.name: fitted for fitted in features}
        self._table = table

    def __getitem__(self, name: str) -> NDArray[Any]:
        values, is_missing = self._features[name].screen_rows(self._table.columns)
        if is_missing is not None:
            values[is_missing] = np.nan
        return values.astype(np.float32)

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)


def _image_data(fitted: FittedImage, table: Table) -> ImageData:
    image = fitted.image

    def take(rows: NDArray[np.int64]) -> NDArray[Any]:
        return image.stack({name: table.columns[name][rows] for name in image.columns})

    columns = (
        [image.columns[number] for number in image.channels]
        if len(image.columns) > 1
        else image.columns * len(image.channels)
    )
    return ImageData(
        image.shape,
        image.channel_names,
        take,
        units=tuple(table.units.get(column, "") for column in columns),
        pixels="pixels as in the file" if image.region is None else image.region.describe(),
    )


def _cloud_data(fitted: FittedCloud, table: Table) -> CloudData:
    names = {one.name: one.columns[0] for one in fitted.features if one.feature.is_column}

    def take(rows: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        return fitted.show(pick_rows(table.columns, fitted.columns, rows))

    return CloudData(
        names=tuple(one.name for one in fitted.features),
        counts=fitted.count_objects(table.columns),
        take=take,
        units={name: table.units[column] for name, column in names.items() if column in table.units},
    )


def deliver_copies(folder: RunFolder, deliver: Deliver) -> list[Path]:
    """Copy results to the names of the block `deliver`, relative to the folder of the run."""
    copied = []
    for name, source in _delivered_files(folder, deliver).items():
        target = folder.path / name
        if name == deliver.metrics and deliver.metrics_keys:
            write_text(target, json.dumps(_chosen_metrics(source, deliver.metrics_keys), indent=2) + "\n")
        else:
            with write_atomically(target) as temporary:
                shutil.copyfile(source, temporary)
        copied.append(target)
    return copied


def _chosen_metrics(source: Path, keys: Sequence[str]) -> dict[str, Any]:
    metrics = json.loads(source.read_text(encoding="utf-8"))
    absent = [key for key in keys if key not in metrics]
    if absent:
        message = (
            f"deliver.metrics_keys: {shorten(absent)} not in {source}, whose numbers are those of the "
            f"{metrics['split']} split. It has: {', '.join(metrics)}"
        )
        raise ConfigError(message)
    return {key: metrics[key] for key in keys}


def _delivered_files(folder: RunFolder, deliver: Deliver) -> Mapping[str, Path]:
    figures = {"roc": "evaluation/roc", "history": "validation/loss", "confusion": "evaluation/confusion"}
    files = {"model": folder.model, "metrics": folder.metrics, "report": folder.report}
    wanted = {key: getattr(deliver, key) for key in (*figures, *files)}
    return {
        name: files[key] if key in files else folder.plots / f"{figures[key]}{_suffix(name)}"
        for key, name in wanted.items()
        if name is not None
    }


def _suffix(name: str) -> str:
    return name[name.rindex(".") :]
