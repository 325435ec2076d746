"""Gradients of an expression by PyTorch's autograd, to compare others with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch

from rapidity.core.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from rapidity.expressions import Expression

    Values = Mapping[str, NDArray[np.float64]]


class TorchNamespace:
    """The array functions of `core.namespace` on PyTorch's tensors, which has them under the same names."""

    pi = math.pi

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a function that also takes plain numbers."""
        function = getattr(torch, name)
        return lambda *values: function(*map(_as_tensor, values))


def _as_tensor(value: Any) -> torch.Tensor:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return torch.as_tensor(value, dtype=torch.float64 if is_number else None)


def differentiate(
    expression: Expression, parameters: Values, inputs: Values
) -> tuple[NDArray[Any], dict[str, NDArray[np.float64]]]:
    """Return the value of an expression, and the gradients of its sum for the parameters, in float64.

    Raises
    ------
    EngineError
        If PyTorch has no derivative of something in it.
    """
    leaves = {name: torch.tensor(array, requires_grad=True) for name, array in parameters.items()}
    constants = {name: torch.tensor(array) for name, array in inputs.items()}
    namespace: Any = TorchNamespace()
    value = _as_tensor(expression.evaluate({**leaves, **constants}, namespace))
    if value.requires_grad:
        try:
            torch.autograd.backward(value, torch.ones_like(value))
        except RuntimeError as error:
            message = f"PyTorch cannot differentiate '{expression.text}': {error}."
            raise EngineError(message) from error
    gradients = {
        name: (torch.zeros_like(leaf) if leaf.grad is None else leaf.grad).numpy()
        for name, leaf in leaves.items()
    }
    return value.detach().numpy(), gradients
