"""What a training is to do, in one record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.config.training import Training
    from rapidity.core.records import Objective
    from rapidity.training.augmentation.augmenter import Augmenter


@dataclass(frozen=True)
class TrainingPlan:
    """What a training is to do.

    Attributes
    ----------
    config
        The ``training`` block.
    objective
        What is minimised; see `make_objective`.
    configuration
        Everything else that decides the result, as plain values (the ``data``, ``preparation`` and
        ``network`` blocks of a run): a training is only resumed where it is the same.
    feature_names
        Input name -> names of its features, for messages.
    describe_event
        Row of the training split -> words that let the user find the event, for messages.
    augmenter
        What changes the training events anew in every epoch; None: nothing does.
    """

    config: Training
    objective: Objective
    configuration: Mapping[str, Any] = field(default_factory=dict)
    feature_names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    describe_event: Callable[[int], str] | None = None
    augmenter: Augmenter | None = None
