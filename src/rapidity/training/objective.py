"""From the configuration to the function that training minimises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rapidity.config.training import Focal
from rapidity.core.errors import DataError
from rapidity.core.records import Objective, OutputObjective

if TYPE_CHECKING:
    from rapidity.config.training import Training
    from rapidity.core.classes import ClassSet

CLASS_OUTPUT = "class"
"""Name of the usual single output, and of its target in a `Batch`."""


def make_objective(config: Training, classes: ClassSet, mean_training_weight: float = 1.0) -> Objective:
    """Return the objective of the usual classification.

    Parameters
    ----------
    config
        The ``training`` block: loss, regularisation, gradient clipping.
    mean_training_weight
        Mean of the training weights over the training split; it must be above zero.

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
    loss = config.loss
    output = OutputObjective(
        n_classes=len(classes),
        positive_index=classes.positive_index,
        loss=loss.type,
        label_smoothing=loss.label_smoothing,
        focusing=loss.focusing if isinstance(loss, Focal) else 0.0,
    )
    return Objective(
        outputs={CLASS_OUTPUT: output},
        mean_training_weight=mean_training_weight,
        l1=config.regularization.l1,
        l2=config.regularization.l2,
        clip_norm=config.clip_norm,
    )
