"""From the configuration to the function that training minimises."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rapidity.config.training import CrossEntropy, Focal
from rapidity.core.classes import ClassSet
from rapidity.core.errors import DataError
from rapidity.core.records import Objective, OutputObjective
from rapidity.data.fitted_outputs import CLASS_OUTPUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.config.outputs import AnyOutput, RegressionOutput
    from rapidity.config.training import Loss, Training


def make_objective(
    config: Training,
    classes: ClassSet,
    mean_training_weight: float = 1.0,
    outputs: Mapping[str, OutputObjective] | None = None,
) -> Objective:
    """Return the objective of a training.

    Parameters
    ----------
    config
        The ``training`` block: loss, regularisation, gradient clipping.
    mean_training_weight
        Mean of the training weights over the training split; it must be above zero.
    outputs
        What each output is trained to do (`make_output_objectives`); None: a classification of `classes`
        under the usual name.

    Raises
    ------
    DataError
        If the mean weight is not a number above zero: the loss would have no lower bound.

    Examples
    --------
    >>> from rapidity.config.training import Training
    >>> from rapidity.core.classes import ClassSet
    >>> make_objective(Training(), ClassSet(("signal", "background"))).outputs["class"].positive_index
    0
    """
    if not 0 < mean_training_weight < float("inf"):
        message = (
            f"the training weights of the training split have the mean {mean_training_weight:g}. Expected a "
            f"number above zero. Choose training.weight.event_weight: absolute, drop or ignore."
        )
        raise DataError(message)
    return Objective(
        outputs=outputs or {CLASS_OUTPUT: _of_classes(config.loss, classes)},
        mean_training_weight=mean_training_weight,
        l1=config.regularization.l1,
        l2=config.regularization.l2,
        clip_norm=config.clip_norm,
    )


def make_output_objectives(
    config: Training,
    outputs: Mapping[str, AnyOutput],
    classes: ClassSet,
    known_means: Mapping[str, float],
) -> dict[str, OutputObjective]:
    """Return what each output is trained to do.

    Parameters
    ----------
    classes
        Those of the classification.
    known_means
        Output -> mean over the training split of the training weights of events whose target is known, 0 for
        the others; only of outputs whose target may be missing.

    Raises
    ------
    DataError
        If such a mean is not above zero.
    """
    objectives = {}
    for name, output in outputs.items():
        if output.task == "regression":
            objective = _of_value(output)
        elif output.task == "assignment":
            loss = output.loss or CrossEntropy(type="cross_entropy")
            own = ClassSet(tuple(output.classes))
            objective = replace(_of_classes(loss, own), task="assignment", positive_index=0)
        else:
            objective = _of_classes(output.loss or config.loss, classes)
        mean = known_means.get(name)
        if mean is not None and not 0 < mean < float("inf"):
            message = (
                f"outputs.{name}: the training weights of the events of known target have the mean {mean:g}"
                " in the training split. Expected a number above zero: give events whose target is known, or"
                " choose training.weight.event_weight: absolute, drop or ignore."
            )
            raise DataError(message)
        objectives[name] = replace(
            objective,
            weight=output.weight,
            ignores_missing=mean is not None,
            mean_training_weight=mean,
        )
    return objectives


def _of_classes(loss: Loss, classes: ClassSet) -> OutputObjective:
    return OutputObjective(
        n_classes=len(classes),
        positive_index=classes.positive_index,
        loss=loss.type,
        label_smoothing=loss.label_smoothing,
        focusing=loss.focusing if isinstance(loss, Focal) else 0.0,
    )


def _of_value(output: RegressionOutput) -> OutputObjective:
    loss = output.loss
    return OutputObjective(
        n_classes=1,
        positive_index=0,
        task="regression",
        loss=loss.type,
        focusing=0.0,
        delta=loss.delta if loss.type == "huber" else 1.0,
    )
