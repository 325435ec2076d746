"""Expressions as small ONNX graphs."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime
import pytest

from rapidity.artefact.expression_graph import write_expression_graph
from rapidity.expressions import parse_expression
from rapidity.expressions.functions import NUMBER_FUNCTIONS

# Float32: a few units in the last place, more where a decomposition cancels.
TOLERANCE = 3e-6
X, W = np.array([-0.6, 0.2, 0.9]), np.array([0.3, 0.5, 0.7])


def write(path, text, parameters, inputs):
    """Write an expression of arrays, and return it parsed."""
    expression = parse_expression(text)
    write_expression_graph(path, expression, parameters, inputs)
    return expression


def run(path, inputs):
    """Return what ONNX Runtime makes of the file."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (value,) = session.run(None, {name: array.astype(np.float32) for name, array in inputs.items()})
    return value


def test_graph_of_the_lab_is_what_is_written_down(tmp_path):
    path = tmp_path / "graph.onnx"
    scalars = {name: np.array(value) for name, value in {"x1": 1.0, "x2": 0.25, "x3": 4.0}.items()}
    write(path, "w0*x1 + sin(w1*x2)/x3", {"w0": np.array(0.5), "w1": np.array(0.5)}, scalars)
    graph = onnx.load(path).graph
    assert [node.op_type for node in graph.node] == ["Mul", "Mul", "Sin", "Div", "Add", "Identity"]
    assert [each.name for each in graph.input] == ["x1", "x2", "x3"]
    # Parameters of equal value stay two.
    assert [each.name for each in graph.initializer] == ["w0", "w1"]
    assert [each.name for each in graph.output] == ["value"]
    assert run(path, scalars) == pytest.approx(0.5 + np.sin(0.125) / 4, rel=TOLERANCE)


@pytest.mark.parametrize("name", NUMBER_FUNCTIONS)
def test_every_function_runs(tmp_path, name):
    function = NUMBER_FUNCTIONS[name]
    arguments = ["w", "0.3*x", "0.5 + x"][: function.n_min]
    if name == "where":
        arguments = ["x > 0", "w*x", "w**2"]
    text = f"2*{name}({', '.join(arguments)}) + x"
    path = tmp_path / "graph.onnx"
    expression = write(path, text, {"w": W}, {"x": X})
    found = run(path, {"x": X})
    np.testing.assert_allclose(found, expression.evaluate({"w": W, "x": X}), rtol=TOLERANCE, atol=TOLERANCE)


def test_condition_is_written_as_a_number(tmp_path):
    path = tmp_path / "graph.onnx"
    write(path, "w > x", {"w": W}, {"x": X})
    assert np.array_equal(run(path, {"x": X}), [1.0, 1.0, 0.0])


def test_name_of_the_result_gives_way(tmp_path):
    path = tmp_path / "graph.onnx"
    write(path, "value*x", {"value": W}, {"x": X})
    assert [each.name for each in onnx.load(path).graph.output] == ["value_"]


def test_shapes_broadcast(tmp_path):
    path = tmp_path / "graph.onnx"
    write(path, "w*x", {"w": W}, {"x": X[:, None]})
    assert run(path, {"x": X[:, None]}).shape == (3, 3)
