"""What a finished graph knows of itself."""

from __future__ import annotations

import numpy as np
import pytest

from rapidity.core.errors import MissingNameError
from rapidity.network import LayerList, Mlp, Network, build_network


def make_network(*layers: object) -> Network:
    config = LayerList.model_validate({"layers": [{"type": "dense", "name": "first", "units": 3}, *layers]})
    return build_network(config, {"features": (4,)}, {"class": 1})


def test_initial_parameters_have_the_declared_shapes_and_types() -> None:
    network = make_network("batch_norm", "relu")
    parameters = network.initial_parameters(np.random.default_rng(1))
    assert {name: array.shape for name, array in parameters.items()} == {
        name: spec.shape for name, spec in network.parameter_specs().items()
    }
    assert {array.dtype for array in parameters.values()} == {np.dtype(np.float32)}
    np.testing.assert_array_equal(parameters["batch_norm_1.running_variance"], np.ones(3))


def test_initial_parameters_do_not_depend_on_other_layers() -> None:
    short = make_network().initial_parameters(np.random.default_rng(1))
    long = make_network("relu", {"type": "dense", "units": 3}).initial_parameters(np.random.default_rng(1))
    np.testing.assert_array_equal(short["first.kernel"], long["first.kernel"])


def test_a_scale_begins_where_it_is_told() -> None:
    parameters = make_network({"type": "scale", "initial": 0.1}).initial_parameters(np.random.default_rng(1))
    np.testing.assert_array_equal(parameters["scale_1.scale"], np.full(3, 0.1, np.float32))


def test_another_generator_gives_other_parameters() -> None:
    network = make_network()
    first, second = (network.initial_parameters(np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(first["first.kernel"], second["first.kernel"])


def test_equal_shapes_get_different_parameters() -> None:
    network = build_network(Mlp(type="mlp", hidden=(4, 4)), {"features": (4,)}, {"class": 1})
    parameters = network.initial_parameters(np.random.default_rng(1))
    assert not np.array_equal(parameters["dense_1.kernel"], parameters["dense_2.kernel"])


def test_summary_begins_with_the_inputs() -> None:
    rows = make_network("relu").summary()
    assert [(row.name, row.type, row.shape, row.n_parameters) for row in rows] == [
        ("features", "input", (4,), 0),
        ("first", "dense", (3,), 15),
        ("relu_1", "activation (relu)", (3,), 0),
        ("class_logits", "dense", (1,), 4),
    ]


def test_an_unknown_node_shows_the_near_names() -> None:
    network = make_network()
    with pytest.raises(
        MissingNameError, match=r"no layer 'frist'\. Did you mean 'first'\? Layers: first, class"
    ):
        network.node("frist")
    assert network.shape_of("features") == (4,)
