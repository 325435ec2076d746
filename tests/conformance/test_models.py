"""What every engine must do with every layer and every network of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.config.training import Adam, Sgd
from rapidity.core.errors import EngineError, ExportError
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LayerList, build_network

if TYPE_CHECKING:
    from rapidity.core.records import Model


def train(model: Model, case: Any, epochs: range, rate: float = 0.003) -> list[float]:
    """Train on 60 events; the last batch of each epoch is shorter than the others."""
    events, losses = case.make_events(60), []
    for epoch in epochs:
        rng = np.random.default_rng([1, epoch])
        batches = ResidentBatches(events, 25, rng.permutation(60))
        record = model.train_epoch(batches, case.objective, Adam(type="adam"), lambda _: rate, rng)
        losses += record.step_losses.tolist()
    return losses


def test_parameters_are_those_of_the_network(engine_name: str, case: Any, build_once: Any) -> None:
    found, given = build_once(engine_name, case).parameters(), case.draw_parameters()
    assert list(found) == list(case.network.parameter_specs())
    for name, array in given.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_a_model_is_described_by_its_network(engine_name: str, first_case: Any, build_once: Any) -> None:
    model = build_once(engine_name, first_case)
    network, parameters = get_engine(engine_name).describe(model)
    assert network is first_case.network
    assert parameters.keys() == model.parameters().keys()


def test_a_model_of_another_engine_is_refused(engine_name: str) -> None:
    with pytest.raises(EngineError, match=f"engine '{engine_name}' .* its own models, found object"):
        get_engine(engine_name).describe(object())


@pytest.mark.parametrize("name", ["numpy", pytest.param("tensorflow", marks=pytest.mark.tensorflow)])
def test_an_engine_that_describes_all_its_models_writes_no_onnx(name: str) -> None:
    with pytest.raises(ExportError, match=r"writes no ONNX itself\. .*rapidity\.artefact\.write_model"):
        get_engine(name).to_onnx(object())


def test_a_pass_gives_the_same_logits_whatever_the_batch(
    engine_name: str, case: Any, build_once: Any
) -> None:
    model, events = build_once(engine_name, case), case.make_events(7)
    whole = model.predict(ResidentBatches(events, 7))["class"]
    assert whole.shape == (7, case.n_logits)
    for batch_size in (1, 3):
        found = model.predict(ResidentBatches(events, batch_size))["class"]
        np.testing.assert_allclose(found, whole, rtol=1e-5, atol=1e-5 * np.abs(whole).max())


def test_a_state_brings_another_model_to_the_same_place(
    engine_name: str, first_case: Any, build_new: Any
) -> None:
    straight, first, second = (build_new(engine_name, first_case) for _ in range(3))
    train(straight, first_case, range(3))
    train(first, first_case, range(1))
    second.load_state(first.state())
    train(second, first_case, range(1, 3))
    for name, array in straight.state().arrays.items():
        np.testing.assert_array_equal(second.state().arrays[name], array, err_msg=name)


def test_a_state_of_another_network_is_refused(
    engine_name: str, first_case: Any, build_once: Any, build_new: Any
) -> None:
    state = build_new(engine_name, first_case).state()
    name = next(iter(state.arrays))
    state.arrays[name] = state.arrays[name][..., :-1]
    with pytest.raises(EngineError, match=r"wrong shape: .* instead of .*Take"):
        build_once(engine_name, first_case).load_state(state)


def test_one_event_can_be_trained_on(engine_name: str, first_case: Any, build_new: Any) -> None:
    model = build_new(engine_name, first_case)
    batches = ResidentBatches(first_case.make_events(3), 2)  # The last batch holds one event.
    record = model.train_epoch(
        batches, first_case.objective, Adam(type="adam"), lambda _: 0.001, np.random.default_rng(1)
    )
    assert len(record.step_losses) == 2
    assert record.first_bad_step is None


def test_a_network_of_the_catalogue_learns(engine_name: str, network_case: Any, build_new: Any) -> None:
    losses = train(build_new(engine_name, network_case), network_case, range(15), rate=0.01)
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])


def loss_of_first_step(model: Model, events: Batch, seed: int, **settings: Any) -> float:
    """Return what a step on 20 events, which changes nothing, gives with the random numbers of a seed."""
    epoch = model.train_epoch(
        ResidentBatches(events, 20),
        Objective({"class": OutputObjective(2)}, **settings),
        Sgd(type="sgd"),
        lambda _: 0.0,
        np.random.default_rng(seed),
    )
    return float(epoch.step_losses[0])


def test_dropout_drops_while_training_and_scales_the_rest(engine_name: str) -> None:
    """The logit is the mean of 4096 ones, so its loss tells what fraction was kept and how it was scaled."""
    layers = LayerList.model_validate({"layers": [{"type": "dropout", "rate": 0.4}]})
    network = build_network(layers, {"a": (4096,)}, {"class": 1})
    parameters = {
        "class_logits.kernel": np.full((4096, 1), 1 / 4096, np.float32),
        "class_logits.bias": np.zeros(1, np.float32),
    }
    events = Batch({"a": np.ones((20, 4096), np.float32)}, {"class": np.ones(20, np.int64)})
    model = get_engine(engine_name).build(network, parameters, "cpu")
    losses = [loss_of_first_step(model, events, seed) for seed in (1, 1, 2)]
    undropped = np.log1p(np.exp(-1.0))
    assert losses[0] == losses[1] != losses[2]
    # The mean of 80,000 values that are 0 or 1 / 0.6 has a standard error of 0.0029.
    np.testing.assert_allclose(losses, undropped, atol=4 * 0.0029)
    assert np.abs(np.array(losses) - undropped).min() > 1e-6
    np.testing.assert_allclose(model.predict(ResidentBatches(events, 20))["class"], 1.0, rtol=1e-5)


@pytest.mark.parametrize("kind", ["attention", "class_attention"])
def test_attention_drops_weights_while_training(engine_name: str, kind: str) -> None:
    layers = [{"type": kind, "heads": 2, "dropout": 0.5}, {"type": "flatten"}]
    network = build_network(LayerList.model_validate({"layers": layers}), {"jets": (5, 6)}, {"class": 1})
    events = Batch(
        {"jets": np.random.default_rng(1).standard_normal((20, 5, 6)).astype(np.float32)},
        {"class": np.ones(20, np.int64)},
    )
    model = get_engine(engine_name).build(
        network, network.initial_parameters(np.random.default_rng(1)), "cpu"
    )
    losses = [loss_of_first_step(model, events, seed) for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]
    predicted = [model.predict(ResidentBatches(events, 20))["class"] for _ in range(2)]
    np.testing.assert_array_equal(*predicted)
    undropped = loss_of_first_step(model, events, 1, dropout_strength=lambda _: 0.0)
    assert undropped == pytest.approx(np.log1p(np.exp(-predicted[0].astype(np.float64))).mean(), rel=1e-5)
