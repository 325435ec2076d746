"""Every function of the language gives the same inside model.onnx as with NumPy."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest

from rapidity.artefact.columns import SeparateColumns
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.expressions import FUNCTIONS, parse_expression

# Both in float64; what cancels in one formula cancels in the other.
TOLERANCE = 1e-12
OBJECTS = {
    "a": {"pt": "a_pt", "eta": "a_eta", "phi": "a_phi", "mass": "a_m"},
    "b": {"px": "b_px", "py": "b_py", "pz": "b_pz", "energy": "b_e"},
}
FORMULAE = (
    "x + 2 * y - x / y", "x ** 3 + 2 ** y + x ** y", "x // y + x % y + x % 3", "-x if x > y else +y",
    "0 < x <= 1 or not y > 0", "(x > 0) & ~(y > 0) | (x != y)", "where(x > 0, 1, y)", "clip(x, -1, y)",
    "(x > 0) + (y > 0)", "min(x, y, 0) + max(x, 1)", "x and y", "isnan(log(x)) + isinf(1 / (x - x))",
    "mass(a, b) / (pt(a) + pt(b))", "delta_phi(a, x)", "sqrt(2 * pt(a) * pt(b) * (1 - cos(delta_phi(a, b))))",
)  # fmt: skip


@pytest.fixture(scope="module")
def columns() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    px, py, pz = rng.normal(0.0, 30.0, (3, 400))
    values = {
        "x": rng.normal(0.0, 2.0, 400), "y": rng.uniform(-1.0, 1.0, 400),
        "a_pt": rng.exponential(30.0, 400), "a_eta": rng.normal(0.0, 2.0, 400),
        "a_phi": rng.uniform(-np.pi, 2 * np.pi, 400), "a_m": rng.exponential(1.0, 400),
        "b_px": px, "b_py": py, "b_pz": pz, "b_e": np.sqrt(px**2 + py**2 + pz**2 + 4.0),
    }  # fmt: skip
    values["x"][:3] = 0.0, 1.0, -1.0
    values["b_px"][:2], values["b_py"][:2], values["b_pz"][0] = 0.0, 0.0, 0.0
    return values


def run_in_onnx(expression, columns):
    graph, xp = GraphBuilder(), OnnxNamespace()
    used = {name: columns[name] for name in expression.columns}
    source = SeparateColumns(graph, dict.fromkeys(used, "float64"))
    symbol = expression.evaluate({name: xp.column(name) for name in used}, xp)
    graph.add_output(Emitter(graph, source).emit_features([symbol]), "result", "float64", [1, "n"])
    data = graph.build({}, "").SerializeToString()
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, used)[0][0]


def call(name: str) -> str:
    function = FUNCTIONS[name]
    stand_ins = {
        "object": ("a", "b"),
        "angle": ("a", "b"),
        "number": ("x", "y", "2"),
        "condition": ("x > 0",),
    }
    arguments = []
    for index in range(max(function.n_min, min(function.n_max, 2))):
        kind = function.argument_kind(index)
        options = stand_ins[kind]
        arguments.append(options[min(index, len(options) - 1)])
    return f"{name}({', '.join(arguments)})"


@pytest.mark.parametrize("text", [*map(call, FUNCTIONS), *FORMULAE])
def test_expression_is_the_same_in_onnx(text, columns):
    expression = parse_expression(text, OBJECTS)
    expected = np.asarray(expression.evaluate(columns), np.float64)
    found = run_in_onnx(expression, columns)
    if text.startswith(("phi", "delta_phi")):
        # An angle next to the cut at pi may land on either side of it.
        found, expected = np.exp(1j * found), np.exp(1j * expected)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
