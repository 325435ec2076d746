"""Operators and methods of tensors: Python's signs for the operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rapidity.autodiff.operations import elementwise, linear_algebra, reductions, shapes
from rapidity.autodiff.tensor import Operand, Tensor


def _reflected(function: Callable[[Operand, Operand], Tensor]) -> Callable[[Tensor, Operand], Tensor]:
    return lambda self, other: function(other, self)


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "__add__": elementwise.add,
    "__radd__": _reflected(elementwise.add),
    "__sub__": elementwise.subtract,
    "__rsub__": _reflected(elementwise.subtract),
    "__mul__": elementwise.multiply,
    "__rmul__": _reflected(elementwise.multiply),
    "__truediv__": elementwise.divide,
    "__rtruediv__": _reflected(elementwise.divide),
    "__pow__": elementwise.power,
    "__rpow__": _reflected(elementwise.power),
    "__matmul__": linear_algebra.matmul,
    "__rmatmul__": _reflected(linear_algebra.matmul),
    "__neg__": elementwise.negative,
    "sum": reductions.sum,
    "mean": reductions.mean,
    "reshape": shapes.reshape,
    "transpose": shapes.transpose,
}

for _name, _function in OPERATORS.items():
    setattr(Tensor, _name, _function)
