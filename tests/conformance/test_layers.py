"""Every layer and every network against the definitions in `references`."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from conformance.cases import TRIED
from conformance.references import (
    REFERENCE_ACTIVATIONS,
    REFERENCES,
    compute,
    compute_loss,
    find_objects,
)

from rapidity.config.training import Sgd
from rapidity.core.errors import EngineError
from rapidity.core.records import ResidentBatches
from rapidity.engines import ENGINES, get_engine
from rapidity.network import LAYERS
from rapidity.network.layers.activation import ACTIVATIONS

FORWARD_TOLERANCE = 1e-5
"""Relative to the largest value of the result for all events: sums of up to some hundred terms in float32."""
GRADIENT_TOLERANCE = 1e-4
"""Relative to the gradient's own norm, or to a hundredth of that of all parameters if this is more."""
DIFFERENCE_STEP = 1e-6
"""Central differences in float64: rounding 1e-16 / step; larger, values cross the kink of a relu."""


def test_every_layer_and_activation_has_a_reference() -> None:
    assert set(REFERENCES) == set(LAYERS)
    assert set(REFERENCE_ACTIVATIONS) == set(ACTIVATIONS)


def test_every_layer_has_a_lowering(engine_name: str) -> None:
    lowerings = importlib.import_module(f"{ENGINES[engine_name].module}.layers").LOWERINGS
    assert set(lowerings) == set(LAYERS)


def test_a_layer_that_the_engine_lacks_is_named(
    engine_name: str, first_other_case: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = first_other_case
    lowerings = importlib.import_module(f"{ENGINES[engine_name].module}.layers").LOWERINGS
    monkeypatch.delitem(lowerings._variants, case.kind)
    message = rf"engine '{engine_name}' cannot build layer '{TRIED}': it has no lowering of '{case.kind}'\."
    with pytest.raises(EngineError, match=message):
        get_engine(engine_name).build(case.network, case.draw_parameters(), "cpu")


def test_results_are_those_of_the_reference(engine_name: str, case: Any, build_once: Any) -> None:
    model, network, parameters = build_once(engine_name, case), case.network, case.draw_parameters()
    names = [name for node in network.nodes for name in (node.name, *node.further_results)]
    events = case.make_events(7)
    expected = compute(network, parameters, events.inputs)
    for n_events in (1, 2, 7):
        found = model.predict(ResidentBatches(events, n_events, np.arange(n_events)), names)
        assert list(found) == names
        for name in names:
            assert found[name].shape == (n_events, *network.shape_of(name))
            assert found[name].dtype == np.float32
            tolerance = FORWARD_TOLERANCE * np.abs(expected[name]).max()
            title = f"{name}, {n_events} events"
            np.testing.assert_allclose(
                found[name], expected[name][:n_events], rtol=0, atol=tolerance, err_msg=title
            )


def test_gradients_are_those_of_the_reference(engine_name: str, case: Any, build_once: Any) -> None:
    """Each parameter's gradient along a random direction, against central differences in float64."""
    network, parameters, events = case.network, case.draw_parameters(), case.make_events(7)
    found = build_once(engine_name, case).gradients(events, case.objective)
    trained = [name for name, spec in network.parameter_specs().items() if spec.is_trained]
    assert set(found) == set(trained)
    floor = 0.01 * np.sqrt(
        sum(float((gradient.astype(np.float64) ** 2).sum()) for gradient in found.values())
    )
    rng = np.random.default_rng(2)
    for name in trained:
        assert found[name].shape == parameters[name].shape
        direction = rng.standard_normal(parameters[name].shape)
        losses = [
            compute_loss(
                network,
                {**parameters, name: parameters[name] + sign * DIFFERENCE_STEP * direction},
                events.inputs,
                events.targets["class"],
            )
            for sign in (1, -1)
        ]
        expected = (losses[0] - losses[1]) / (2 * DIFFERENCE_STEP)
        scale = max(float(np.linalg.norm(found[name])), floor)
        assert float((found[name] * direction).sum()) == pytest.approx(
            expected, rel=0, abs=GRADIENT_TOLERANCE * scale
        ), name


@pytest.mark.parametrize("garbage", [1e4, np.nan])
def test_what_stands_in_the_padding_changes_no_result(
    engine_name: str, masked_case: Any, build_once: Any, garbage: float
) -> None:
    model, events = build_once(engine_name, masked_case), masked_case.make_events(7)
    other = masked_case.make_garbage(events, garbage)
    expected, found = (model.predict(ResidentBatches(batch, 7))["class"] for batch in (events, other))
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


def test_what_stands_in_the_padding_changes_no_gradient(
    engine_name: str, masked_case: Any, build_once: Any
) -> None:
    model, events = build_once(engine_name, masked_case), masked_case.make_events(7)
    other = masked_case.make_garbage(events, 1e4)
    expected, found = (model.gradients(batch, masked_case.objective) for batch in (events, other))
    floor = 1e-6 * max(float(np.abs(gradient).max()) for gradient in expected.values())
    for name, gradient in expected.items():
        np.testing.assert_allclose(found[name], gradient, rtol=1e-4, atol=floor, err_msg=name)


@pytest.mark.parametrize("n_events", [1, 2, 30])
def test_running_statistics_are_those_of_pytorch(
    engine_name: str, batch_norm_case: Any, n_events: int
) -> None:
    """The variance of the batch is divided by n - 1; a batch of one value a feature changes nothing."""
    network, parameters = batch_norm_case.network, batch_norm_case.draw_parameters()
    events = batch_norm_case.make_events(n_events)
    model = get_engine(engine_name).build(network, parameters, "cpu")
    model.train_epoch(
        ResidentBatches(events, n_events),
        batch_norm_case.objective,
        Sgd(type="sgd"),
        lambda _: 0.0,
        np.random.default_rng(1),
    )
    node = network.node(TRIED)
    values = compute(network, parameters, events.inputs)[node.inputs[0]]
    is_object = np.ones(values.shape[:-1], bool)
    if batch_norm_case.has_mask:
        is_object = find_objects(events.inputs[node.inputs[1]], values.shape[1])
    rows = values[is_object]
    found = model.parameters()
    momentum = node.layer.momentum if len(rows) > 1 else 0.0
    for name, of_the_batch in (
        ("running_mean", rows.mean(axis=0)),
        ("running_variance", rows.var(axis=0, ddof=1) if len(rows) > 1 else 0.0),
    ):
        expected = (1 - momentum) * parameters[f"{TRIED}.{name}"] + momentum * of_the_batch
        np.testing.assert_allclose(found[f"{TRIED}.{name}"], expected, rtol=1e-5, atol=1e-6, err_msg=name)
