"""Small graphs and models to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pytest

from rapidity.artefact.columns import SeparateColumns
from rapidity.artefact.emission import Emitter
from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.core.classes import ClassSet
from rapidity.data.features import Feature
from rapidity.data.fitted_feature import FittedFeature
from rapidity.data.fitted_table import FittedTable
from rapidity.data.preparation import FittedPreparation
from rapidity.data.transforms.standard import FittedStandard
from rapidity.expressions import parse_expression
from rapidity.network import Mlp, build_network

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="session")
def run_model() -> Callable[..., dict[str, np.ndarray]]:
    """Return a function that runs the bytes of a model in plain ONNX Runtime."""

    def run(data: bytes, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, inputs), strict=True))

    return run


@pytest.fixture(scope="session")
def run_function(run_model) -> Callable[..., np.ndarray]:
    """Return a function that runs ``build(xp, *columns)`` in ONNX Runtime, one row a result."""

    def run(build: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
        names = [f"x{index}" for index in range(len(arrays))]
        graph, xp = GraphBuilder(), OnnxNamespace()
        source = SeparateColumns(graph, dict.fromkeys(names, "float64"))
        built = build(xp, *(xp.column(name) for name in names))
        symbols = built if isinstance(built, list) else [built]
        rows = Emitter(graph, source).emit_features(symbols)
        graph.add_output(rows, "result", "float64", [len(symbols), "n"])
        data = graph.build({}, "").SerializeToString()
        found = run_model(data, dict(zip(names, arrays, strict=True)))["result"]
        return found if isinstance(built, list) else found[0]

    return run


@pytest.fixture
def preparation() -> FittedPreparation:
    """Return five features of four columns: sentinels, an indicator, an expression, a condition."""
    features = (
        FittedFeature(Feature("pt", parse_expression("pt")), transforms=(FittedStandard(30.0, 10.0),)),
        FittedFeature(
            Feature("mass", parse_expression("mass")), {"mass": (-999.0,)}, fill=5.0, has_indicator=True,
            transforms=(FittedStandard(5.0, 2.0),),
        ),
        FittedFeature(
            Feature("ratio", parse_expression("log(pt / (mass + 1000))")), nan="missing",
            transforms=(FittedStandard(0.0, 1.0),),
        ),
        FittedFeature(Feature("n_jets >= 2", parse_expression("n_jets >= 2"))),
        FittedFeature(Feature("x", parse_expression("x")), transforms=(FittedStandard(1.0, 3.0),)),
    )  # fmt: skip
    dtypes = {"pt": "float32", "mass": "float32", "n_jets": "int64", "x": "float64"}
    ranges = {"pt": (1.0, 90.0), "mass": (0.5, 9.0), "n_jets": (0.0, 6.0)}
    return FittedPreparation({"features": FittedTable(features)}, dtypes, ranges, units={"pt": "GeV"})


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    """Return 40 events for `preparation`."""
    rng = np.random.default_rng(5)
    mass = rng.exponential(5.0, 40).astype(np.float32)
    mass[::7] = -999.0
    return {
        "pt": rng.exponential(30.0, 40).astype(np.float32),
        "mass": mass,
        "n_jets": rng.integers(0, 6, 40),
        "x": rng.normal(1.0, 3.0, 40),
    }


@pytest.fixture
def classes() -> ClassSet:
    """Return two classes, the first of which the logit stands for."""
    return ClassSet(("signal", "background"))


@pytest.fixture
def network(preparation, classes):
    """Return a small network for `preparation`."""
    config = Mlp(type="mlp", hidden=(8,))
    return build_network(config, preparation.input_shapes(), {"class": classes.n_logits})


@pytest.fixture
def parameters(network):
    """Return the first parameters of `network`."""
    return network.initial_parameters(np.random.default_rng(2))
