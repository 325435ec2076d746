"""The array functions that feature expressions, kinematics and transforms may use.

They are written once, over a namespace passed as argument: NumPy computes with it, and
`artefact` has a namespace of the same functions that adds nodes to an ONNX graph instead.
Values support ``+ - * / ** %``, comparisons and ``& | ~``, as NumPy arrays do.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class ArrayNamespace(Protocol):
    """Elementwise functions, by their NumPy names. The module `numpy` is one."""

    # A namespace is a table of functions over its own kind of value; their types are that kind's.
    pi: float
    absolute: Any
    sign: Any
    floor: Any
    ceil: Any
    sqrt: Any
    exp: Any
    log: Any
    log10: Any
    log1p: Any
    sin: Any
    cos: Any
    tan: Any
    arcsin: Any
    arccos: Any
    arctan: Any
    arctan2: Any
    sinh: Any
    cosh: Any
    tanh: Any
    arcsinh: Any
    hypot: Any
    minimum: Any
    maximum: Any
    where: Any
    isnan: Any
    isinf: Any
    logical_and: Any
    logical_or: Any
    logical_not: Any


NUMPY: ArrayNamespace = np
"""NumPy as the default namespace."""
