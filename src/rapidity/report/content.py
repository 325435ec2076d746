"""What a report page says: a record that the workflow fills."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.report.figures import DrawnFigure


@dataclass(frozen=True)
class ReportContent:
    """All that a page shows; parts left empty are left out of it.

    Attributes
    ----------
    name
        Of the run.
    summary
        One or two sentences under the title.
    metrics
        ``EvaluationResult.to_metrics()``, or what ``metrics.json`` holds.
    figures
        Section (``inputs``, ``validation``, ``evaluation``) -> figures in the order of the page.
    interactive
        Title -> address of a plot to zoom into, relative to the page.
    network
        Drawing of the network.
    network_facts
        Rows of a small table beside it: ``{"parameters": "36,609"}``.
    training_facts
        Rows of a small table above the history: best epoch, why training ended, time.
    parity
        Rows of a small table: largest difference between engine and ONNX Runtime, by batch size.
    warnings
        What guards and checks found.
    configuration
        The resolved configuration as YAML.
    provenance
        Group (versions, seeds, data, timings) -> name -> value.
    """

    name: str
    summary: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Sequence[DrawnFigure]] = field(default_factory=dict)
    interactive: Mapping[str, str] = field(default_factory=dict)
    network: DrawnFigure | None = None
    network_facts: Mapping[str, str] = field(default_factory=dict)
    training_facts: Mapping[str, str] = field(default_factory=dict)
    parity: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    configuration: str = ""
    provenance: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
