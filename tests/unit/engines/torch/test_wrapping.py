"""A user's own module: trained in place, exported, and mistakes caught before training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.config.training import Adam, Sgd
from rapidity.core.errors import EngineError, ExportError
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

INPUTS = {"leptons": (4,), "jets": (3, 2)}
CLASS = {"class": 1}
OBJECTIVE = Objective({"class": OutputObjective(2)}, l2=0.1)
WITHOUT_DROPOUT = Objective({"class": OutputObjective(2)}, dropout_strength=lambda _: 0.0)


class TwoBranches(torch.nn.Module):
    """Two inputs, batch normalisation, dropout and one flat logit."""

    def __init__(self) -> None:
        super().__init__()
        self.leptons = torch.nn.Linear(4, 8)
        self.norm = torch.nn.BatchNorm1d(8)
        self.dropout = torch.nn.Dropout(0.2)
        self.head = torch.nn.Linear(14, 1)

    def forward(self, leptons: Any, jets: Any) -> Any:
        hidden = self.dropout(torch.relu(self.norm(self.leptons(leptons))))
        return self.head(torch.cat([hidden, jets.flatten(1)], dim=1)).squeeze(1)


class Ending(TwoBranches):
    """The same with something after the logit."""

    def __init__(self, ending: Any) -> None:
        super().__init__()
        self.ending = ending

    def forward(self, leptons: Any, jets: Any) -> Any:
        return self.ending(super().forward(leptons, jets))


def make_events(n_events: int = 60) -> Batch:
    rng = np.random.default_rng(3)
    inputs = {
        name: rng.standard_normal((n_events, *shape)).astype(np.float32) for name, shape in INPUTS.items()
    }
    return Batch(inputs, {"class": (inputs["leptons"][:, 0] > 0).astype(np.int64)})


def wrap(module: Any, outputs: dict[str, int] = CLASS) -> Any:
    return get_engine("torch").wrap(module, INPUTS, outputs, "cpu")


def train(model: Any, epochs: range, optimizer: Any = None) -> list[float]:
    losses: list[float] = []
    for epoch in epochs:
        record = model.train_epoch(
            ResidentBatches(make_events(), 25),
            OBJECTIVE,
            optimizer or Adam(type="adam"),
            lambda _: 0.01,
            np.random.default_rng(epoch),
        )
        losses += record.step_losses.tolist()
    return losses


def train_without_dropout(model: Any) -> None:
    batches, rng = ResidentBatches(make_events(), 25), np.random.default_rng(1)
    model.train_epoch(batches, WITHOUT_DROPOUT, Sgd(type="sgd"), lambda _: 0.01, rng)


def test_an_own_module_is_trained_in_place_and_resumes_exactly() -> None:
    torch.manual_seed(1)
    straight = wrap(TwoBranches())
    start = straight.state()
    losses = train(straight, range(10))
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert straight.native.leptons.weight.shape == straight.parameters()["leptons.weight"].shape == (8, 4)

    first, second = wrap(TwoBranches()), wrap(TwoBranches())
    first.load_state(start)
    train(first, range(4))
    second.load_state(first.state())
    train(second, range(4, 10))
    for name, array in straight.state().arrays.items():
        np.testing.assert_array_equal(second.state().arrays[name], array, err_msg=name)


def test_a_function_makes_the_module_from_the_shapes_and_the_seed() -> None:
    def make(shapes: Any) -> Any:
        assert shapes == INPUTS
        return TwoBranches()

    state = torch.get_rng_state()
    first, second, third = (
        get_engine("torch").wrap(make, INPUTS, CLASS, "cpu", rng=np.random.default_rng(seed))
        for seed in (1, 1, 2)
    )
    assert torch.equal(torch.get_rng_state(), state)
    name = "head.weight"
    np.testing.assert_array_equal(first.parameters()[name], second.parameters()[name])
    assert not np.array_equal(first.parameters()[name], third.parameters()[name])


def test_penalties_apply_to_weights_of_several_axes() -> None:
    model = wrap(TwoBranches())
    plain = Objective({"class": OutputObjective(2)})
    without, with_penalty = (model.gradients(make_events(), one) for one in (plain, OBJECTIVE))
    changed = {name for name, array in without.items() if not np.array_equal(array, with_penalty[name])}
    assert changed == {"leptons.weight", "head.weight"}


def test_a_parameter_without_gradient_is_left_alone() -> None:
    module = TwoBranches()
    module.idle = torch.nn.Linear(2, 2)
    model, other = wrap(module), wrap(TwoBranches())
    train(model, range(1))
    state = model.state()
    assert state.numbers["optimizer_step"] == 3
    assert state.numbers["optimizer_step/idle.bias"] == 0
    other.native.idle = torch.nn.Linear(2, 2)
    other = wrap(other.native)
    other.load_state(state)
    train(model, range(1, 2))
    train(other, range(1, 2))
    np.testing.assert_array_equal(other.parameters()["head.weight"], model.parameters()["head.weight"])


def test_frozen_parameters_stay() -> None:
    module = TwoBranches()
    module.leptons.requires_grad_(requires_grad=False)
    model = wrap(module)
    before = model.parameters()["leptons.weight"]
    train(model, range(1), Sgd(type="sgd"))
    np.testing.assert_array_equal(model.parameters()["leptons.weight"], before)
    assert "leptons.weight" not in model.gradients(make_events(), OBJECTIVE)


def test_results_of_inner_modules_can_be_had() -> None:
    assert wrap(TwoBranches()).predict(ResidentBatches(make_events(), 25), ["norm"])["norm"].shape == (60, 8)


def test_a_shared_tensor_is_one_parameter() -> None:
    module = TwoBranches()
    module.again = module.leptons
    model = wrap(module)
    assert "again.weight" not in model.parameters()
    train(model, range(1))


@pytest.mark.parametrize(
    "ending",
    [
        lambda logit: (logit,),
        lambda logit: {"class": logit.unsqueeze(1)},
        lambda logit: {"class_logits": logit},
        lambda logit: logit.unsqueeze(1),
    ],
)
def test_logits_may_come_in_several_forms(ending: Any) -> None:
    assert wrap(Ending(ending)).predict(ResidentBatches(make_events(), 25))["class"].shape == (60, 1)


@pytest.mark.parametrize(
    ("module", "outputs", "message"),
    [
        (
            torch.nn.Linear(4, 1),
            CLASS,
            r"module Linear failed on a trial with 2 events of the inputs leptons",
        ),
        (TwoBranches(), {"class": 3}, r"returns \(n_events, 1\), but the outputs need class \(n_events, 3\)"),
        (TwoBranches(), {"class": 1, "flavour": 1}, r"several outputs as a tuple"),
        (Ending(torch.sigmoid), CLASS, r"ends in a sigmoid for output 'class', but Rapidity needs logits"),
        (Ending(lambda x: torch.sigmoid(x).unsqueeze(1)), CLASS, r"ends in a sigmoid.*Remove it"),
        (Ending(lambda x: torch.softmax(x[:, None].repeat(1, 3), 1)), {"class": 3}, r"ends in a softmax"),
        (lambda _: "network", CLASS, r"wraps an instance of torch\.nn\.Module, found 'network'"),
        (3, CLASS, r"wraps an instance of torch\.nn\.Module, found 3"),
    ],
)
def test_a_module_that_does_not_fit_is_refused(module: Any, outputs: dict[str, int], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        wrap(module, outputs)


def test_hidden_probabilities_are_warned_of_after_the_first_epoch() -> None:
    # exp and division: no sigmoid for the eye, but probabilities all the same.
    model = wrap(Ending(lambda logit: 1 / (1 + torch.exp(-logit))))
    batches = ResidentBatches(make_events(200), 150)
    with pytest.warns(UserWarning, match=r"gives values in \[0, 1\] for all of 150 events"):
        model.train_epoch(batches, OBJECTIVE, Sgd(type="sgd"), lambda _: 0.01, np.random.default_rng(1))
    # Said once.
    model.train_epoch(batches, OBJECTIVE, Sgd(type="sgd"), lambda _: 0.01, np.random.default_rng(1))


@pytest.mark.slow
def test_onnx_gives_the_logits_for_any_number_of_events() -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    model = wrap(TwoBranches())
    train(model, range(1))
    session = onnxruntime.InferenceSession(get_engine("torch").to_onnx(model))
    assert [port.name for port in session.get_inputs()] == ["leptons", "jets"]
    assert [port.name for port in session.get_outputs()] == ["class_logits"]
    for n_events in (1, 2, 7):
        events = make_events(n_events)
        expected = model.predict(ResidentBatches(events, 100))["class"]
        (found,) = session.run(None, dict(events.inputs))
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_a_module_that_cannot_be_traced_is_explained() -> None:
    model = wrap(Ending(lambda logit: logit * 2 if logit.sum().item() > 0 else logit))
    with pytest.raises(ExportError, match=r"cannot be exported by torch\.onnx\.export"):
        get_engine("torch").to_onnx(model)


def test_only_own_models_are_exported() -> None:
    with pytest.raises(EngineError, match="exports its own models, found object"):
        get_engine("torch").to_onnx(object())


def test_dropout_of_an_own_module_follows_the_schedule() -> None:
    """At a strength of zero nothing is drawn: another seed gives the same losses."""
    model = wrap(TwoBranches())
    statistics = model.native.norm.running_mean.clone()
    batches, still = ResidentBatches(make_events(), 60), Sgd(type="sgd")

    def loss(objective: Objective, seed: int) -> float:
        rng = np.random.default_rng(seed)
        return float(model.train_epoch(batches, objective, still, lambda _: 0.0, rng).step_losses[0])

    assert loss(WITHOUT_DROPOUT, 1) == loss(WITHOUT_DROPOUT, 2)
    # Two steps have moved the statistics; looking for random numbers has not.
    moved = model.native.norm.running_mean
    mean = model.native.leptons(torch.from_numpy(make_events().inputs["leptons"])).mean(dim=0)
    torch.testing.assert_close(moved, 0.81 * statistics + 0.19 * mean)
    assert model.native.dropout.p == 0.2
    assert loss(OBJECTIVE, 1) != loss(OBJECTIVE, 2)


def test_dropout_that_a_schedule_cannot_set_is_refused() -> None:
    def drop(logits: Any) -> Any:
        return torch.nn.functional.dropout(logits, 0.1)

    model = wrap(Ending(drop))
    train(model, range(1))
    message = r"Ending still draws random numbers when the rates of .* are 0.*set dropout_schedule: constant"
    with pytest.raises(EngineError, match=message):
        train_without_dropout(model)


def test_a_compiled_module_is_refused_a_dropout_schedule() -> None:
    model = wrap(TwoBranches())
    model.native.compiled = torch.compile(torch.nn.Linear(2, 2), backend="eager")
    with pytest.raises(EngineError, match=r"module TwoBranches is compiled \(torch\.compile\)"):
        train_without_dropout(model)
