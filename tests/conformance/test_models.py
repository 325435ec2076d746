"""What every engine must do with every layer and every network of the catalogue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.training import Adam
from rapidity.core.records import Model, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network.layers import Dropout

if TYPE_CHECKING:
    from rapidity.network import Network

DIFFERENCE_STEP = 2e-3
"""Central differences in float32: rounding 1e-7 / step against curvature step squared."""
GRADIENT_TOLERANCE = 3e-3


def build(engine_name: str, network: Network) -> Model:
    return get_engine(engine_name).build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")


def objective_of(case: Any) -> Objective:
    return Objective({"class": OutputObjective(max(2, case.n_logits))})


def train(model: Model, case: Any, epochs: range, rate: float = 0.003) -> list[float]:
    events, losses = case.make_events(60), []
    for epoch in epochs:
        rng = np.random.default_rng([1, epoch])
        batches = ResidentBatches(events, 25, rng.permutation(60))
        record = model.train_epoch(batches, objective_of(case), Adam(type="adam"), lambda _: rate, rng)
        losses += record.step_losses.tolist()
    return losses


def test_parameters_are_those_of_the_network(engine_name: str, case: Any) -> None:
    network = case.build()
    parameters = network.initial_parameters(np.random.default_rng(1))
    found = get_engine(engine_name).build(network, parameters, "cpu").parameters()
    assert list(found) == list(network.parameter_specs())
    for name, array in parameters.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize("n_events", [1, 2, 7])
def test_logits_have_the_declared_shape_whatever_the_batch(
    engine_name: str, case: Any, n_events: int
) -> None:
    model, events = build(engine_name, case.build()), case.make_events(7)
    whole = model.predict(ResidentBatches(events, 7))["class"]
    assert whole.shape == (7, case.n_logits)
    assert np.isfinite(whole).all()
    np.testing.assert_allclose(
        model.predict(ResidentBatches(events, n_events))["class"], whole, rtol=1e-5, atol=1e-6
    )


def test_a_state_brings_another_model_to_the_same_place(engine_name: str, case: Any) -> None:
    network = case.build()
    straight, first, second = (build(engine_name, network) for _ in range(3))
    train(straight, case, range(3))
    train(first, case, range(1))
    second.load_state(first.state())
    train(second, case, range(1, 3))
    for name, array in straight.state().arrays.items():
        np.testing.assert_array_equal(second.state().arrays[name], array, err_msg=name)


def test_one_event_can_be_trained_on(engine_name: str, case: Any) -> None:
    model = build(engine_name, case.build())
    batches = ResidentBatches(case.make_events(3), 2)  # The last batch holds one event.
    record = model.train_epoch(
        batches, objective_of(case), Adam(type="adam"), lambda _: 0.001, np.random.default_rng(1)
    )
    assert record.first_bad_step is None


def test_a_network_of_the_catalogue_learns(engine_name: str, network_case: Any) -> None:
    losses = train(build(engine_name, network_case.build()), network_case, range(15), rate=0.01)
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])


def test_gradients_are_those_of_the_loss(engine_name: str, case: Any) -> None:
    """Against central differences along one random direction for each parameter."""
    network, events, objective = case.build(), case.make_events(20), objective_of(case)
    model = build(engine_name, network)
    gradients = model.gradients(events, objective)
    start = model.parameters()
    trained = [name for name, spec in network.parameter_specs().items() if spec.is_trained]
    assert set(gradients) == set(trained)
    rng = np.random.default_rng(2)
    for name in trained:
        direction = rng.standard_normal(start[name].shape).astype(np.float32)
        direction /= np.linalg.norm(direction)
        losses = []
        for sign in (1, -1):
            moved = {**start, name: start[name] + sign * DIFFERENCE_STEP * direction}
            losses.append(training_loss(engine_name, network, moved, events, objective))
        expected = (losses[0] - losses[1]) / (2 * DIFFERENCE_STEP)
        found = float((gradients[name] * direction).sum())
        assert found == pytest.approx(expected, rel=GRADIENT_TOLERANCE, abs=GRADIENT_TOLERANCE), name


def training_loss(
    engine_name: str, network: Network, parameters: dict[str, Any], events: Any, objective: Objective
) -> float:
    """Return the loss in training mode without dropout: the gradient's own function."""
    config_free = without_dropout(network)
    model = get_engine(engine_name).build(config_free, parameters, "cpu")
    record = model.train_epoch(
        ResidentBatches(events, events.n_events),
        objective,
        Adam(type="adam"),
        lambda _: 0.0,
        np.random.default_rng(1),
    )
    return float(record.step_losses[0])


def without_dropout(network: Network) -> Network:
    """Return the network with every dropout rate at zero."""
    nodes = tuple(
        replace(node, layer=Dropout(type="dropout", rate=0.0)) if node.layer.kind == "dropout" else node
        for node in network.nodes
    )
    return replace(network, nodes=nodes)
