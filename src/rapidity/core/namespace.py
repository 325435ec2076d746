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


class ObjectNamespace(ArrayNamespace, Protocol):
    """An array namespace that also works along the objects of events.

    Values of objects are ``(n_events, n_objects)``, those of pairs ``(n_events, n_first, n_second)``.
    What is written ``..._last`` works along the last axis and gives a value without it.
    """

    expand: Any
    """A value beside a new last axis of length 1; plain numbers stay as they are."""
    as_first: Any
    """Objects as the first ones of pairs."""
    as_second: Any
    """Objects as the second ones of pairs."""
    positions: Any
    """The position of each object in its event, from 0, of the objects like those given."""
    sum_last: Any
    max_last: Any
    """The maximum; NaN must not be among the values."""
    nth_last: Any
    """``(values, index)``: the value at `index` in falling order, any if there are fewer; none is NaN."""
    count_last: Any
    """``(conditions, from_end)``: how many hold up to and with each object; of the same shape."""
    first_last: Any
    """``(conditions)``: the position of the first that holds, for `take_last`; any if none does."""
    take_last: Any
    """``(values, position)``: the value at a position."""


NUMPY: ArrayNamespace = np
"""NumPy as the default namespace."""
