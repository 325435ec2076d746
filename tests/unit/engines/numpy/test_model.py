"""What is particular to this engine: buffers, batches of all sizes, and what stays untouched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rapidity.autodiff import Journal, Workspace
from rapidity.config.training import Adam
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines.numpy import make_engine
from rapidity.engines.numpy.model import EVENTS_PREDICTED_AT_ONCE, NumpyModel
from rapidity.network import LayerList, Network, build_network

MakeNetwork = Callable[..., Network]
MakeEvents = Callable[..., Batch]
ADAM = Adam(type="adam", learning_rate=0.01)


def build(network: Network) -> NumpyModel:
    return make_engine().build(network, network.initial_parameters(np.random.default_rng(1)))


def train(model: NumpyModel, events: Batch, objective: Objective, batch_size: int) -> Any:
    rng = np.random.default_rng(1)
    batches = ResidentBatches(events, batch_size, rng.permutation(events.n_events))
    return model.train_epoch(batches, objective, ADAM, lambda _: 0.01, rng).step_losses


def test_predictions_of_many_events_are_those_of_each(
    make_network: MakeNetwork, make_events: MakeEvents
) -> None:
    n_events = 2 * EVENTS_PREDICTED_AT_ONCE + 3
    model, events = build(make_network()), make_events(n_events)
    whole = model.predict(ResidentBatches(events, n_events))["class"]
    for row in (0, EVENTS_PREDICTED_AT_ONCE, n_events - 1):
        one = Batch({"features": events.inputs["features"][row : row + 1]})
        np.testing.assert_allclose(
            model.predict(ResidentBatches(one, 1))["class"][0], whole[row], rtol=1e-5, atol=1e-6
        )


def test_a_training_of_many_steps_needs_no_more_buffers_than_one_of_few(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    sizes = []
    for n_steps in (3, 12):
        model = build(make_network({"type": "dense", "units": 64}, "relu"))
        train(model, make_events(256 * n_steps), objective, 256)
        sizes.append(model.n_buffer_bytes)
    assert sizes[0] == sizes[1] > 0


def test_buffers_of_another_batch_size_are_let_go(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    """The last batch of an epoch is mostly shorter: its buffers must not lie beside the others for ever."""
    network = make_network({"type": "dense", "units": 64}, "relu")
    whole, rest = build(network), build(network)
    train(whole, make_events(512), objective, 256)
    train(rest, make_events(512 + 100), objective, 256)
    assert rest.n_buffer_bytes < whole.n_buffer_bytes


def test_rows_that_are_not_there_are_named(make_network: MakeNetwork, make_events: MakeEvents) -> None:
    batches = ResidentBatches(make_events(5), 3, np.array([0, 5]))
    with pytest.raises(IndexError, match="rows from 0 to 5, but there are 5 events, numbered from 0"):
        build(make_network()).predict(batches)


def test_nothing_global_changes(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    before = np.random.get_state()[1].tolist(), np.geterr()  # noqa: NPY002 - it must stay as it is
    model = build(make_network({"type": "dropout", "rate": 0.3}, "relu"))
    train(model, make_events(50), objective, 20)
    model.predict(ResidentBatches(make_events(50), 20))
    assert (np.random.get_state()[1].tolist(), np.geterr()) == before  # noqa: NPY002


def test_everything_stays_in_32_bits(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model = build(make_network({"type": "dense", "units": 4}, "gelu", "layer_norm", "silu"))
    train(model, make_events(50, has_weights=True), objective, 20)
    arrays = {**model.state().arrays, **model.gradients(make_events(9), objective)}
    assert {str(array.dtype) for array in arrays.values()} == {"float32"}


def test_gradients_are_not_left_in_the_parameters(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    model = build(make_network())
    train(model, make_events(50), objective, 20)
    model.gradients(make_events(9), objective)
    assert all(tensor.gradient is None for tensor in model.native.parameters.values())


def test_a_gradient_that_an_interrupted_step_left_does_not_count(
    make_network: MakeNetwork, make_events: MakeEvents, objective: Objective
) -> None:
    first, second = build(make_network()), build(make_network())
    for tensor in second.native.parameters.values():
        tensor.sum().backward()
    for model in (first, second):
        train(model, make_events(50), objective, 20)
    np.testing.assert_array_equal(first.native.flat_parameters, second.native.flat_parameters)


@pytest.mark.parametrize("loss", ["cross_entropy", "focal"])
@pytest.mark.parametrize("n_logits", [1, 3])
def test_nothing_is_computed_in_float64(loss: Any, n_logits: int) -> None:
    """One array of float64 on the way makes all that follows twice as large and twice as slow."""
    layers = [
        {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same"},
        "batch_norm",
        "relu",
        "average_pool2d",
        {"type": "depthwise_conv2d"},
        "gelu",
        "global_pool",
        {"type": "dropout", "rate": 0.2},
        {"type": "dense", "units": 5},
        "layer_norm",
        "mish",
    ]
    config = LayerList.model_validate({"layers": layers})
    network = build_network(config, {"image": (8, 8, 2)}, {"class": n_logits})
    rng = np.random.default_rng(1)
    model = build(network)
    journal = Journal(keeps_values=True)
    model.workspace = Workspace(journal=journal)
    n_classes = max(n_logits, 2)
    events = Batch(
        {"image": rng.normal(size=(20, 8, 8, 2))},
        {"class": rng.integers(0, n_classes, 20)},
        rng.normal(1, 0.5, 20),
    )
    output = OutputObjective(n_classes, loss=loss, label_smoothing=0.1, focusing=1.5, weight=0.5)
    objective = Objective({"class": output}, mean_training_weight=0.9, l1=1e-3, l2=1e-3, clip_norm=1.0)
    model.train_epoch(ResidentBatches(events, 8), objective, Adam(type="adam"), lambda _: 0.01, rng)
    assert journal.computed
    assert journal.gradients
    assert {entry.operation for entry in journal.entries if entry.value.dtype == np.float64} == set()
    assert {array.dtype for array in model.state().arrays.values()} == {np.dtype(np.float32)}
