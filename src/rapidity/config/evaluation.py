"""The `evaluation:` and `deliver:` blocks: what is reported of a network, and under which names."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from rapidity.core.block import Block


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


class Deliver(Block):
    """Copies of results under names of one's own, relative to the run folder, and the form of the model."""

    signature: Literal["columns", "matrix"] = "columns"
    """Inputs of model.onnx: one per raw column, or one matrix `(n_events, n_columns)`."""
    model: str | None = None
    """Name for the copy of `model.onnx`."""
    metrics: str | None = None
    """Name for the copy of `metrics.json`."""
    roc: str | None = None
    """Name for the copy of the ROC curves."""
    history: str | None = None
    """Name for the copy of the loss against the epoch."""
    confusion: str | None = None
    """Name for the copy of the confusion matrix."""
    report: str | None = None
    """Name for the copy of `report.html`."""
