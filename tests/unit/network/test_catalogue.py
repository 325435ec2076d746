"""Networks made for the shapes of their inputs."""

from __future__ import annotations

import pytest

from rapidity.core.errors import GraphError
from rapidity.network import (
    CATALOGUE,
    Cnn,
    DeepSets,
    Inception,
    Lenet,
    Mlp,
    Network,
    Resnet,
    TwoBranchCnn,
    Vit,
    build_network,
)

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


def test_resnet_is_that_of_its_paper_for_small_images() -> None:
    """Table 6 of arXiv:1512.03385: 20 layers, 0.27 million parameters, 32 x 32, 16 x 16 and 8 x 8 pixels."""
    network = build(Resnet(type="resnet"), {"image": (32, 32, 3)})
    weighted = [node for node in network.nodes if node.layer.kind in {"conv2d", "dense"}]
    assert len([node for node in weighted if not node.name.endswith("shortcut")]) == 20
    assert [network.node(f"stage_{stage}_block_3").shape for stage in (1, 2, 3)] == [
        (32, 32, 16),
        (16, 16, 32),
        (8, 8, 64),
    ]
    assert round(network.n_parameters / 1e6, 2) == 0.27
    assert network.node("stage_2_block_1_add").inputs == (
        "stage_2_block_1_norm_2",
        "stage_2_block_1_shortcut_norm",
    )
    assert network.node("stage_2_block_2_add").inputs == ("stage_2_block_2_norm_2", "stage_2_block_1")


def test_resnet_halves_large_images_at_the_start() -> None:
    config = Resnet(type="resnet", stem_stride=2, stem_pooling=True, stem_kernel_size=7)
    network = build(config, {"image": (125, 125, 3)})
    assert network.node("stem").shape == (63, 63, 16)
    assert network.node("stem_pool").shape == (32, 32, 16)
    assert network.node("pooled").shape == (64,)


def test_squeeze_and_excitation_weighs_the_channels() -> None:
    network = build(Resnet(type="resnet", squeeze=8), {"image": (32, 32, 3)})
    excited = network.node("stage_3_block_1_excited")
    assert excited.inputs == ("stage_3_block_1_norm_2", "stage_3_block_1_excitation")
    assert network.node("stage_3_block_1_squeeze_1").shape == (8,)


def test_inception_modules_share_the_channels_as_in_the_paper() -> None:
    """Module 3a, table 1 of arXiv:1409.4842: 64, 96 -> 128, 16 -> 32, pool -> 32."""
    network = build(Inception(type="inception", filters=(256,), modules=1), {"image": (28, 28, 192)})
    branches = ("1x1", "3x3_reduced", "3x3", "5x5_reduced", "5x5", "pool_reduced")
    widths = [network.node(f"stage_1_module_1_{branch}").shape[-1] for branch in branches]
    assert widths == [64, 96, 128, 16, 32, 32]
    assert network.node("stage_1_module_1").shape == (28, 28, 256)
    sizes = [network.node(f"stage_1_module_1_{branch}_conv").layer.kernel_size for branch in branches]
    assert sizes == [(1, 1), (1, 1), (3, 3), (1, 1), (5, 5), (1, 1)]


def test_vit_makes_a_token_of_each_patch() -> None:
    network = build(Vit(type="vit", patch_size=(8, 4), blocks=1), {"image": (32, 32, 3)})
    assert network.node("tokens").shape == (32, 64)
    assert network.node("embedded").shape == (33, 64)
    assert network.node("pooled").layer.kind == "take_token"
    assert network.further_results() == {"block_1_attention.weights": (4, 33, 33)}
    network = build(Vit(type="vit", pooling="mean", blocks=1), {"image": (32, 32, 3)})
    assert network.node("embedded").shape == (64, 64)
    assert network.node("pooled").layer.kind == "masked_pool"


def test_vit_drops_nothing_unless_asked_for() -> None:
    network = build(Vit(type="vit"), {"image": (32, 32, 3)})
    assert "dropout" not in {node.layer.kind for node in network.nodes}
    assert {getattr(node.layer, "dropout", 0.0) for node in network.nodes} == {0.0}


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (
            (125, 125, 3),
            (
                r"network 'vit' cuts images into patches of 4 x 4 pixels, which do not divide 'image' of 125"
                r" x 125\.\n  Set 'patch_size' to divisors: 1, 5, 25, 125; or crop or rebin the image"
            ),
        ),
        ((6, 9, 1), r"divisors: 1, 2, 3, 6 of the height, 1, 3, 9 of the width"),
    ],
)
def test_patches_that_do_not_divide_the_image_are_refused(shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(GraphError, match=message):
        build(Vit(type="vit"), {"image": shape})


@pytest.mark.parametrize("name", ["resnet", "inception", "vit"])
def test_tables_join_after_the_pooling(name: str) -> None:
    inputs = {"energy": (8, 8, 1), "scalars": (3,), "time": (8, 8, 1)}
    network = build(CATALOGUE[name].model_validate({"type": name, "hidden": [5]}), inputs)
    assert network.node("image_channels").inputs == ("energy", "time")
    joined = network.node("joined_tables")
    assert joined.inputs == ("pooled", "scalars")
    assert network.node("dense_1").inputs[0] in {"joined_tables", "dropout_1"}


def test_tables_join_what_the_blocks_of_a_cnn_made_of_the_images() -> None:
    config = Cnn(type="cnn", filters=(4,), hidden=(5,), dropout=0.0)
    network = build(config, {"energy": (6, 6, 1), "scalars": (3,), "time": (6, 6, 2)})
    assert network.node("conv2d_1").inputs == ("image_channels",)
    assert network.node("joined_tables").inputs == ("flat", "scalars")
    assert network.node("joined_tables").shape == (3 * 3 * 4 + 3,)
    assert build(config, {"jet": (6, 6, 1), "scalars": (3,)}).node("conv2d_1").inputs == ("jet",)


@pytest.mark.parametrize("name", ["resnet", "inception", "vit"])
@pytest.mark.parametrize(
    "inputs", [{"features": (26,)}, {"image": (8, 8, 1), "cloud": (4, 6)}, {"a": (8, 8, 1), "b": (8, 9, 1)}]
)
def test_inputs_without_an_image_of_one_size_are_refused(name: str, inputs: Shapes) -> None:
    message = (
        rf"network '{name}' takes one image .*, and tables beside, but the inputs are .*\n  Use 'two_bra"
    )
    with pytest.raises(GraphError, match=message):
        build(CATALOGUE[name].model_validate({"type": name}), inputs)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (Resnet(type="resnet"), r"halves images 2 times .* but 'image' has 3 x 9\. Take fewer 'widths'"),
        (Inception(type="inception"), r"halves images 2 times .* Take fewer 'filters', one for each stage"),
    ],
)
def test_images_too_small_for_the_stages_are_refused(config: Resnet, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        build(config, {"image": (3, 9, 1)})


def test_deep_sets_has_a_perceptron_for_each_cloud() -> None:
    config = DeepSets(type="deep_sets", object_hidden=(7, 9), hidden=(5,), normalization="batch")
    inputs = {"jets": (5, 6), "jets.mask": (5,), "met": (2,), "charged tracks": (9, 3)}
    network = build(config, inputs)
    assert network.node("jets_pooled").inputs == ("jets_relu_2", "jets.mask")
    assert network.node("jets_norm_1").inputs == ("jets_dense_1", "jets.mask")
    assert network.node("charged_tracks_pooled").inputs == ("charged_tracks_relu_2",)
    assert network.node("concatenate_1").inputs == ("jets_pooled", "charged_tracks_pooled", "met")
    assert network.node("concatenate_1").shape == (9 + 9 + 2,)


@pytest.mark.parametrize(
    "inputs", [{"features": (26,)}, {"image": (8, 8, 1), "cloud": (4, 6)}, {"jets.mask": (5,)}]
)
def test_deep_sets_needs_a_cloud(inputs: Shapes) -> None:
    message = (
        r"network 'deep_sets' takes a cloud of objects .* but the inputs are .*\n  Give it an input of kind"
    )
    with pytest.raises(GraphError, match=message):
        build(DeepSets(type="deep_sets"), inputs)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("lenet", {"features": (26,)}),
        ("lenet", {"image": (8, 8, 1), "features": (3,)}),
        ("lenet", {"a": (8, 8, 1), "b": (8, 9, 1)}),
        ("cnn", {"features": (26,)}),
        ("cnn", {"image": (8, 8, 1), "cloud": (4, 6)}),
        ("cnn", {"a": (8, 8, 1), "b": (8, 9, 1)}),
    ],
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


def test_tokens_of_deep_sets_are_the_objects_before_the_pooling() -> None:
    inputs = {"jets": (5, 6), "jets.mask": (5,), "tracks": (4, 3), "met": (2,)}
    config = DeepSets(type="deep_sets", object_hidden=(7, 8))
    assert config.token_nodes(inputs) == {"jets": "jets_relu_2", "tracks": "tracks_relu_2"}
    assert build(config, inputs).node("tracks_relu_2").shape == (4, 8)


def test_networks_of_tables_and_images_have_no_tokens() -> None:
    assert Mlp(type="mlp").token_nodes({"features": (4,)}) == {}
