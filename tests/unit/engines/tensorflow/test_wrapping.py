"""A user's own Keras model: trained in place, and mistakes caught before training."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from rapidity.config.training import Adam, Sgd
from rapidity.core.errors import EngineError
from rapidity.core.records import Batch, Objective, OutputObjective, ResidentBatches
from rapidity.engines import get_engine

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

INPUTS = {"leptons": (4,), "jets": (3, 2)}
CLASS = {"class": 1}
OBJECTIVE = Objective({"class": OutputObjective(2)}, l2=0.1)


def make_model(ending: Any = None, order: tuple[str, ...] = ("leptons", "jets"), **dense: Any) -> Any:
    """Return two inputs, normalisation, dropout, one logit; the layers have the names that Keras gives."""
    from keras import Input, Model, layers

    inputs = {name: Input(INPUTS[name], name=name) for name in order}
    hidden = layers.Dense(8, **dense)(inputs["leptons"])
    hidden = layers.Dropout(0.2)(layers.BatchNormalization(name="norm")(hidden))
    joined = layers.Concatenate()([hidden, layers.Flatten()(inputs["jets"])])
    logit = layers.Dense(1)(joined)
    return Model(list(inputs.values()), logit if ending is None else ending(logit, joined))


def make_events(n_events: int = 60) -> Batch:
    rng = np.random.default_rng(3)
    inputs = {
        name: rng.standard_normal((n_events, *shape)).astype(np.float32) for name, shape in INPUTS.items()
    }
    return Batch(inputs, {"class": (inputs["leptons"][:, 0] > 0).astype(np.int64)})


def wrap(module: Any, outputs: dict[str, int] = CLASS, **settings: Any) -> Any:
    return get_engine("tensorflow").wrap(module, INPUTS, outputs, "cpu", **settings)


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


def test_an_own_model_is_trained_in_place_and_resumes_exactly() -> None:
    native = make_model()
    straight = wrap(native)
    start = straight.state()
    losses = train(straight, range(10))
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    assert straight.native is native
    np.testing.assert_array_equal(
        native.layers[1].kernel.value.numpy(), straight.parameters()["dense.kernel"]
    )

    # Keras calls the layers of these copies dense_2, dense_3, ...: the names of a state must not care.
    first, second = wrap(make_model()), wrap(make_model())
    first.load_state(start)
    train(first, range(4))
    second.load_state(first.state())
    train(second, range(4, 10))
    for name, array in straight.state().arrays.items():
        np.testing.assert_array_equal(second.state().arrays[name], array, err_msg=name)


def test_names_depend_on_the_model_alone() -> None:
    names = {
        "dense.kernel", "dense.bias", "norm.gamma", "norm.beta", "norm.moving_mean", "norm.moving_variance",
        "dense_1.kernel", "dense_1.bias",
    }  # fmt: skip
    assert set(wrap(make_model()).parameters()) == set(wrap(make_model()).parameters()) == names


def test_a_function_makes_the_model_from_the_shapes_and_the_seed() -> None:
    def make(shapes: Any) -> Any:
        assert shapes == INPUTS
        return make_model()

    before = random.getstate()
    first, second, third = (wrap(make, rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert random.getstate() == before
    name = "dense_1.kernel"
    np.testing.assert_array_equal(first.parameters()[name], second.parameters()[name])
    assert not np.array_equal(first.parameters()[name], third.parameters()[name])


def test_inputs_are_found_by_their_names() -> None:
    straight, crossed = wrap(make_model()), wrap(make_model(order=("jets", "leptons")))
    crossed.load_state(straight.state())
    events = ResidentBatches(make_events(), 60)
    np.testing.assert_array_equal(crossed.predict(events)["class"], straight.predict(events)["class"])


def test_penalties_apply_to_kernels_and_those_of_own_layers_count() -> None:
    import keras

    model = wrap(make_model(bias_regularizer=keras.regularizers.L2(0.5), bias_initializer="ones"))
    plain = Objective({"class": OutputObjective(2)})
    without, with_penalty = (model.gradients(make_events(), one) for one in (plain, OBJECTIVE))
    changed = {name for name, array in without.items() if not np.array_equal(array, with_penalty[name])}
    assert changed == {"dense.kernel", "dense_1.kernel"}
    # The normalisation behind it takes any shift away: what is left is the gradient of the penalty.
    np.testing.assert_allclose(without["dense.bias"], np.ones(8), atol=1e-5)


def test_constraints_of_own_layers_hold() -> None:
    import keras

    model = wrap(make_model(kernel_constraint=keras.constraints.NonNeg()))
    train(model, range(1))
    assert (model.parameters()["dense.kernel"] >= 0).all()
    assert (model.parameters()["dense_1.kernel"] < 0).any()


def test_frozen_layers_stay() -> None:
    native = make_model()
    native.layers[1].trainable = False
    model = wrap(native)
    before = model.parameters()["dense.kernel"]
    train(model, range(1), Sgd(type="sgd"))
    np.testing.assert_array_equal(model.parameters()["dense.kernel"], before)
    assert "dense.kernel" not in model.gradients(make_events(), OBJECTIVE)


def test_a_variable_that_takes_no_part_is_left_alone() -> None:
    from keras import layers

    class Idle(layers.Layer):
        def build(self, _: Any) -> None:
            self.idle = self.add_weight(name="idle", shape=(2,), initializer="ones")

        def call(self, values: Any) -> Any:
            return values

    model = wrap(make_model(lambda logit, _: Idle(name="own")(logit)))
    train(model, range(1))
    np.testing.assert_array_equal(model.parameters()["own.idle"], [1, 1])
    np.testing.assert_array_equal(model.gradients(make_events(), OBJECTIVE)["own.idle"], [0, 0])


def test_results_of_own_layers_can_be_had() -> None:
    assert wrap(make_model()).predict(ResidentBatches(make_events(), 25), ["norm"])["norm"].shape == (60, 8)


def test_a_sequential_model_may_come_without_its_input() -> None:
    from keras import Sequential, layers

    model = get_engine("tensorflow").wrap(Sequential([layers.Dense(1)]), {"leptons": (4,)}, CLASS, "cpu")
    assert model.predict(ResidentBatches(make_events(), 60))["class"].shape == (60, 1)


def flat(logit: Any, _: Any) -> Any:
    from keras import layers

    return layers.Reshape(())(logit)


@pytest.mark.parametrize(
    "ending",
    [
        flat,
        lambda logit, _: {"class": logit},
        lambda logit, _: {"class_logits": logit},
        lambda logit, _: [logit],
    ],
)
def test_logits_may_come_in_several_forms(ending: Any) -> None:
    found = wrap(make_model(ending)).predict(ResidentBatches(make_events(), 25))
    assert found["class"].shape == (60, 1)


def activation(name: str, units: int = 1) -> Any:
    from keras import layers

    return lambda _, joined: layers.Dense(units, activation=name)(joined)


def operation(logit: Any, _: Any) -> Any:
    from keras import ops

    return ops.squeeze(ops.sigmoid(logit), axis=1)


def own_call(_: Any) -> Any:
    import keras

    class Own(keras.Model):
        def call(self, inputs: Any) -> Any:
            return inputs

    return Own(name="mine")


def small(_: Any) -> Any:
    from keras import Input, Model, layers

    x = Input((4,), name="leptons")
    return Model(x, layers.Dense(1)(x), name="small")


def inside(logit: Any, _: Any) -> Any:
    from keras import Input, Sequential, layers

    return layers.Flatten()(Sequential([Input((1,)), layers.Activation("sigmoid")])(logit))


@pytest.mark.parametrize(
    ("make", "outputs", "message"),
    [
        (small, CLASS, r"model small takes leptons \(n_events, 4\), but the events have the inputs leptons"),
        (
            lambda _: make_model(),
            {"class": 3},
            r"returns \(n_events, 1\), but the outputs need class \(n_events, 3\)\. Return one logit",
        ),
        (lambda _: make_model(), {"class": 1, "flavour": 1}, r"several outputs as a list"),
        (
            lambda _: make_model(activation("sigmoid")),
            CLASS,
            r"ends in a sigmoid for output 'class', but Rapidity needs logits.*Remove it from the model",
        ),
        (lambda _: make_model(inside), CLASS, r"ends in a sigmoid"),
        (lambda _: make_model(operation), CLASS, r"ends in a sigmoid"),
        (lambda _: make_model(activation("softmax", 3)), {"class": 3}, r"ends in a softmax"),
        (own_call, CLASS, r"functional or Sequential keras\.Model, found Own 'mine'\. Make it with"),
        (lambda _: "network", CLASS, r"functional or Sequential keras\.Model, found 'network'"),
        (3, CLASS, r"functional or Sequential keras\.Model, found 3"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(make: Any, outputs: dict[str, int], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        wrap(make, outputs)


def test_a_model_that_fails_on_two_events_is_refused() -> None:
    from keras import KerasTensor, layers

    class Picky(layers.Layer):
        def call(self, values: Any) -> Any:
            return tf.reshape(values, (3, 1))

        def compute_output_spec(self, values: Any) -> Any:
            return KerasTensor(values.shape, values.dtype)

    with pytest.raises(EngineError, match=r"failed on a trial with 2 events of the inputs leptons"):
        wrap(make_model(lambda logit, _: Picky()(logit)))


def test_hidden_probabilities_are_warned_of_after_the_first_epoch() -> None:
    from keras import layers

    class Hidden(layers.Layer):
        def call(self, values: Any) -> Any:
            return 1 / (1 + tf.exp(-values))

    model = wrap(make_model(lambda logit, _: Hidden()(logit)))
    batches = ResidentBatches(make_events(200), 150)
    with pytest.warns(UserWarning, match=r"gives values in \[0, 1\] for all of 150 events"):
        model.train_epoch(batches, OBJECTIVE, Sgd(type="sgd"), lambda _: 0.01, np.random.default_rng(1))
    # Said once.
    model.train_epoch(batches, OBJECTIVE, Sgd(type="sgd"), lambda _: 0.01, np.random.default_rng(1))
