"""The array functions of `core.namespace` over symbols of an ONNX graph.

Where ONNX has no such operator, or ONNX Runtime no float64 kernel for it, `decompositions` builds the
function out of those that exist.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact import decompositions
from rapidity.artefact.symbols import Operand, Symbol, SymbolPool

if TYPE_CHECKING:
    from collections.abc import Callable

_OPERATORS = {
    "absolute": "Abs", "sign": "Sign", "floor": "Floor", "ceil": "Ceil", "sqrt": "Sqrt", "exp": "Exp",
    "log": "Log", "tanh": "Tanh",
}  # fmt: skip
"""NumPy name -> ONNX operator, where ONNX Runtime's float64 kernel does the same."""

_TESTS = {"isnan": "IsNaN", "isinf": "IsInf"}

_DECOMPOSED: dict[str, Callable[..., Symbol]] = {
    "sin": decompositions.sin,
    "cos": decompositions.cos,
    "tan": decompositions.tan,
    "arcsin": decompositions.arcsin,
    "arccos": decompositions.arccos,
    "arctan": decompositions.arctan,
    "arctan2": decompositions.arctan2,
    "sinh": decompositions.sinh,
    "cosh": decompositions.cosh,
    "arcsinh": decompositions.arcsinh,
    "log10": decompositions.log10,
    "log1p": decompositions.log1p,
    "hypot": decompositions.hypot,
    "minimum": decompositions.minimum,
    "maximum": decompositions.maximum,
}


class OnnxNamespace(SymbolPool):
    """An `ArrayNamespace` whose values are symbols; numbers alone are computed at once.

    Examples
    --------
    >>> xp = OnnxNamespace()
    >>> xp.sqrt(xp.column("px") ** 2 + 1.0)
    Sqrt(Add(Mul(<px>, <px>), <1.0>))
    """

    pi = math.pi

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return an elementwise function by its NumPy name."""
        if name in _OPERATORS:
            return self._on_numbers(name, lambda value: self.operation(_OPERATORS[name], value))
        if name in _TESTS:
            return self._on_numbers(
                name, lambda value: self.operation(_TESTS[name], value, is_condition=True)
            )
        if name in _DECOMPOSED:
            return self._on_numbers(name, _DECOMPOSED[name])
        message = f"the ONNX namespace has no function '{name}'"
        raise AttributeError(message)

    def _on_numbers(self, name: str, build: Callable[..., Symbol]) -> Callable[..., Any]:
        def function(*values: Operand) -> Any:
            if not any(isinstance(value, Symbol) for value in values):
                return getattr(np, name)(*values)
            return build(*(self.as_number(value) for value in values))

        return function

    def where(self, condition: Operand, a: Operand, b: Operand) -> Symbol:
        """Return `a` where the condition holds, else `b`."""
        chosen, other = self.symbol(a), self.symbol(b)
        if not (chosen.is_condition and other.is_condition):
            chosen, other = self.as_number(chosen), self.as_number(other)
        return self.operation(
            "Where", self.as_condition(condition), chosen, other, is_condition=chosen.is_condition
        )

    def logical_and(self, a: Operand, b: Operand) -> Symbol:
        """Return whether both hold."""
        return self.logic("And", self.as_condition(a), self.as_condition(b))

    def logical_or(self, a: Operand, b: Operand) -> Symbol:
        """Return whether one holds."""
        return self.logic("Or", self.as_condition(a), self.as_condition(b))

    def logical_not(self, a: Operand) -> Symbol:
        """Return whether it does not hold."""
        return self.logic("Not", self.as_condition(a))
