"""The `outputs:` block: what the network says of an event, by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from rapidity.config.data import Scalar
from rapidity.config.training import CrossEntropy, Loss, Positive, name_to_block
from rapidity.core.block import Block

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OUTPUT_NAME = re.compile(r"[A-Za-z_]\w*")
Transform = Literal["none", "log", "standard"]
MissingTarget = Literal["error", "ignore"]


class SquaredError(Block):
    """The square of the difference: its minimum is the mean of what is true of alike events."""

    type: Literal["squared_error"]


class AbsoluteError(Block):
    """The absolute difference: its minimum is the median."""

    type: Literal["absolute_error"]


class Huber(Block):
    """Half the square up to `delta`, a line beyond (Huber, Ann. Math. Statist. 35 (1964) 73)."""

    type: Literal["huber"]
    delta: Positive = 1.0
    """Where the line begins, in units of the transformed target (standard deviations, with `standard`)."""


class LogCosh(Block):
    """The logarithm of the hyperbolic cosine: a square near zero, a line far away, smooth everywhere."""

    type: Literal["log_cosh"]


RegressionLoss = Annotated[
    SquaredError | AbsoluteError | Huber | LogCosh,
    Field(discriminator="type"),
    BeforeValidator(name_to_block),
]


class _Output(Block):
    weight: Positive = 1.0
    """Factor of this output in the sum of the losses."""


class ClassificationOutput(_Output):
    """The class of an event: that of its source, or of `data.target`."""

    task: Literal["classification"]
    loss: Loss | None = None
    """`cross_entropy` or `focal`; left out, that of `training.loss`."""


class RegressionOutput(_Output):
    """A number of an event, such as the true energy."""

    task: Literal["regression"]
    target: str
    """Column or expression that holds the true value of each event."""
    loss: RegressionLoss = SquaredError(type="squared_error")
    transform: Transform | Annotated[tuple[Transform, ...], Field(min_length=1)] = "standard"
    """What the network learns of the value: `standard`, minus the mean and over the standard deviation of the
    training split; `log`, its natural logarithm; a list such as `[log, standard]`; or `none`. It is undone
    in the model file and in every number that is reported."""
    missing: MissingTarget = "error"
    """Where the true value is NaN or infinite: an error, or the event does not enter the loss of this output
    (`ignore`)."""

    @property
    def transforms(self) -> tuple[Transform, ...]:
        """The transforms in their order, without `none`."""
        listed = (self.transform,) if isinstance(self.transform, str) else self.transform
        return tuple(step for step in listed if step != "none")


class AssignmentOutput(_Output):
    """A class for every object of a cloud, such as the particle that a jet comes from."""

    task: Literal["assignment"]
    cloud: str
    """The input of `kind: cloud` whose objects get a class."""
    target: str
    """Column or expression with a value for every object of the same collection."""
    classes: Annotated[dict[str, Scalar | tuple[Scalar, ...]], Field(min_length=2)]
    """Class names with the values of the target that mean them: `{other: 0, higgs: [1, 2]}`."""
    tokens: str | None = Field(default=None, alias="from")
    """Layer with a row for every object of the cloud, which the classes follow from; a network by name knows
    its own."""
    loss: Loss | None = None
    """`cross_entropy` or `focal`, of each object; left out, `cross_entropy`."""
    missing: MissingTarget = "error"
    """Where the value of an object means no class: an error, or the object does not enter the loss
    (`ignore`)."""
    one_each: tuple[str, ...] = ()
    """Classes that one object of an event has at most: metrics are also given for the assignment of highest
    probability that keeps to this."""

    @field_validator("one_each")
    @classmethod
    def _one_each_names_classes(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        classes = info.data.get("classes")
        unknown = [name for name in value if name not in classes] if classes else []
        if classes and unknown:
            message = f"one_each names {unknown}, but the classes are {list(classes)}"
            raise ValueError(message)
        if classes and set(value) == set(classes):
            message = (
                "one_each names all classes, so that no event could have more objects than classes. Leave out"
                " the class of all others"
            )
            raise ValueError(message)
        return value


AnyOutput = Annotated[ClassificationOutput | RegressionOutput | AssignmentOutput, Field(discriminator="task")]
Outputs = Annotated[dict[str, AnyOutput], Field(min_length=1)]

CLASS_OUTPUT = "class"
"""Name of the single output of a run whose configuration names none."""


def usual_outputs() -> dict[str, AnyOutput]:
    """Return the outputs of a run whose configuration names none: the class."""
    return {CLASS_OUTPUT: ClassificationOutput(task="classification")}


def find_classification(outputs: Mapping[str, AnyOutput]) -> str | None:
    """Return the name of the output that is a classification, if there is one."""
    return next((name for name, output in outputs.items() if output.task == "classification"), None)


def check_outputs(outputs: dict[str, AnyOutput], kinds: Mapping[str, str], monitor: str) -> None:
    """Raise a ValueError if outputs do not fit together, to the inputs, or to what training watches.

    Parameters
    ----------
    kinds
        Input name -> its kind.
    monitor
        What early stopping watches; `loss` without it.
    """
    classifications = [name for name, output in outputs.items() if output.task == "classification"]
    if len(classifications) > 1:
        message = (
            f"outputs: {classifications} are all classifications, but an event has one class, that of its "
            "source or of data.target. Keep one of them; what else is true of an event can be a regression"
        )
        raise ValueError(message)
    for name, output in outputs.items():
        if not OUTPUT_NAME.fullmatch(name):
            message = (
                f"outputs: '{name}' cannot be a name: it becomes that of columns. Use letters, digits and _"
            )
            raise ValueError(message)
        if isinstance(output, AssignmentOutput):
            _check_cloud(name, output.cloud, kinds)
    if monitor != "loss" and not classifications:
        message = (
            f"training.early_stopping.monitor is {monitor}, which a classification has, but the outputs "
            f"are {_describe(outputs)}. Watch the loss"
        )
        raise ValueError(message)


def check_loss(outputs: dict[str, AnyOutput], loss: Loss) -> None:
    """Raise a ValueError if `training.loss` is given, but is that of no output."""
    if loss == CrossEntropy(type="cross_entropy"):  # also what it is when it is left out
        return
    if any(output.task == "classification" and output.loss is None for output in outputs.values()):
        return
    message = (
        f"training.loss is {loss.type}, which is for a classification without a loss of its own, but the "
        f"outputs are {_describe(outputs)}. Give the loss of each output there (`outputs.NAME.loss`), and "
        "leave out training.loss"
    )
    raise ValueError(message)


def describe_score_clash(outputs: Mapping[str, AnyOutput], classes: Iterable[str]) -> str | None:
    """Return which classes would have one and the same column of scores, in words; None if none.

    The class of an event has the column ``score_<class>``, that of an object ``score_<output>_<class>``, or
    ``score_<output>_<class>_<i>`` where each object has a column of its own.

    Parameters
    ----------
    classes
        Those of the events, as far as they are known.
    """
    owners: dict[str, str] = {}
    for name, output in outputs.items():
        for of in output.classes if isinstance(output, AssignmentOutput) else ():
            own, column = f"class '{of}' of outputs.{name}", f"score_{name}_{of}"
            if column in owners:
                return _say_clash(owners[column], own, column)
            owners[column] = own
    for of in classes:
        column = f"score_{of}"
        owner = owners.get(column) or owners.get(re.sub(r"_\d+$", "", column))
        if owner is not None:
            return _say_clash(owner, f"class '{of}' of the events", column)
    return None


def _say_clash(one: str, other: str, column: str) -> str:
    return f"{one} and {other} would have one column of scores, '{column}'. Rename an output or a class"


def _check_cloud(name: str, cloud: str, kinds: Mapping[str, str]) -> None:
    if kinds.get(cloud) == "cloud":
        return
    clouds = [other for other, kind in kinds.items() if kind == "cloud"]
    found = f"an input of kind {kinds[cloud]}" if cloud in kinds else "no input"
    message = (
        f"outputs.{name}.cloud: '{cloud}' is {found}, but an assignment gives a class to every object of an "
        f"input of `kind: cloud`. Clouds: {', '.join(clouds) or 'none'}"
    )
    raise ValueError(message)


def _describe(outputs: dict[str, AnyOutput]) -> str:
    return ", ".join(f"{name} ({output.task})" for name, output in outputs.items())
