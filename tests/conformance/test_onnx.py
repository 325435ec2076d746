"""The artefact's lowering of every layer and network against the engine, in ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from rapidity.artefact.graph import GraphBuilder
from rapidity.artefact.layers import lower_network
from rapidity.core.records import ResidentBatches

TOLERANCE = 1e-5
"""Relative to the largest logit of all events: float32 in two libraries that add up in different orders."""


def make_session(network: Any, parameters: Any) -> onnxruntime.InferenceSession:
    graph = GraphBuilder()
    inputs = {name: graph.add_input(name, "float32", ["n", *shape]) for name, shape in network.inputs.items()}
    for name, value in lower_network(graph, network, parameters, inputs).items():
        graph.add_output(value, name, "float32", ["n", network.shape_of(network.outputs[name])[0]])
    return onnxruntime.InferenceSession(graph.build({}, "test").SerializeToString())


def test_onnx_runtime_gives_the_logits_of_the_engine(engine_name: str, case: Any, build_once: Any) -> None:
    model, session = build_once(engine_name, case), make_session(case.network, case.draw_parameters())
    events = case.make_events(7)
    expected = model.predict(ResidentBatches(events, 7))["class"]
    for n_events in (1, 2, 7):
        (found,) = session.run(["class"], {name: array[:n_events] for name, array in events.inputs.items()})
        assert found.dtype == np.float32
        tolerance = TOLERANCE * np.abs(expected).max()
        np.testing.assert_allclose(found, expected[:n_events], rtol=0, atol=tolerance)
