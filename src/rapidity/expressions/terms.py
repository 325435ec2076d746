"""Making terms: what is constant is computed at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.core.namespace import NUMPY
from rapidity.expressions.tree import EVENT, Constant, Operation, Shape, Term

if TYPE_CHECKING:
    from rapidity.expressions.function import Kind


def apply(function: str, *arguments: Term, shape: Shape = EVENT) -> Operation | Constant:
    """Return the operation, already computed where nothing in it depends on the event."""
    operation = Operation(function, arguments, shape)
    if not all(isinstance(argument, Constant) for argument in arguments):
        return operation
    values = [_exact(argument.value) for argument in arguments if isinstance(argument, Constant)]
    with np.errstate(all="ignore"):
        return Constant(np.asarray(operation.compute(NUMPY, *values)).item())


def convert(term: Term, kind: Kind) -> Term:
    """Return the term as a condition (not zero) or a number (1 or 0)."""
    if term.kind == kind:
        return term
    if kind == "number":
        return apply("to number", term, shape=term.shape)
    return apply("!=", term, Constant(0), shape=term.shape)


def _exact(value: float) -> Any:
    """Return a NumPy number, whose powers end at infinity instead of filling the memory."""
    return np.asarray(value)[()]
