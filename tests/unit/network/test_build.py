"""Names, connections and shapes of a graph, and the messages when they do not fit."""

from __future__ import annotations

import pytest

from rapidity.core.errors import GraphError
from rapidity.network import DeepSets, LayerList, Mlp, Network, ResidualMlp, build_network

TABLE = {"features": (4,)}
TWO_TABLES = {"leptons": (4,), "jets": (6,)}
IMAGE = {"image": (8, 8, 3)}
CLOUD = {"jets": (5, 6), "jets.mask": (5,), "pairs": (5, 5, 2), "met": (4,), "tracks.mask": (9,)}
CLASS = {"class": 1}


def build(layers: list[object], inputs: dict[str, tuple[int, ...]] = TABLE) -> Network:
    return build_network(LayerList.model_validate({"layers": layers}), inputs, CLASS)


def names(network: Network) -> list[str]:
    return [node.name for node in network.nodes]


def test_unnamed_layers_are_numbered_by_kind() -> None:
    network = build([{"type": "dense", "units": 3}, "relu", {"type": "dense", "units": 2}, "relu"])
    assert names(network) == ["dense_1", "relu_1", "dense_2", "relu_2", "class_logits"]


def test_made_names_avoid_given_ones() -> None:
    network = build([{"type": "dense", "units": 3}, {"type": "dense", "name": "dense_1", "units": 2}])
    assert names(network) == ["dense_2", "dense_1", "class_logits"]


def test_a_layer_takes_the_one_before() -> None:
    network = build(["relu", {"type": "dense", "units": 3}])
    assert network.node("dense_1").inputs == ("relu_1",)


def test_several_inputs_are_joined_for_the_first_layer() -> None:
    network = build_network(Mlp(type="mlp", hidden=(8,)), TWO_TABLES, CLASS)
    joined = network.node("joined_inputs")
    assert (joined.inputs, joined.shape) == (("leptons", "jets"), (10,))
    assert network.node("dense_1").inputs == ("joined_inputs",)


def test_a_first_concatenate_takes_all_inputs_itself() -> None:
    assert names(build(["concatenate", "relu"], TWO_TABLES)) == ["concatenate_1", "relu_1", "class_logits"]


def test_branches_meet_again() -> None:
    network = build(
        [
            {"type": "dense", "name": "leptons_in", "inputs": "leptons", "units": 5},
            {"type": "dense", "name": "jets_in", "inputs": "jets", "units": 5},
            {"type": "add", "inputs": ["leptons_in", "jets_in"]},
            {"type": "concatenate", "inputs": ["add_1", "leptons"]},
        ],
        TWO_TABLES,
    )
    assert network.node("add_1").shape == (5,)
    assert network.node("concatenate_1").shape == (9,)
    assert network.node("class_logits").parameters[0].shape == (9, 1)


def test_each_output_has_a_head() -> None:
    network = build_network(Mlp(type="mlp", hidden=(3,)), TABLE, {"class": 4, "flavour": 1})
    assert network.outputs == {"class": "class_logits", "flavour": "flavour_logits"}
    assert network.node("class_logits").inputs == network.node("flavour_logits").inputs == ("relu_1",)


def test_without_hidden_layers_the_head_takes_the_inputs() -> None:
    network = build_network(Mlp(type="mlp", hidden=()), TWO_TABLES, {"class": 3})
    assert names(network) == ["joined_inputs", "class_logits"]


def test_parameters_are_counted() -> None:
    network = build_network(Mlp(type="mlp", hidden=(8,), normalization="batch"), TABLE, CLASS)
    # Kernel and bias, scale and bias (the running statistics are not trained), head.
    assert network.n_parameters == (4 * 8 + 8) + (8 + 8) + (8 + 1)


def test_parameters_of_convolutions_are_counted() -> None:
    layers = [
        {"type": "conv2d", "filters": 6, "kernel_size": [2, 5], "groups": 3},
        {"type": "depthwise_conv2d", "multiplier": 2},
    ]
    network = build([*layers, "global_pool"], IMAGE)
    kernel, depthwise = (network.node(name).parameters[0] for name in ("conv2d_1", "depthwise_conv2d_1"))
    assert (kernel.shape, kernel.fan_in, kernel.fan_out) == ((2, 5, 1, 6), 10, 20)
    assert (depthwise.shape, depthwise.fan_in, depthwise.fan_out) == ((3, 3, 1, 12), 9, 18)
    assert network.n_parameters == (60 + 6) + (108 + 12) + (12 + 1)


def test_nodes_know_the_shapes_that_reach_them() -> None:
    network = build(["max_pool2d", {"type": "global_pool"}], IMAGE)
    assert [node.input_shapes for node in network.nodes] == [((8, 8, 3),), ((4, 4, 3),), ((3,),)]


def test_residual_mlp_adds_each_block_to_what_it_got() -> None:
    network = build_network(ResidualMlp(type="residual_mlp", blocks=2), TWO_TABLES, CLASS)
    assert network.node("block_1_add").inputs == ("stem", "block_1_dense_2")
    assert network.node("block_2_add").inputs == ("block_1_add", "block_2_dense_2")
    assert network.node("block_2_norm").inputs == ("block_1_add",)


def test_inputs_may_have_a_dot_in_their_names() -> None:
    layers = [{"type": "masked_pool", "inputs": ["jets", "jets.mask"]}]
    network = build(layers, {"jets": (5, 6), "jets.mask": (5,)})
    assert network.node("masked_pool_1").inputs == ("jets", "jets.mask")


def test_attention_offers_its_weights() -> None:
    layers: list[object] = [
        {"type": "attention", "name": "among", "heads": 2, "inputs": ["jets", "jets.mask"]},
        {"type": "class_attention", "name": "of_event", "heads": 3, "inputs": ["among", "jets.mask"]},
    ]
    network = build(layers, {"jets": (5, 6), "jets.mask": (5,)})
    assert network.further_results() == {"among.weights": (2, 5, 5), "of_event.weights": (3, 6)}
    assert network.shape_of("among.weights") == (2, 5, 5)
    kernels = [name for name, spec in network.parameter_specs().items() if spec.is_kernel]
    assert {"among.projection_kernel", "among.output_kernel", "of_event.query_kernel"} < {*kernels}
    assert "of_event.token" not in kernels


@pytest.mark.parametrize(
    ("layers", "inputs", "message"),
    [
        (
            [{"type": "dense", "units": 3, "inputs": "fetures"}],
            TABLE,
            (
                r"layer 'dense_1' \(dense\) takes 'fetures', which is neither an input nor an earlier layer\."
                r" Did you mean 'features'\?\n  There are: features"
            ),
        ),
        (
            [{"type": "dense", "units": 3, "inputs": "late"}, {"type": "dense", "name": "late", "units": 3}],
            TABLE,
            r"takes 'late', which comes later in the list, and a graph has no circles. Move 'late' before",
        ),
        (
            [{"type": "dense", "name": "own", "inputs": "own", "units": 3}],
            TABLE,
            r"layer 'own' \(dense\) takes its own result",
        ),
        (
            [{"type": "dense", "inputs": "jets", "units": 3}],
            TWO_TABLES,
            r"network input 'leptons' \(n_events, 4\) leads to no output\. Name it in the 'inputs'",
        ),
        (
            [
                {"type": "dense", "name": "lost", "units": 3},
                {"type": "dense", "inputs": "features", "units": 3},
            ],
            TABLE,
            r"layer 'lost' \(dense\) leads to no output: heads follow the last layer",
        ),
        (
            [{"type": "dense", "name": "features", "units": 3}],
            TABLE,
            r"layer 1 \(dense\) is called 'features', but so is an input\. Give it another name",
        ),
        (
            [{"type": "dense", "name": "a", "units": 3}, {"type": "dense", "name": "a", "units": 3}],
            TABLE,
            r"layer 2 \(dense\) is called 'a', but so is layer 1 \(dense\)",
        ),
        (
            [{"type": "dense", "name": "class_logits", "units": 3}],
            TABLE,
            r"is called 'class_logits', but so is the head of an output",
        ),
        (
            [{"type": "add", "name": "sum", "inputs": ["leptons", "jets"]}],
            TWO_TABLES,
            (
                r"layer 'sum' \(add\) gets shapes \(n_events, 4\) from 'leptons', \(n_events, 6\) from 'jets'"
                r" but needs inputs of one and the same shape\.\n  Give them one size with a 'dense' layer"
            ),
        ),
        (
            [{"type": "dense", "inputs": ["leptons", "jets"], "units": 3}],
            TWO_TABLES,
            r"layer 'dense_1' \(dense\) gets shapes .* but needs one input\.\n  Join them first",
        ),
        (
            ["concatenate"],
            TABLE,
            (
                r"layer 'concatenate_1' \(concatenate\) gets shape \(n_events, 4\) from 'features'"
                r" but needs two inputs or more\."
            ),
        ),
        (
            [{"type": "concatenate", "inputs": ["image", "features"]}],
            {"image": (8, 8, 1), "features": (4,)},
            r"needs inputs whose shapes differ at most in the last axis\.\n  Put a 'flatten' layer before",
        ),
        (
            [{"type": "dense", "units": 64}],
            {"tracks": (20, 5)},
            (
                r"layer 'class_logits' \(dense\) gets shape \(n_events, 20, 64\) from 'dense_1'"
                r" but needs \(n_events, n_features\)\.\n  Put a 'flatten' layer between them\."
            ),
        ),
        (
            [{"type": "conv2d", "filters": 4, "kernel_size": [9, 3]}],
            IMAGE,
            (
                r"layer 'conv2d_1' \(conv2d\) gets shape \(n_events, 8, 8, 3\) from 'image' but needs at"
                r" least 9 x 3 pixels for its kernel \(with padding the image has 8 x 8\)\."
                r"\n  Set 'padding: same'"
            ),
        ),
        (
            [{"type": "conv2d", "filters": 4, "groups": 2}],
            IMAGE,
            (
                r"gets shape \(n_events, 8, 8, 3\) from 'image' but needs a number of channels that its 2"
                r" groups divide\.\n  Change 'groups', or the filters"
            ),
        ),
        (
            ["flatten", "max_pool2d"],
            IMAGE,
            (
                r"layer 'max_pool2d_1' \(max_pool2d\) gets shape \(n_events, 192\) from 'flatten_1' but needs"
                r" images \(n_events, height, width, channels\)\.\n  Name an image input"
            ),
        ),
        (["global_pool"], TABLE, r"layer 'global_pool_1' .* needs images"),
        (
            ["periodic_embedding"],
            IMAGE,
            r"from 'image' but needs \(n_events, n_features\)\.\n  Name a table in its 'inputs', or put a",
        ),
        (["upsample2d"], TABLE, r"layer 'upsample2d_1' .* needs images"),
        (["max_pool2d", "max_pool2d", "max_pool2d", "average_pool2d"], IMAGE, r"at least 2 x 2 pixels"),
        (
            [{"type": "conv2d", "filters": 10}],
            IMAGE,
            r"layer 'class_logits' \(dense\) gets shape \(n_events, 6, 6, 10\) .*\n  Put a 'flatten' layer",
        ),
        (["to_tokens"], TABLE, r"layer 'to_tokens_1' .* needs images"),
        (
            ["class_token"],
            IMAGE,
            (
                r"needs objects or tokens \(n_events, n_objects, n_features\) as its first input\."
                r"\n  Name a cloud in its 'inputs'; an image becomes tokens by 'to_tokens'"
            ),
        ),
        (
            [{"type": "position_embedding", "inputs": ["jets", "jets.mask"]}],
            CLOUD,
            r"needs one input\.\n  Leave the mask to the layers that take objects together",
        ),
        (
            [{"type": "take_token", "inputs": "jets", "index": 5}],
            CLOUD,
            r"needs more than 5 tokens for its index 5\.\n  Set 'index' between 0 and 4",
        ),
        (
            [{"type": "masked_pool", "inputs": ["jets", "tracks.mask"]}],
            CLOUD,
            (
                r"gets shapes \(n_events, 5, 6\) from 'jets', \(n_events, 9\) from 'tracks.mask' but needs a"
                r" mask \(n_events, 5\) as its last input, or one shorter beside a class token\."
                r"\n  Name the mask of the same cloud, such as 'jets.mask'"
            ),
        ),
        (
            [{"type": "masked_pool", "inputs": ["jets", "jets.mask", "jets.mask"]}],
            CLOUD,
            r"needs objects and at most a mask\.\n  Name the two in its 'inputs'",
        ),
        ([{"type": "batch_norm", "inputs": ["jets", "tracks.mask"]}], CLOUD, r"needs a mask \(n_events, 5\)"),
        (
            [{"type": "attention", "inputs": "jets"}],
            CLOUD,
            r"needs a number of features that its 4 heads divide\.\n  Change 'heads'",
        ),
        (
            [{"type": "attention", "heads": 3, "inputs": ["jets", "pairs"]}],
            CLOUD,
            r"needs a pair bias \(n_events, 5, 5, 3\)\.\n  Give it one value per head with a 'dense' layer",
        ),
        (
            [{"type": "attention", "heads": 2, "inputs": ["jets", "jets.mask", "pairs"]}],
            CLOUD,
            r"needs objects, a pair bias and a mask at most\.\n  Name them in this order",
        ),
        (
            [{"type": "class_attention", "heads": 1, "inputs": ["met", "jets"]}],
            CLOUD,
            r"needs a token with as many features as the objects, 6\.\n  Give both one size",
        ),
        (
            [{"type": "class_attention", "heads": 2, "inputs": ["jets", "jets.mask", "jets.mask"]}],
            CLOUD,
            r"needs a token, objects and a mask at most\.\n  Name them in this order",
        ),
        (
            [{"type": "multiply", "inputs": ["met", "jets"]}],
            CLOUD,
            (
                r"needs inputs of the first one's shape, or of one value for each of its features\."
                r"\n  Name the larger input first"
            ),
        ),
        (["batch_norm"], {"scalar": ()}, r"gets shape \(n_events\) from 'scalar' but needs at least 1 axis"),
    ],
)
def test_a_graph_that_does_not_fit_says_where_and_what_to_do(
    layers: list[object], inputs: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(GraphError, match=message):
        build(layers, inputs)


OBJECTS = [
    {"type": "dense", "units": 5, "name": "tokens"},
    {"type": "flatten"},
    {"type": "dense", "units": 3},
]


def test_a_head_of_objects_follows_their_layer() -> None:
    layers = LayerList.model_validate({"layers": OBJECTS})
    network = build_network(layers, {"jets": (4, 6)}, {"class": 1, "origin": 3}, {"origin": "tokens"})
    assert network.shape_of("origin_logits") == (4, 3)
    assert network.node("origin_logits").inputs == ("tokens",)
    assert network.shape_of("class_logits") == (1,)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("token", r"output 'origin' takes the objects of 'token', .* Did you mean 'tokens'\?"),
        ("flatten_1", r"'origin_logits' \(dense\) gets .* but needs \(n_events, n_objects, n_features\)\.\n"),
    ],
)
def test_a_head_of_objects_needs_a_row_for_each(source: str, message: str) -> None:
    layers = LayerList.model_validate({"layers": OBJECTS})
    with pytest.raises(GraphError, match=message):
        build_network(layers, {"jets": (4, 6)}, {"origin": 3}, {"origin": source})


def test_a_mask_may_be_idle_in_a_network_by_name_that_sees_each_object_by_itself() -> None:
    inputs = {"jets": (5, 3), "jets.mask": (5,)}
    network = build_network(DeepSets(type="deep_sets"), inputs, {"origin": 2}, {"origin": "jets_relu_3"})
    assert all("jets.mask" not in node.inputs for node in network.nodes)
    layers = LayerList.model_validate({"layers": [{"type": "dense", "units": 4, "inputs": "jets"}]})
    with pytest.raises(GraphError, match=r"network input 'jets\.mask' \(n_events, 5\) leads to no output"):
        build_network(layers, inputs, {"origin": 2}, {"origin": "dense_1"})
