"""RealMLP and the layers that it is made of."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rapidity.core.errors import GraphError
from rapidity.network import Mlp, Network, Realmlp, build_network

TABLES = {"event": (5,), "jets": (3,)}
N_FEATURES = 8


@pytest.fixture
def network() -> Network:
    return build_network(Realmlp(type="realmlp"), TABLES, {"class": 3})


def test_tables_are_joined_embedded_and_scaled_before_three_hidden_layers(network: Network) -> None:
    hidden = ["dense", "parametric_activation", "dropout"]
    kinds = ["concatenate", "periodic_embedding", "scale", *hidden * 3, "dense"]
    assert [node.layer.kind for node in network.nodes] == kinds
    assert network.node("embedding").shape == (N_FEATURES * 4,)
    assert network.node("dense_3").shape == (256,)


def test_parameters_are_as_many_as_the_paper_has(network: Network) -> None:
    embedding = N_FEATURES * (2 * 16 + (16 + 1) * 3)
    dense = sum(n_in * n_out + n_out for n_in, n_out in ((32, 256), (256, 256), (256, 256), (256, 3)))
    assert network.n_parameters == embedding + 32 + dense + 3 * 256


def test_rates_and_decays_are_those_of_the_paper(network: Network) -> None:
    specs = network.parameter_specs()
    rates = {name: spec.rate_factor for name, spec in specs.items()}
    biases = {f"{node}.bias" for node in ("dense_1", "dense_2", "dense_3", "class_logits")}
    small = {name for name in specs if name.startswith(("embedding.", "selu_"))} | biases
    assert rates == {name: 6.0 if name == "scale.scale" else 0.1 if name in small else 1.0 for name in specs}
    assert {name for name, spec in specs.items() if spec.decay_factor == 0} == biases
    assert {spec.decay_factor for spec in specs.values()} == {0.0, 1.0}


def test_first_values_are_those_of_the_paper(network: Network) -> None:
    first = network.initial_parameters(np.random.default_rng(1))
    # 1 / sqrt(2 n) of n draws, five times over.
    assert first["dense_2.kernel"].std() == pytest.approx(1.0, rel=0.02)
    assert first["dense_2.bias"].std() == pytest.approx(1 / math.sqrt(3), rel=0.25)
    assert first["embedding.frequency"].std() == pytest.approx(0.1, rel=0.35)
    assert 0.9 * math.pi < np.abs(first["embedding.phase"]).max() <= math.pi
    assert np.abs(first["embedding.kernel"]).max() <= 1 / 4
    for name in ("scale.scale", "selu_1.part"):
        np.testing.assert_array_equal(first[name], 1.0)


def test_without_waves_and_dropout() -> None:
    config = Realmlp(type="realmlp", hidden=(4,), activation="mish", embedding_width=1, dropout=0)
    network = build_network(config, {"event": (5,)}, {"class": 1})
    assert [node.name for node in network.nodes] == ["scale", "dense_1", "mish_1", "class_logits"]


def test_other_networks_keep_their_head() -> None:
    network = build_network(Mlp(type="mlp"), TABLES, {"class": 1})
    assert network.parameter_specs()["class_logits.bias"].initializer == "zeros"


def test_inputs_that_are_no_tables_are_refused() -> None:
    message = r"'realmlp' is one for tables, but the input 'image' is \(n_events, 8, 8, 1\)\. Give it inputs"
    with pytest.raises(GraphError, match=message):
        build_network(Realmlp(type="realmlp"), {"event": (5,), "image": (8, 8, 1)}, {"class": 1})


def test_ntk_starts_with_the_results_of_the_standard_parametrisation() -> None:
    """The kernel is larger by what the product is divided by."""
    from rapidity.network.layers import Dense

    for units in (3, 50):
        standard, ntk = (
            Dense(type="dense", units=units, initializer="lecun_normal", parametrization=kind)
            for kind in ("standard", "ntk")
        )
        factor = ntk.parameter_specs([(16,)])[0].factor
        assert factor * ntk.input_factor(16) == standard.parameter_specs([(16,)])[0].factor == 1.0
        assert factor == 4.0
