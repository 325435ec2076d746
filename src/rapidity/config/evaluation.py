"""The `evaluation:` and `deliver:` blocks: what is reported of a network, and under which names."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rapidity.core.block import Block

OWN_NAMES = frozenset(
    {
        "config.yaml",
        "run.json",
        "model.onnx",
        "model.rejected.onnx",
        "metrics.json",
        "history.csv",
        "scores.parquet",
        "report.html",
        "parity.npz",
        "checkpoints",
        "cache",
        "folds",
        "plots",
        "probes",
    }
)
"""What a run itself writes into its folder; copies need other names."""

MetricsKey = Literal[
    "split", "classes", "test_auc", "test_auc_interval", "validation_auc", "validation_auc_interval",
    "macro_auc", "macro_auc_interval", "log_loss", "log_loss_interval", "accuracy", "accuracy_interval",
    "confidence_level", "bootstrap_replicas", "confusion_matrix", "confusion_matrix_weighted",
    "confusion_matrix_normalised", "precision", "recall", "f1", "working_points", "counts", "yields",
    "yield_errors", "effective_events", "splits", "train_comparison", "notes", "unweighted",
    "calibration_error", "folds",
]  # fmt: skip
"""What `metrics.json` holds."""


class Evaluation(Block):
    """What is computed from the scores."""

    working_points: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.5, 0.7, 0.9)
    """Signal efficiencies at which the background rejection is given."""
    bootstrap: Annotated[int, Field(ge=2)] = 200
    """Number of bootstrap replicas behind every interval."""
    confidence_level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Probability content of the intervals."""
    formats: tuple[Literal["png", "pdf", "svg"], ...] = ("png",)
    """File formats of the plots; PNG is always among them, since the report shows it."""

    interactive: bool = True
    """Whether to write plots to zoom into, as HTML files that open offline (5 MB, most of it plotly.js)."""


class Deliver(Block):
    """Copies of results under names of one's own, relative to the run folder, and the form of the model."""

    signature: Literal["columns", "matrix"] = "columns"
    """Inputs of model.onnx: one per raw column, or one matrix `(n_events, n_columns)`."""
    model: str | None = None
    """Name for the copy of `model.onnx`."""
    metrics: str | None = None
    """Name for the copy of `metrics.json`."""
    metrics_keys: tuple[MetricsKey, ...] = ()
    """Keys of `metrics.json` to keep in its copy, such as `[test_auc]`; none for all."""
    roc: str | None = None
    """Name for the copy of the ROC curves."""
    history: str | None = None
    """Name for the copy of the loss against the epoch."""
    confusion: str | None = None
    """Name for the copy of the confusion matrix."""
    report: str | None = None
    """Name for the copy of `report.html`."""

    @model_validator(mode="after")
    def _keys_have_a_copy(self) -> Self:
        if self.metrics_keys and self.metrics is None:
            message = "metrics_keys is given, but no copy of metrics.json: give `metrics` a name too"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        copies = ("model", "metrics", "roc", "history", "confusion", "report")
        given = {key: name for key in copies if (name := getattr(self, key)) is not None}
        taken: dict[PurePath, str] = {}
        for key, name in given.items():
            path = PurePath(name)
            if path.is_absolute() or ".." in path.parts or not path.parts:
                message = (
                    f"{key}: '{name}' is no file inside the folder of the run. Give a name relative to it"
                )
                raise ValueError(message)
            if path.parts[0] in OWN_NAMES:
                message = f"{key}: the run writes its own {path.parts[0]}. Give the copy another name"
                raise ValueError(message)
            if path in taken:
                message = f"{key} and {taken[path]} have the same name '{name}'. Give each its own"
                raise ValueError(message)
            taken[path] = key
        return self
