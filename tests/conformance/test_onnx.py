"""The artefact's lowering of every layer and network against the engine, in ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest

from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.layers import lower_network
from rapidity.core.records import ResidentBatches
from rapidity.engines import get_engine

TOLERANCE = 2e-5
"""Absolute and relative, on logits: float32 in two libraries that add up in different orders."""


def make_session(network: Any, parameters: Any) -> onnxruntime.InferenceSession:
    graph = GraphBuilder()
    inputs = {name: graph.add_input(name, "float32", ["n", *shape]) for name, shape in network.inputs.items()}
    for name, value in lower_network(graph, network, parameters, inputs).items():
        graph.add_output(value, name, "float32", ["n", network.shape_of(network.outputs[name])[0]])
    return onnxruntime.InferenceSession(graph.build({}, "test").SerializeToString())


def test_onnx_runtime_gives_the_logits_of_the_engine(engine_name: str, case: Any) -> None:
    network = case.build()
    rng = np.random.default_rng(4)
    parameters = {
        name: rng.uniform(0.2, 0.7, spec.shape).astype(np.float32) / max(1, spec.fan_in) ** 0.5
        for name, spec in network.parameter_specs().items()
    }
    model = get_engine(engine_name).build(network, parameters, "cpu")
    session = make_session(network, parameters)
    for n_events in (1, 2, 7):
        events = case.make_events(n_events)
        expected = model.predict(ResidentBatches(events, n_events))["class"]
        (found,) = session.run(["class"], dict(events.inputs))
        assert found.dtype == np.float32
        assert found == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE)
