"""Computational graphs of expressions: values, gradients, nodes, files, messages."""

from __future__ import annotations

import builtins
import importlib
import json

import numpy as np
import pytest

import rapidity
from rapidity.core.errors import ConfigError, DataError, ExpressionError, MissingNameError
from rapidity.engines import ENGINES
from rapidity.expressions.functions import NUMBER_FUNCTIONS
from rapidity.workflow import compute_graph

LAB = "w0*x1 + sin(w1*x2)/x3"
PARAMETERS = {"w0": 0.5, "w1": 2.0}
INPUTS = {"x1": 1.0, "x2": 0.25, "x3": 4.0}


@pytest.fixture
def without_torch(monkeypatch):
    """Make PyTorch impossible to import."""
    monkeypatch.setattr(type(ENGINES["torch"]), "is_installed", property(lambda self: False))
    real = builtins.__import__

    def refuse(name, *arguments, **options):
        if name.partition(".")[0] == "torch":
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)


def test_value_and_gradients_of_the_lab():
    graph = compute_graph(LAB, PARAMETERS, INPUTS)
    assert graph.value == pytest.approx(0.5 + np.sin(0.5) / 4)
    assert graph.gradients["w0"] == pytest.approx(1.0)
    assert graph.gradients["w1"] == pytest.approx(0.25 * np.cos(0.5) / 4)


def test_nodes_of_the_lab():
    nodes = compute_graph(LAB, PARAMETERS, INPUTS).nodes
    assert [node.kind for node in nodes] == ["parameter"] * 2 + ["input"] * 3 + ["operation"] * 5
    assert [node.formula for node in nodes[5:]] == [
        "#5 = w0 * x1",
        "#6 = w1 * x2",
        "#7 = sin(#6)",
        "#8 = #7 / x3",
        "#9 = #5 + #8",
    ]
    assert [node.gradient is None for node in nodes] == [False] * 2 + [True] * 3 + [False] * 5
    assert nodes[7].gradient == pytest.approx(0.25)
    # The rule of the sine needs its input, that of the product and of the sum need no value computed here.
    assert [node.freed for node in nodes[5:]] == [
        "forward, with node 9 (add)",
        "backward, with node 7 (sin)",
        "forward, with node 8 (divide)",
        "forward, with node 9 (add)",
        "kept",
    ]


def test_what_no_parameter_stands_behind_is_skipped():
    graph = compute_graph("w*exp(x*y) + x", {"w": 1.0}, {"x": 2.0, "y": 3.0})
    assert [node.operation for node in graph.skipped] == ["multiply", "exp"]
    assert not any(node.is_recorded for node in graph.skipped)
    assert "no parameter stands behind them: #3, #4" in graph.summary()


def test_gradient_of_arrays_is_that_of_the_sum():
    x, w = np.array([1.0, 2.0, 3.0]), np.array([[0.5], [1.5]])
    graph = compute_graph("w*x**2", {"w": w}, {"x": x})
    assert np.allclose(graph.value, w * x**2)
    assert np.array_equal(graph.gradients["w"], [[14.0], [14.0]])


def test_jumps_have_gradients_of_zero():
    graph = compute_graph("floor(w*x)", {"w": [1.5, 2.5]}, {"x": 2.0})
    assert np.array_equal(graph.gradients["w"], [0.0, 0.0])
    assert compute_graph("w > x", {"w": 1.0}, {"x": 0.5}).to_dict()["value"] is True


def test_expression_that_is_a_parameter():
    graph = compute_graph("w", {"w": 3.0})
    assert (graph.value, graph.gradients["w"]) == (3.0, 1.0)


def test_expression_without_parameters_has_a_value_only():
    graph = compute_graph("sqrt(x)", None, {"x": 9.0})
    assert graph.value == 3.0
    assert graph.gradients == {}


def test_undefined_values_are_an_answer():
    graph = compute_graph("log(w)*x", {"w": -1.0}, {"x": 2.0})
    assert np.isnan(graph.value)


def test_given_arrays_stay_as_they_are():
    w = np.array([1.0, 2.0])
    graph = compute_graph("w*w", {"w": w})
    graph.gradients["w"][:] = 0
    assert np.array_equal(w, [1.0, 2.0])


@pytest.mark.torch
@pytest.mark.parametrize("name", NUMBER_FUNCTIONS)
def test_every_function_agrees_with_torch(name):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    function = NUMBER_FUNCTIONS[name]
    arguments = ["w", "0.3*x", "0.5 + x"][: max(function.n_min, 1)]
    if name == "where":
        arguments = ["x > 0", "w*x", "w**2"]
    x, w = np.array([-0.6, 0.2, 0.9]), np.array([0.3, 0.5, 0.7])
    values = ({"w": w}, {"x": x} if any("x" in each for each in arguments) else None)
    graph = compute_graph(f"2*{name}({', '.join(arguments)})", *values)
    assert graph.torch.agrees, graph.torch


@pytest.mark.torch
@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "%", "**", "<", "<=", ">", ">=", "==", "!="])
def test_every_sign_agrees_with_torch(sign):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    graph = compute_graph(f"1.5*(w {sign} x) - -w", {"w": [0.3, 1.5, 2.5]}, {"x": [0.7, 1.5, 1.1]})
    assert graph.torch.agrees, graph.torch


@pytest.mark.torch
def test_what_torch_cannot_differentiate_is_said():
    pytest.importorskip("torch", reason="PyTorch is not installed")
    graph = compute_graph("w + w//x", {"w": 7.0}, {"x": 2.0})
    assert (graph.value, graph.gradients["w"]) == (10.0, 1.0)
    assert graph.torch is None
    assert "PyTorch cannot differentiate 'w + w//x': derivative for aten::floor_divide" in graph.summary()


@pytest.mark.usefixtures("without_torch")
def test_without_torch_the_comparison_is_left_out():
    graph = compute_graph(LAB, PARAMETERS, INPUTS)
    assert graph.torch is None
    assert graph.to_dict()["torch"] is None
    assert "PyTorch is not installed" in graph.summary()


def test_difference_from_torch_is_seen(monkeypatch):
    module = importlib.import_module("rapidity.workflow.graph")
    difference = module._difference
    assert difference(np.array([1.0, np.nan, np.inf]), np.array([1.0, np.nan, np.inf])) == 0.0
    assert difference(np.array([1.0]), np.array([1.1])) == pytest.approx(0.1 / 1.1)
    assert difference(np.array([np.nan]), np.array([1.0])) == np.inf
    comparison = module.TorchComparison(0.0, {"w": 1e-3})
    assert not comparison.agrees


def test_plain_values_for_json():
    found = json.loads(json.dumps(compute_graph(LAB, PARAMETERS, INPUTS).to_dict()))
    assert found["expression"] == LAB
    assert set(found["gradients"]) == {"w0", "w1"}
    assert found["nodes"][6]["inputs"] == [1, 3]
    assert {"number", "kind", "operation", "formula", "value", "gradient", "freed"} <= set(found["nodes"][0])


def test_python_interface():
    assert rapidity.graph is compute_graph


def test_all_files_into_a_folder(tmp_path):
    graph = compute_graph(LAB, PARAMETERS, INPUTS)
    written = graph.write(tmp_path / "drawn")
    assert [path.name for path in written] == ["graph.svg", "graph.png", "graph.onnx"]
    assert written[0].read_text().startswith("<?xml")
    assert written[1].read_bytes().startswith(b"\x89PNG")
    with pytest.raises(DataError, match=r"already there: .*graph.svg.* set --overwrite"):
        graph.write(tmp_path / "drawn")
    assert graph.write(tmp_path / "drawn", overwrite=True) == written


@pytest.mark.parametrize("suffix", [".svg", ".png", ".onnx"])
def test_one_file(tmp_path, suffix):
    (path,) = compute_graph(LAB, PARAMETERS, INPUTS).write(tmp_path / f"lab{suffix}")
    assert path.stat().st_size > 0
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be written into 'lab.pdf': its suffix must be .svg, .png"):
        compute_graph(LAB, PARAMETERS, INPUTS).write(tmp_path / "lab.pdf")


@pytest.mark.parametrize(
    ("expression", "parameters", "inputs", "error", "message"),
    [
        ("w*sinn(x)", {"w": 1}, {"x": 1}, ExpressionError, r"unknown function 'sinn'. Did you mean 'sin'"),
        ("w.__class__", {"w": 1}, {}, MissingNameError, r"'w.__class__' has no value"),
        ("[w]", {"w": 1}, {}, ExpressionError, r"'\[w\]' is not allowed"),
        ("w*mass(x)", {"w": 1}, {"x": 1}, ExpressionError, r"mass needs an object"),
        ("w*x1", {"w": 1}, {"x_1": 1}, MissingNameError, r"'x1' has no value \(did you mean 'x_1'\?\)"),
        ("w*x", {"w": 1}, {"x": 1, "y": 2}, ConfigError, r"y has a value, but .* it uses w, x"),
        ("w*x", {"w": 1}, {"x": 1, "w": 2}, ConfigError, r"w cannot be both a parameter and an input"),
        ("w*x", {"w": [1, 2]}, {"x": [1, 2, 3]}, ConfigError, r"'w' \(2,\) and 'x' \(3,\) do not fit"),
    ],
)
def test_what_is_wrong_is_said(expression, parameters, inputs, error, message):
    with pytest.raises(error, match=message):
        compute_graph(expression, parameters, inputs)
