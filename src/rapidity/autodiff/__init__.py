"""Reverse-mode differentiation on NumPy, usable by itself: ``import rapidity.autodiff as ad``.

>>> import rapidity.autodiff as ad
>>> w = ad.tensor([0.5, 2.0], requires_gradient=True)
>>> loss = (w * [1.0, 3.0]).sum() ** 2
>>> loss.backward()
>>> w.gradient
Tensor([13., 39.])
"""

from __future__ import annotations

from rapidity.autodiff import operators as _operators
from rapidity.autodiff.journal import Journal
from rapidity.autodiff.operations.elementwise import (
    add,
    cos,
    divide,
    exp,
    log,
    multiply,
    negative,
    power,
    sin,
    subtract,
)
from rapidity.autodiff.operations.linear_algebra import matmul
from rapidity.autodiff.operations.reductions import mean, sum  # noqa: A004 - NumPy's name
from rapidity.autodiff.operations.shapes import broadcast_to, reshape, transpose
from rapidity.autodiff.tape import backward, gradients
from rapidity.autodiff.tensor import Tensor, tensor
from rapidity.autodiff.workspace import BufferPool, Workspace

__all__ = [
    "BufferPool",
    "Journal",
    "Tensor",
    "Workspace",
    "add",
    "backward",
    "broadcast_to",
    "cos",
    "divide",
    "exp",
    "gradients",
    "log",
    "matmul",
    "mean",
    "multiply",
    "negative",
    "power",
    "reshape",
    "sin",
    "subtract",
    "sum",
    "tensor",
    "transpose",
]
del _operators
