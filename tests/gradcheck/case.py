"""What one check of an operation is made of.

Every module ``cases_<kind>.py`` in this folder has a list `CASES`; the tests collect them all. A new
operation needs a case that uses it, or the tests say which one lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from rapidity.autodiff import Tensor
    from rapidity.autodiff.operation import Operation


@dataclass(frozen=True)
class Case:
    """One operation on one set of inputs.

    Attributes
    ----------
    operation
        What is meant to be checked; the graph of the value (or of its gradient) must contain it.
    function
        Takes the inputs by name, as tensors (arrays that are not floating-point as they are).
    inputs
        At least 0.01 away from kinks.
    order
        Highest derivative that the operation has: 0, 1 or 2.
    label
        Tells the cases of an operation apart.
    """

    operation: Operation
    function: Callable[..., Tensor]
    inputs: Mapping[str, Any]
    order: int = 2
    label: str = ""

    def __str__(self) -> str:
        shapes = ",".join(str(np.shape(value)).replace(" ", "") for value in self.inputs.values())
        return "-".join(part for part in (self.operation.name, self.label, shapes) if part)


def numbers(*shape: int, seed: int = 0, low: float = 0.15, high: float = 1.5) -> NDArray[np.float64]:
    """Return numbers of both signs, all different and apart from zero and from each other."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    sizes = np.linspace(low, high, size) if size > 1 else np.full(size, 0.7 * high)
    signs = np.where(np.arange(size) % 2, 1.0, -1.0)
    return rng.permutation(sizes * signs).reshape(shape)


def positive(*shape: int, seed: int = 0, low: float = 0.6, high: float = 2.5) -> NDArray[np.float64]:
    """Return positive numbers, all different."""
    return np.asarray(np.abs(numbers(*shape, seed=seed, low=low, high=high)))
