"""Networks of graphs and of attention on clouds: what they are made of, and what they ask for."""

from __future__ import annotations

from typing import Any

import pytest

from rapidity.core.errors import GraphError
from rapidity.network import (
    CATALOGUE,
    LAYERS,
    EventGraph,
    LayerList,
    Mlp,
    Network,
    ParticleNet,
    ParticleTransformer,
    build_network,
    describe_network,
)

Shapes = dict[str, tuple[int, ...]]
JETS: Shapes = {"jets": (6, 5), "jets.mask": (6,), "jets.momenta": (6, 4), "jets.coordinates": (6, 2)}
LEPTONS: Shapes = {"leptons": (3, 4), "leptons.momenta": (3, 4), "leptons.coordinates": (3, 2)}
EVENT: Shapes = {**JETS, **LEPTONS, "met": (3,)}
NAMES = ["particle_net", "particle_transformer", "event_graph"]
SMALL: dict[str, dict[str, Any]] = {
    "particle_net": {"k": 3, "channels": [[4, 5], [6, 7]]},
    "particle_transformer": {"width": 4, "heads": 2, "blocks": 2, "embedding": [3], "pair_embedding": [3]},
    "event_graph": {"width": 4, "rounds": 2, "hidden": []},
}


def build(name: str, inputs: Shapes, tokens: dict[str, str] | None = None, **settings: Any) -> Network:
    config = CATALOGUE.get_variant(name).model_validate({"type": name, **SMALL[name], **settings})
    return build_network(config, inputs, {"class": 2}, tokens)


@pytest.mark.parametrize(
    ("name", "n_parameters"),
    [("particle_net", 366_000), ("particle_transformer", 2_140_000)],
)
def test_defaults_have_the_sizes_of_the_papers(name: str, n_parameters: int) -> None:
    assert describe_network(name).n_parameters == pytest.approx(n_parameters, rel=0.002)


def test_particle_net_gathers_from_new_neighbours_in_every_block() -> None:
    network = build("particle_net", JETS)
    assert network.node("block_1_neighbours").inputs == ("jets.coordinates", "jets.mask")
    assert network.node("block_2_neighbours").inputs == ("block_1", "jets.mask")
    assert network.node("block_1_edges").shape == (6, 3, 4)
    assert [network.node(f"block_{number}").shape for number in (1, 2)] == [(6, 5), (6, 7)]
    assert network.node("block_1_own").inputs == network.node("block_1_other").inputs == ("jets_norm",)


def test_particle_net_without_enough_objects_names_both_numbers() -> None:
    with pytest.raises(GraphError, match=r"more objects than its k = 6 neighbours, and gets 6"):
        build("particle_net", JETS, k=6)


def test_only_networks_that_look_for_neighbours_are_not_continuous() -> None:
    assert [name for name in NAMES if not build(name, JETS).is_continuous] == ["particle_net"]
    assert [name for name in LAYERS if not LAYERS[name].is_continuous] == ["neighbours"]


def test_the_particle_transformer_weighs_pairs() -> None:
    network = build("particle_transformer", JETS)
    assert network.node("pair_bias").shape == (6, 6, 2)
    for number in (1, 2):
        inputs = (f"block_{number}_norm_1", "pair_bias", "jets.mask")
        assert network.node(f"block_{number}_attention").inputs == inputs
    assert {name for name in network.further_results() if "class" not in name} == {
        "block_1_attention.weights",
        "block_2_attention.weights",
    }
    assert network.node("class_block_1_attention").inputs == ("class_block_1_norm_objects", "jets.mask")
    assert network.node("class_block_2_attention").inputs[0] == "class_block_2_norm_1"


@pytest.mark.parametrize(
    ("n_features", "expected"), [(1, "jets_norm"), (3, "jets_norm"), (4, "jets_layer_norm_1")]
)
def test_objects_of_few_features_keep_them(n_features: int, expected: str) -> None:
    """A layer normalisation made one feature zero, and two the sign of their difference."""
    network = build("particle_transformer", {"jets": (6, n_features)}, pairs="none")
    assert network.node("jets_dense_1").inputs == (expected,)


def test_the_particle_transformer_works_without_pairs() -> None:
    network = build("particle_transformer", {"jets": (6, 5)}, pairs="none")
    assert network.node("block_1_attention").inputs == ("block_1_norm_1",)


def test_each_kind_of_node_has_a_dense_layer_of_its_own() -> None:
    network = build("event_graph", {**EVENT, "met.momenta": (4,), "event": (2,)})
    kernels = {name: network.node(f"{name}_dense").parameters[0].shape for name in ("jets", "leptons", "met")}
    assert kernels == {"jets": (5, 4), "leptons": (4, 4), "met": (3, 4)}
    assert network.node("nodes").shape == (11, 4)
    assert network.node("pair_features").shape == (55, 4)
    assert network.node("node_momenta").shape == (10, 4)
    # A message of a node to itself is none.
    assert network.node("others").shape == (11, 11)
    assert network.node("round_1_received").inputs == ("round_1_messages", "others")


# event_graph takes it, lenet takes no tables.
@pytest.mark.parametrize("name", sorted({*CATALOGUE} - {"event_graph", "lenet"}))
def test_other_networks_leave_the_momentum_of_a_table_out(name: str) -> None:
    config = CATALOGUE.get_variant(name).model_validate({"type": name, **SMALL.get(name, {})})
    image: Shapes = {"image": (32, 32, 1)}
    needed: Shapes = JETS if name in (*NAMES, "deep_sets") else {} if name.endswith("mlp") else image
    inputs: Shapes = {**needed, "met": (3,), "met.momenta": (4,)}
    network = build_network(config, inputs, {"class": 2})
    assert not [node.name for node in network.nodes if "met.momenta" in node.inputs]
    assert [node.name for node in network.nodes if "met" in node.inputs]


def test_layers_take_the_momentum_of_a_table_if_they_name_it() -> None:
    inputs: Shapes = {"met": (3,), "met.momenta": (4,)}
    plain = LayerList.model_validate({"layers": [{"type": "dense", "units": 2}]})
    assert build_network(plain, inputs, {"class": 2}).nodes[0].inputs == ("met",)
    named = {"layers": [{"type": "concatenate", "inputs": ["met", "met.momenta"]}]}
    network = build_network(LayerList.model_validate(named), inputs, {"class": 2})
    assert network.nodes[0].shape == (7,)


def test_tables_of_an_event_may_join_at_the_end() -> None:
    network = build("event_graph", EVENT, tables="end")
    assert network.node("nodes").shape == (9, 4)
    assert network.node("joined_tables").shape == (4 + 3,)


def test_attention_among_nodes_takes_a_bias_of_their_pairs() -> None:
    network = build("event_graph", EVENT, aggregation="attention")
    assert network.node("round_2_attention").inputs == ("round_2_norm_1", "round_2_bias", "node_mask")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("inputs", [JETS, EVENT])
def test_the_objects_of_each_cloud_can_be_asked_for(name: str, inputs: Shapes) -> None:
    config = CATALOGUE.get_variant(name).model_validate({"type": name, **SMALL[name]})
    tokens = config.token_nodes(inputs)
    clouds = [cloud for cloud in ("jets", "leptons") if cloud in inputs]
    assert [*tokens] == clouds
    plain = build_network(config, inputs, {"class": 2})
    for cloud, node in tokens.items():
        network = build_network(config, inputs, {"class": 2, "origin": 3}, {"origin": node})
        assert network.node("origin_logits").shape == (inputs[cloud][0], 3)
        assert network.node("class_logits").shape == (2,)
        # A node that is there for this alone is made only where it is asked for.
        assert "tokens" not in "".join(each.name for each in plain.nodes)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_may_have_outputs_for_objects_alone(name: str) -> None:
    config = CATALOGUE.get_variant(name).model_validate({"type": name, **SMALL[name]})
    network = build_network(config, JETS, {"origin": 3}, {"origin": config.token_nodes(JETS)["jets"]})
    assert "pooled" not in {node.name for node in network.nodes}


@pytest.mark.parametrize(
    ("name", "lacking", "message"),
    [
        (
            "particle_net",
            "coordinates",
            (
                r"looks for neighbours in the coordinates of 'leptons', but there is no"
                r" 'leptons\.coordinates': .*\n  Add to inputs\.leptons: 'coordinates: \[\.\.\.\]'"
            ),
        ),
        (
            "particle_transformer",
            "momenta",
            r"compares the momenta of 'leptons', .*\n  Add to inputs\.leptons: 'momenta: .*pairs: none",
        ),
        ("event_graph", "momenta", r"compares the momenta of 'leptons', but there is no 'leptons\.momenta'"),
    ],
)
def test_what_lacks_beside_a_cloud_is_named(name: str, lacking: str, message: str) -> None:
    inputs = {key: shape for key, shape in EVENT.items() if key != f"leptons.{lacking}"}
    with pytest.raises(GraphError, match=rf"(?s)network '{name}' {message}"):
        build(name, inputs)


@pytest.mark.parametrize("name", NAMES)
def test_networks_of_clouds_need_a_cloud(name: str) -> None:
    with pytest.raises(GraphError, match=rf"network '{name}' takes a cloud of objects"):
        build(name, {"features": (4,)})


@pytest.mark.parametrize(
    "config",
    [
        {"variant": ParticleTransformer, "type": "particle_transformer", "width": 10, "heads": 4},
        {"variant": EventGraph, "type": "event_graph", "aggregation": "attention", "width": 10},
    ],
)
def test_heads_must_divide_the_width(config: dict[str, Any]) -> None:
    variant = config.pop("variant")
    with pytest.raises(ValueError, match=r"4 heads do not divide the width 10"):
        variant.model_validate(config)


@pytest.mark.parametrize("variant", [ParticleNet, ParticleTransformer, EventGraph])
def test_dropout_is_a_fraction(variant: Any) -> None:
    with pytest.raises(ValueError, match=r"1\.5 is not in \[0, 1\)"):
        variant.model_validate({"type": variant.model_fields["type"].annotation.__args__[0], "dropout": 1.5})


def test_a_perceptron_leaves_momenta_and_coordinates_out() -> None:
    network = build_network(Mlp(type="mlp", hidden=(3,)), JETS, {"class": 2})
    assert network.node("concatenate_1").shape == (6 * 5 + 6,)


@pytest.mark.parametrize("name", NAMES)
def test_an_input_called_like_a_layer_of_a_network_by_name_is_to_be_renamed(name: str) -> None:
    inputs = {
        key.replace("jets", "pooled" if name == "event_graph" else "mask"): shape
        for key, shape in EVENT.items()
    }
    with pytest.raises(GraphError, match=rf"so is an input\. Rename the input: the layers of '{name}' have"):
        build(name, inputs)


ONE_JET = {"jets": (1, 4), "jets.mask": (1,)}
WITH_MOMENTUM = {**ONE_JET, "jets.momenta": (1, 4)}
MET = {"met": (3,)}


@pytest.mark.parametrize(
    ("inputs", "settings", "cure"),
    [
        (
            WITH_MOMENTUM,
            {},
            r"compares the momenta.*inputs\.jets\.n_objects\), or give .* \(inputs\.NAME\.momenta",
        ),
        (ONE_JET, {"pairs": "none"}, r"passes messages among.*n_objects\), or put a table beside it\. For"),
        (WITH_MOMENTUM | MET, {}, r"\(inputs\.met\.momenta: \{pt: .*or set network\.pairs: none"),
        (WITH_MOMENTUM | MET, {"tables": "end"}, r"inputs\.met\.momenta.* and set network\.tables: node"),
        (
            ONE_JET | MET,
            {"pairs": "none", "tables": "end"},
            r"beside it and set network\.tables: node\. For",
        ),
    ],
)
def test_a_graph_of_a_single_node_says_what_to_change(inputs, settings, cure):
    """The advice was to name a mask, which nobody can who names a network."""
    with pytest.raises(GraphError, match=cure):
        build("event_graph", inputs, **settings)


@pytest.mark.parametrize(
    ("inputs", "settings"),
    [
        (WITH_MOMENTUM | MET | {"met.momenta": (4,)}, {}),
        (ONE_JET | MET, {"pairs": "none"}),
        ({"jets": (2, 4), "jets.mask": (2,), "jets.momenta": (2, 4)}, {}),
    ],
)
def test_what_a_graph_of_a_single_node_advises_works(inputs, settings):
    assert build("event_graph", inputs, **settings).n_parameters > 0
