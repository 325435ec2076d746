"""What the lowering of a layer gives: a function of tensors, of the layer's parameters, and of the mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.autodiff import Tensor

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Mode:
    """How a network is computed.

    Attributes
    ----------
    is_training
        Whether batch normalisation takes the statistics of the batch.
    rng
        What dropout draws from while training; without it nothing is dropped.
    keeps_statistics
        Whether running statistics stay as they are while training.
    dropout_strength
        Part of its rate that every dropout takes.
    """

    is_training: bool = False
    rng: np.random.Generator | None = None
    keeps_statistics: bool = False
    dropout_strength: float = 1.0


EVALUATION = Mode()

Own = Mapping[str, Tensor]
"""The parameters of one layer by their short names: ``kernel``, ``bias``, ..."""
Compute = Callable[..., Tensor]
"""``compute(mode, own, *inputs)`` gives the result of a layer."""
