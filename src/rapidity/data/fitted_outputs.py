"""What each output of a network means, with what was fitted to the training split, and the targets.

A regression learns its target transformed, so that the loss and the initial parameters have a size that suits
the optimiser; all that is reported and delivered is in the units of the target itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.data.object_targets import arrange_objects, find_known_objects, restore_objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from rapidity.config.outputs import AnyOutput, AssignmentOutput, RegressionOutput
    from rapidity.data.preparation import FittedPreparation
    from rapidity.data.split import SplitRows, TrainRows

CLASS_OUTPUT = "class"
"""Name of the output of a run whose configuration names none, and of its target."""


@dataclass(frozen=True)
class FittedClassification:
    """A class of each event: one logit of two classes, else one logit a class."""

    classes: ClassSet
    task: Literal["classification"] = "classification"

    @property
    def n_logits(self) -> int:
        """Number of logits of an event."""
        return self.classes.n_logits

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"task": self.task, "classes": list(self.classes.names)}


@dataclass(frozen=True)
class TargetStep:
    """One step of the transformation of a target: ``log``, or ``standard`` with its two numbers."""

    type: Literal["log", "standard"]
    mean: float = 0.0
    deviation: float = 1.0

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the transformed values; NaN stays."""
        if self.type == "log":
            with np.errstate(invalid="ignore", divide="ignore"):
                return np.log(values)
        return (values - self.mean) / self.deviation

    def invert(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values that `apply` made these of."""
        if self.type == "log":
            with np.errstate(over="ignore"):
                return np.exp(values)
        return values * self.deviation + self.mean


@dataclass(frozen=True)
class FittedRegression:
    """A number of each event.

    Attributes
    ----------
    target
        The column or expression that it is learnt from.
    steps
        What is done to the target before it is learnt, in order.
    spread
        Standard deviation of the target in the training split, in its own units: the size of a difference.
    unit
        Of the target, where its column states one.
    """

    target: str
    steps: tuple[TargetStep, ...] = ()
    spread: float = 1.0
    unit: str | None = None
    task: Literal["regression"] = "regression"

    @property
    def n_logits(self) -> int:
        """Number of numbers of an event: one."""
        return 1

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the network learns of true values, any shape."""
        for step in self.steps:
            values = step.apply(values)
        return values

    def invert(self, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """Return predictions in the units of the target, of what the network gives, any shape."""
        inverted = values.astype(np.float64)
        for step in reversed(self.steps):
            inverted = step.invert(inverted)
        return inverted

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        steps = [
            {"type": step.type}
            | ({"mean": step.mean, "deviation": step.deviation} if step.type == "standard" else {})
            for step in self.steps
        ]
        described = {"task": self.task, "target": self.target, "transform": steps, "spread": self.spread}
        return described | ({"unit": self.unit} if self.unit else {})


@dataclass(frozen=True)
class FittedAssignment:
    """A class of every object of a cloud.

    Attributes
    ----------
    cloud
        The input whose objects they are.
    collection
        The collection of columns that these come from.
    target
        The column or expression that it is learnt from.
    one_each
        Classes that one object of an event has at most.
    n_objects
        How many objects of an event the network sees at most.
    """

    cloud: str
    collection: str
    target: str
    classes: ClassSet
    one_each: tuple[str, ...] = ()
    n_objects: int = 0
    task: Literal["assignment"] = "assignment"

    @property
    def n_logits(self) -> int:
        """Number of logits of an object: one a class."""
        return len(self.classes)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "task": self.task,
            "cloud": self.cloud,
            "collection": self.collection,
            "target": self.target,
            "classes": list(self.classes.names),
            "one_each": list(self.one_each),
            "n_objects": self.n_objects,
        }


FittedOutput = FittedClassification | FittedRegression | FittedAssignment


def output_from_dict(values: Mapping[str, Any]) -> FittedOutput:
    """Return the output that `to_dict` described; an unknown task is a ValueError."""
    if values["task"] == "classification":
        return FittedClassification(ClassSet(tuple(values["classes"])))
    if values["task"] == "regression":
        steps = tuple(TargetStep(**step) for step in values["transform"])
        return FittedRegression(values["target"], steps, values["spread"], values.get("unit"))
    if values["task"] == "assignment":
        return FittedAssignment(
            values["cloud"],
            values["collection"],
            values["target"],
            ClassSet(tuple(values["classes"])),
            tuple(values["one_each"]),
            int(values["n_objects"]),
        )
    message = f"unknown task '{values['task']}' of an output"
    raise ValueError(message)


@dataclass(frozen=True)
class FittedOutputs:
    """All outputs of a network, by name.

    Attributes
    ----------
    tokens
        Of assignments: the layer that their heads follow, where the configuration names it.
    """

    outputs: Mapping[str, FittedOutput]
    tokens: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def usual(cls, classes: ClassSet) -> FittedOutputs:
        """Return the single output of a run whose configuration names none."""
        return cls({CLASS_OUTPUT: FittedClassification(classes)})

    @property
    def is_usual(self) -> bool:
        """Whether there is a classification alone, under the usual name."""
        return is_usual(self.outputs)

    @property
    def n_logits(self) -> dict[str, int]:
        """Output name -> number of logits."""
        return {name: output.n_logits for name, output in self.outputs.items()}

    @property
    def classification(self) -> str | None:
        """Name of the output that is a classification; None without one."""
        return next((name for name, one in self.outputs.items() if one.task == "classification"), None)

    @property
    def regressions(self) -> dict[str, FittedRegression]:
        """The outputs that are regressions."""
        return {name: one for name, one in self.outputs.items() if isinstance(one, FittedRegression)}

    @property
    def assignments(self) -> dict[str, FittedAssignment]:
        """The outputs that are assignments."""
        return {name: one for name, one in self.outputs.items() if isinstance(one, FittedAssignment)}

    def make_targets(self, rows: SplitRows, preparation: FittedPreparation) -> dict[str, NDArray[Any]]:
        """Return the targets of some events as `core.records.Batch` describes them."""
        made: dict[str, NDArray[Any]] = {}
        for name, output in self.outputs.items():
            if isinstance(output, FittedClassification):
                made[name] = rows.class_index
            elif isinstance(output, FittedRegression):
                made[name] = output.apply(rows.target(name)).astype(np.float32)
            else:
                made[name] = arrange_objects(preparation.clouds[output.cloud], rows, name)
        return made

    def finish(
        self, results: Mapping[str, NDArray[Any]], rows: SplitRows, preparation: FittedPreparation
    ) -> dict[str, Any]:
        """Return what the outputs mean of what a network gives of some events, as `artefact.Scores` has it.

        Parameters
        ----------
        results
            Output -> logits, or transformed value, ``(n_events, ..., n_logits)``.
        """
        finished: dict[str, Any] = {}
        for name, output in self.outputs.items():
            values = np.asarray(results[name])
            if isinstance(output, FittedClassification):
                finished[name] = output.classes.probabilities(values)
            elif isinstance(output, FittedRegression):
                finished[name] = output.invert(values.reshape(len(values)))
            else:
                finished[name] = restore_objects(preparation.clouds[output.cloud], rows, values)
        return finished

    def find_known(self, name: str, rows: SplitRows, preparation: FittedPreparation) -> NDArray[np.bool_]:
        """Return whether the target of an output is known for some events ``(n_events,)``.

        Of an assignment: whether any object of the cloud has a known class.
        """
        output = self.outputs[name]
        if isinstance(output, FittedRegression):
            return np.asarray(~np.isnan(rows.target(name)))
        if isinstance(output, FittedClassification):
            return np.ones(rows.n_events, dtype=np.bool_)
        return find_known_objects(preparation.clouds[output.cloud], rows, name)

    def event_bytes(self, preparation: FittedPreparation) -> int:
        """Return the bytes of the targets of an event."""
        return sum(dtype.itemsize for dtype in self.target_dtypes(preparation).values())

    def target_dtypes(self, preparation: FittedPreparation) -> dict[str, np.dtype[Any]]:
        """Return the type of each target, with the shape of one event where it is not a single number."""
        types: dict[str, np.dtype[Any]] = {}
        for name, output in self.outputs.items():
            if isinstance(output, FittedAssignment):
                n_objects = preparation.clouds[output.cloud].cloud.n_objects
                types[name] = np.dtype((np.int64, (n_objects,)))
            else:
                types[name] = np.dtype(np.int64 if output.task == "classification" else np.float32)
        return types


def is_usual(outputs: Mapping[str, FittedOutput]) -> bool:
    """Return whether outputs are those of a run whose configuration names none."""
    return list(outputs) == [CLASS_OUTPUT] and outputs[CLASS_OUTPUT].task == "classification"


def fit_outputs(
    outputs: Mapping[str, AnyOutput], rows: TrainRows, preparation: FittedPreparation
) -> FittedOutputs:
    """Fit the transforms of regression targets to the training split.

    Raises
    ------
    DataError
        If the target of a regression is known for no event, is the same for all, or has no logarithm.
    """
    fitted: dict[str, FittedOutput] = {}
    tokens = {}
    for name, output in outputs.items():
        if output.task == "classification":
            fitted[name] = FittedClassification(rows.table.classes)
        elif output.task == "regression":
            fitted[name] = _fit_regression(name, output, rows)
        else:
            fitted[name] = _describe_assignment(output, preparation)
            if output.tokens is not None:
                tokens[name] = output.tokens
    return FittedOutputs(fitted, tokens)


def _describe_assignment(output: AssignmentOutput, preparation: FittedPreparation) -> FittedAssignment:
    cloud = preparation.clouds[output.cloud].cloud
    classes = ClassSet(tuple(output.classes))
    return FittedAssignment(
        output.cloud, cloud.collection, output.target, classes, output.one_each, cloud.n_objects
    )


def _fit_regression(name: str, output: RegressionOutput, rows: TrainRows) -> FittedRegression:
    values = rows.target(name)
    values = values[~np.isnan(values)]
    if not len(values):
        message = (
            f"outputs.{name}: the target '{output.target}' is known for none of the {rows.n_events:,} events"
            " of the training split (all are NaN). Name another column, or leave the output out."
        )
        raise DataError(message)
    spread = float(values.std())
    if not spread > abs(float(values.mean())) * np.finfo(np.float64).eps * 8:
        message = (
            f"outputs.{name}: the target '{output.target}' is {values[0]:g} for all events of the training"
            " split, so there is nothing to learn. Name another column, or leave the output out."
        )
        raise DataError(message)
    steps: list[TargetStep] = []
    for kind in output.transforms:
        if kind == "log":
            if values.min() <= 0:
                message = (
                    f"outputs.{name}: transform `log` gets {values.min():g} in the training split, which has"
                    " no logarithm. Put it first, or choose another transform."
                )
                raise DataError(message)
            steps.append(TargetStep("log"))
        else:
            steps.append(TargetStep("standard", float(values.mean()), float(values.std())))
        values = steps[-1].apply(values)
    unit = rows.table.units.get(output.target)
    return FittedRegression(output.target, tuple(steps), spread, unit)
