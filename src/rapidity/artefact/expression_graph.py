"""One expression as a small ONNX graph, to be looked at with Netron.

Operators that ONNX has stand for themselves, in float32, for which ONNX Runtime has all of them; the
files that score events use the exact float64 decompositions of `namespace` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.artefact.symbols import COLUMN, CONSTANT, Symbol
from rapidity.core.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from rapidity.expressions import Expression

    Values = Mapping[str, NDArray[np.float64]]

SCOPE, RESULT = "graph", "value"
_OPERATORS = {
    "sin": "Sin",
    "cos": "Cos",
    "tan": "Tan",
    "arcsin": "Asin",
    "arccos": "Acos",
    "arctan": "Atan",
    "sinh": "Sinh",
    "cosh": "Cosh",
    "arcsinh": "Asinh",
    "minimum": "Min",
    "maximum": "Max",
}
"""NumPy name -> ONNX operator, where the float32 kernel of ONNX Runtime does the same."""


class PlainNamespace(OnnxNamespace):
    """The namespace of ONNX with an operator for each function that ONNX has."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return an elementwise function by its NumPy name."""
        if name not in _OPERATORS:
            return super().__getattr__(name)
        return self._on_numbers(name, lambda *values: self.operation(_OPERATORS[name], *values))


def write_expression_graph(
    path: Path | str, expression: Expression, parameters: Values, inputs: Values
) -> None:
    """Write the expression as an ONNX file: inputs, parameters as initializers, one output ``value``.

    Raises
    ------
    ExportError
        If ONNX does not accept the graph.
    """
    names = {*parameters, *inputs}
    result = RESULT
    while result in names:
        result += "_"
    graph = GraphBuilder()
    for name, array in inputs.items():
        graph.add_input(name, "float32", array.shape)
    for name, array in parameters.items():
        graph.add_parameter(name, array.astype(np.float32))
    xp: Any = PlainNamespace()
    symbol = xp.as_number(expression.evaluate({name: xp.column(name) for name in names}, xp))
    shape = np.broadcast_shapes(*(array.shape for array in (*parameters.values(), *inputs.values())))
    graph.add_output(_Emission(graph).emit(symbol), result, "float32", shape)
    model = graph.build({}, f"The expression {expression.text}. Written by Rapidity.")
    with write_atomically(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


class _Emission:
    """Adds symbols to a graph, equal ones once."""

    def __init__(self, graph: GraphBuilder) -> None:
        self.graph = graph
        self._emitted: dict[int, str] = {}

    def emit(self, symbol: Symbol) -> str:
        """Return the name of the value of a symbol."""
        if symbol.number not in self._emitted:
            self._emitted[symbol.number] = self._emit_new(symbol)
        return self._emitted[symbol.number]

    def _emit_new(self, symbol: Symbol) -> str:
        if symbol.op == COLUMN:
            return symbol.name
        if symbol.op == CONSTANT:
            dtype = np.bool_ if symbol.is_condition else np.float32
            return self.graph.constant(np.array(symbol.value, dtype), f"{SCOPE}/constant")
        inputs = [self.emit(inner) for inner in symbol.inputs]
        attributes: dict[str, Any] = dict(symbol.attributes)
        return self.graph.add(symbol.op, inputs, scope=SCOPE, **attributes)
