"""Networks made for the shapes of their inputs."""

from __future__ import annotations

import pytest

from rapidity.core.errors import GraphError
from rapidity.network import CATALOGUE, Cnn, Lenet, Mlp, Network, TwoBranchCnn, build_network

Shapes = dict[str, tuple[int, ...]]


def build(config: object, inputs: Shapes) -> Network:
    return build_network(config, inputs, {"class": 10})  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [28, 32])
def test_lenet_has_the_sizes_of_its_paper(size: int) -> None:
    network = build(Lenet(type="lenet"), {"image": (size, size, 1)})
    shapes = [node.shape for node in network.nodes if node.layer.kind in {"conv2d", "max_pool2d", "dense"}]
    assert shapes == [(28, 28, 6), (14, 14, 6), (10, 10, 16), (5, 5, 16), (120,), (84,), (10,)]


def test_lenet_pads_images_that_are_small() -> None:
    network = build(Lenet(type="lenet"), {"image": (8, 8, 1)})
    assert network.node("max_pool2d_2").shape == (2, 2, 16)


def test_lenet_with_the_functions_of_its_paper() -> None:
    network = build(Lenet(type="lenet", activation="tanh", pooling="average"), {"image": (28, 28, 1)})
    kinds = [node.layer.default_name for node in network.nodes]
    assert kinds[:3] == ["conv2d", "tanh", "average_pool2d"]


def test_cnn_halves_the_image_in_each_block() -> None:
    config = Cnn(type="cnn", filters=(4, 8), convolutions=2, dropout=0.1, hidden=(16,))
    network = build(config, {"image": (13, 9, 2)})
    assert [(node.layer.kind, node.shape) for node in network.nodes] == [
        *[("conv2d", (13, 9, 4)), ("batch_norm", (13, 9, 4)), ("activation", (13, 9, 4))] * 2,
        ("max_pool2d", (6, 4, 4)),
        *[("conv2d", (6, 4, 8)), ("batch_norm", (6, 4, 8)), ("activation", (6, 4, 8))] * 2,
        ("max_pool2d", (3, 2, 8)),
        ("flatten", (48,)),
        ("dropout", (48,)),
        ("dense", (16,)),
        ("activation", (16,)),
        ("dropout", (16,)),
        ("dense", (10,)),
    ]


def test_convolutions_before_batch_norm_have_no_bias() -> None:
    biases = {
        kind: "conv2d_1.bias"
        in build(Cnn(type="cnn", normalization=kind), {"a": (8, 8, 1)}).parameter_specs()
        for kind in ("batch", "layer", "none")
    }
    assert biases == {"batch": False, "layer": True, "none": True}


def test_images_of_one_size_are_channels_of_one_image() -> None:
    network = build(Cnn(type="cnn"), {"energy": (8, 8, 1), "time": (8, 8, 2)})
    assert network.node("joined_inputs").shape == (8, 8, 3)
    assert network.node("conv2d_1").inputs == ("joined_inputs",)


def test_each_image_has_its_branch_and_tables_join_them() -> None:
    config = TwoBranchCnn(type="two_branch_cnn", filters=(4,), hidden=(5,))
    network = build(config, {"energy": (6, 6, 1), "features": (3,), "time": (4, 8, 2)})
    joined = network.node("concatenate_1")
    assert joined.inputs == ("flat_energy", "features", "flat_time")
    assert joined.shape == (3 * 3 * 4 + 3 + 2 * 4 * 4,)
    assert [node.inputs for node in network.nodes if node.layer.kind == "conv2d"] == [("energy",), ("time",)]


def test_one_image_needs_no_join() -> None:
    network = build(TwoBranchCnn(type="two_branch_cnn"), {"image": (8, 8, 1)})
    assert "concatenate" not in {node.layer.kind for node in network.nodes}


def test_a_perceptron_sees_images_as_rows() -> None:
    assert build(Mlp(type="mlp"), {"image": (8, 8, 1)}).node("flat_image").shape == (64,)
    network = build(Mlp(type="mlp"), {"hit energy": (8, 8, 1), "features": (3,)})
    assert network.node("concatenate_1").inputs == ("flat_hit_energy", "features")
    assert network.node("dense_1").parameters[0].shape == (67, 128)


@pytest.mark.parametrize("name", ["lenet", "cnn"])
@pytest.mark.parametrize(
    "inputs", [{"features": (26,)}, {"image": (8, 8, 1), "features": (3,)}, {"a": (8, 8, 1), "b": (8, 9, 1)}]
)
def test_inputs_that_are_no_single_image_are_refused(name: str, inputs: Shapes) -> None:
    message = rf"network '{name}' takes one image .* but the inputs are .*\n  Use 'two_branch_cnn' for"
    with pytest.raises(GraphError, match=message):
        build(CATALOGUE[name].model_validate({"type": name}), inputs)


@pytest.mark.parametrize("inputs", [{"features": (26,)}, {"image": (8, 8, 1), "cloud": (4, 6)}])
def test_a_network_of_branches_needs_an_image(inputs: Shapes) -> None:
    message = (
        r"network 'two_branch_cnn' takes one image .* but the inputs are .*Give it an input of kind image"
    )
    with pytest.raises(GraphError, match=rf"(?s){message}"):
        build(TwoBranchCnn(type="two_branch_cnn"), inputs)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Cnn(type="cnn", filters=(4, 4, 4)), r"halves images 3 times .* 8 x 8 pixels, but 'image' has 6 x 7"),
        (TwoBranchCnn(type="two_branch_cnn", filters=(4, 4, 4)), r"Take fewer 'filters', one for each block"),
    ],
)
def test_images_too_small_for_the_blocks_are_refused(config: Cnn, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        build(config, {"image": (6, 7, 1)})


def test_images_too_small_for_lenet_are_refused() -> None:
    message = r"needs at least 4 x 4 pixels, but 'image' has 3 x 9\. Use 'mlp' for images so small"
    with pytest.raises(GraphError, match=message):
        build(Lenet(type="lenet"), {"image": (3, 9, 1)})
