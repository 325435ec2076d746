"""The array functions of `core.namespace` on tensors: this module is an `ArrayNamespace`.

Expressions and kinematics are written over such a namespace, so this one differentiates them.

>>> import rapidity.autodiff as ad
>>> from rapidity.autodiff import namespace
>>> px = ad.tensor(3.0, requires_gradient=True)
>>> namespace.hypot(px, 4.0).backward()
>>> px.gradient
Tensor(0.6)
"""

from __future__ import annotations

from math import pi

from rapidity.autodiff.operations.activations import tanh
from rapidity.autodiff.operations.circular import (
    arccos,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    cos,
    cosh,
    hypot,
    sin,
    sinh,
    tan,
)
from rapidity.autodiff.operations.conditions import (
    isinf,
    isnan,
    logical_and,
    logical_not,
    logical_or,
    where,
)
from rapidity.autodiff.operations.elementwise import (
    absolute,
    ceil,
    exp,
    floor,
    log,
    log1p,
    log10,
    maximum,
    minimum,
    sign,
    sqrt,
)

__all__ = [
    "absolute",
    "arccos",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "ceil",
    "cos",
    "cosh",
    "exp",
    "floor",
    "hypot",
    "isinf",
    "isnan",
    "log",
    "log1p",
    "log10",
    "logical_and",
    "logical_not",
    "logical_or",
    "maximum",
    "minimum",
    "pi",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "where",
]
