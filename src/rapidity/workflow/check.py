"""Checking a configuration and its data without training anything."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from rapidity.core.counting import counted
from rapidity.data.fitted_cloud import MASK, FittedCloud
from rapidity.data.fitted_table import FittedTable
from rapidity.workflow.clouds import count_objects, describe_clouds
from rapidity.workflow.folds import join_warnings, prepare_folds
from rapidity.workflow.prepare import prepare_run
from rapidity.workflow.train import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rapidity.config import RunConfig
    from rapidity.core.progress import Progress
    from rapidity.data.fitted_input import FittedInput
    from rapidity.workflow.prepare import PreparedRun


@dataclass(frozen=True)
class CheckResult:
    """What would be trained.

    Attributes
    ----------
    features
        Input name -> names of its numbers, of a cloud of those of an object, missing-value indicators
        included; of images none.
    shapes
        Network input -> shape of one event. A cloud makes several, ``jets``, ``jets.mask`` and so on.
    clouds
        Cloud -> how many objects there are, and how many are left out (see `CloudCounts`).
    events
        Split (with folds: fold) -> class -> number of events.
    layers
        Name, type, shape of one event and number of parameters of each node.
    """

    name: str
    files: tuple[str, ...]
    features: dict[str, tuple[str, ...]]
    shapes: dict[str, tuple[int, ...]]
    events: dict[str, dict[str, int]]
    layers: list[tuple[str, str, tuple[int, ...], int]]
    n_parameters: int
    warnings: list[str]
    clouds: dict[str, dict[str, int]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "files": list(self.files),
            "features": {name: list(listed) for name, listed in self.features.items()},
            "shapes": {name: list(shape) for name, shape in self.shapes.items()},
            "events": self.events,
            "layers": [
                {"name": name, "type": kind, "shape": list(shape), "parameters": count}
                for name, kind, shape, count in self.layers
            ],
            "parameters": self.n_parameters,
            "warnings": self.warnings,
            "clouds": self.clouds,
        }

    def summary(self) -> str:
        """Return the same for a terminal."""
        lines = [f"{self.name}: the configuration and the data fit together."]
        lines += [f"  files       {len(self.files)}"]
        lines += [f"  {split:<11} {_counts(numbers)}" for split, numbers in self.events.items()]
        masks = {name + MASK for name in self.clouds}
        shown = {name: shape for name, shape in self.shapes.items() if name not in masks}
        lines += [f"  input       {name}: {_describe_shape(shape)}" for name, shape in shown.items()]
        lines += [f"  {sentence}" for sentence in describe_clouds(self.clouds)]
        size = f"{counted(len(self.layers), 'layer')}, {counted(self.n_parameters, 'parameter')}"
        lines += [f"  network     {size}"]
        lines += [f"  warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def check_config(
    config: Path | str | RunConfig, *, overrides: Sequence[str] = (), progress: Progress | None = None
) -> CheckResult:
    """Do all that comes before training: read the data, split, guard, prepare, build the graph.

    Raises
    ------
    RapidityError
        With what is wrong and what to do.
    """
    loaded = load(config, overrides=overrides)
    if loaded.config.training.folds is not None:
        return describe_folds(prepare_folds(loaded.config, loaded.base, progress), loaded.config.name)
    return describe(prepare_run(loaded.config, loaded.base, progress))


def describe(prepared: PreparedRun) -> CheckResult:
    """Return what would be trained with these events."""
    network = prepared.network
    shapes = prepared.preparation.input_shapes()
    return CheckResult(
        name=prepared.config.name,
        files=tuple(dict.fromkeys((*prepared.table.files, *prepared.table.joined_files))),
        features={name: _name_numbers(fitted) for name, fitted in prepared.preparation.inputs.items()},
        shapes=shapes,
        events=prepared.splits.count_events(),
        layers=[(row.name, row.type, row.shape, row.n_parameters) for row in network.summary()],
        n_parameters=network.n_parameters,
        warnings=prepared.warnings,
        clouds=count_objects(prepared),
    )


def describe_folds(folds: Sequence[PreparedRun], name: str) -> CheckResult:
    """Return what would be trained: the network of the first fold, and the events of each fold."""
    events = {f"fold {index}": prepared.splits.count_events()["test"] for index, prepared in enumerate(folds)}
    return replace(describe(folds[0]), name=name, events=events, warnings=join_warnings(folds))


def _name_numbers(fitted: FittedInput) -> tuple[str, ...]:
    """Return the names of the numbers of an event, or of an object; none of the pixels of an image."""
    if isinstance(fitted, FittedCloud):
        return fitted.feature_names
    return fitted.names if isinstance(fitted, FittedTable) else ()


def _describe_shape(shape: tuple[int, ...]) -> str:
    """Return the size of an input as people read it.

    Examples
    --------
    >>> _describe_shape((28, 28, 1)), _describe_shape((26,)), _describe_shape((20, 4))
    ('images of 28 x 28 pixels, 1 channel', '26 numbers', 'at most 20 objects of 4 numbers')
    """
    if len(shape) == 1:
        return counted(shape[0], "number")
    if len(shape) == 2:
        return f"at most {counted(shape[0], 'object')} of {counted(shape[1], 'number')}"
    *sides, n_channels = shape
    return f"images of {' x '.join(map(str, sides))} pixels, {counted(n_channels, 'channel')}"


def _counts(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in numbers.items())
