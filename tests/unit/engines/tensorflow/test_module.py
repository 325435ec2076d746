"""The native model that a user can take away, save and load again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from rapidity.core.records import Batch, ResidentBatches
from rapidity.engines import get_engine
from rapidity.network import LayerList, Network, build_network

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

IMAGE_LAYERS: tuple[dict[str, Any], ...] = (
    {"type": "conv2d", "filters": 4, "padding": [1, 2], "groups": 2, "stride": 2, "dilation": 2},
    {"type": "batch_norm"},
    {"type": "depthwise_conv2d", "padding": [1, 1], "multiplier": 2},
    {"type": "average_pool2d", "kernel_size": 3, "stride": 2, "padding": [1, 1]},
    {"type": "max_pool2d", "kernel_size": 2, "padding": [1, 0]},
    {"type": "flatten"},
)
TOKEN_LAYERS: tuple[dict[str, Any], ...] = (
    {"type": "batch_norm", "inputs": ["jets", "jets.mask"]},
    {"type": "position_embedding"},
    {"type": "class_token", "name": "tokens"},
    {"type": "attention", "heads": 2, "dropout": 0.1, "inputs": ["tokens", "jets.mask"]},
    {"type": "scale", "name": "scaled"},
    {"type": "masked_pool", "function": "max", "inputs": ["scaled", "jets.mask"], "name": "pooled"},
    {"type": "take_token", "inputs": "scaled", "index": 1, "name": "taken"},
    {"type": "class_attention", "heads": 2, "inputs": ["met", "scaled", "jets.mask"]},
    {"type": "multiply", "inputs": ["class_attention_1", "pooled", "taken"]},
)
GRAPH_LAYERS: tuple[dict[str, Any], ...] = (
    {"type": "neighbours", "name": "near", "k": 3, "inputs": ["jets", "jets.mask"]},
    {"type": "edges", "name": "edges", "inputs": ["jets", "jets", "near"]},
    {"type": "batch_norm", "inputs": ["edges", "near"]},
    {"type": "masked_pool", "name": "gathered", "inputs": ["batch_norm_1", "near"]},
    {"type": "to_token", "name": "token", "inputs": "met"},
    {"type": "join_objects", "name": "nodes", "inputs": ["gathered", "token"]},
    {"type": "full_mask", "name": "there", "inputs": "token"},
    {"type": "concatenate", "name": "node_mask", "inputs": ["jets.mask", "there"]},
    {"type": "pair_features", "name": "pairs", "without_momentum": 1, "inputs": ["jets", "jets.mask"]},
    {"type": "pair_mask", "name": "pair_mask", "inputs": "node_mask"},
    {"type": "dense", "units": 2, "inputs": "pairs"},
    {"type": "square_pairs", "name": "bias"},
    {"type": "attention", "name": "told", "heads": 2, "inputs": ["nodes", "bias", "node_mask"]},
    {"type": "masked_pool", "name": "of_nodes", "inputs": ["told", "node_mask"]},
    {"type": "take_objects", "start": 1, "count": 2, "inputs": "told"},
    {"type": "flatten", "name": "row"},
    {"type": "masked_pool", "name": "of_pairs", "inputs": ["pairs", "pair_mask"]},
    {"type": "concatenate", "inputs": ["row", "of_nodes", "of_pairs"]},
)

TABLE_LAYERS: tuple[dict[str, Any], ...] = (
    {"type": "periodic_embedding", "name": "waves", "inputs": "met", "frequencies": 3},
    {"type": "flatten", "inputs": "jets"},
    {"type": "dense", "units": 3, "parametrization": "ntk"},
    {"type": "parametric_activation", "function": "selu"},
    {"type": "parametric_activation", "name": "leaky", "function": "leaky_relu"},
    {"type": "concatenate", "inputs": ["waves", "leaky", "jets.mask"]},
)


def network_of(*layers: Any, inputs: dict[str, tuple[int, ...]] | None = None, **outputs: int) -> Network:
    config = LayerList.model_validate({"layers": layers})
    return build_network(config, inputs or {"features": (4,)}, outputs or {"class": 1})


def build(network: Network) -> Any:
    rng = np.random.default_rng(1)
    parameters = {
        name: rng.uniform(0.3, 1.3, spec.shape).astype(np.float32)
        for name, spec in network.parameter_specs().items()
    }
    return get_engine("tensorflow").build(network, parameters, "cpu")


def test_the_native_model_is_one_of_keras_with_the_names_of_the_nodes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    import keras

    model = build(network_of({"type": "dense", "units": 3, "name": "my-layer"}, "relu"))
    assert isinstance(model.native, keras.Model)
    assert [layer.name for layer in model.native.layers] == ["features", "my-layer", "relu_1", "class_logits"]
    assert [type(layer).__module__.partition(".")[0] for layer in model.native.layers] == ["keras"] * 4
    model.native.summary()
    assert "my-layer (Dense)" in capsys.readouterr().out
    features = np.random.default_rng(1).standard_normal((5, 4)).astype(np.float32)
    expected = model.predict(ResidentBatches(Batch({"features": features}), 5))["class"]
    np.testing.assert_allclose(model.native.predict(features, verbose=0), expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
def test_a_saved_model_can_be_loaded_again(tmp_path: Path) -> None:
    """With every layer that is not Keras' own. Keras itself uses what NumPy warns of when it saves."""
    import keras

    model = build(network_of(*IMAGE_LAYERS, inputs={"image": (9, 10, 4)}))
    own = {type(layer).__name__ for layer in model.native.layers if "rapidity" in type(layer).__module__}
    assert own == {"AnyConv2D", "LastAxisBatchNorm", "PaddedAveragePooling2D", "ConstantPadding2D"}
    model.native.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(1).standard_normal((3, 9, 10, 4)).astype(np.float32)
    expected = model.predict(ResidentBatches(Batch({"image": images}), 3))["class"]
    np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, rtol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
@pytest.mark.parametrize(
    "layers", [TOKEN_LAYERS, GRAPH_LAYERS, TABLE_LAYERS], ids=["tokens", "graph", "tables"]
)
def test_a_saved_model_of_objects_can_be_loaded_and_described_again(
    tmp_path: Path, layers: tuple[dict[str, Any], ...]
) -> None:
    import keras

    inputs = {"jets": (5, 4), "jets.mask": (5,), "met": (4,)}
    model = build(network_of(*layers, inputs=inputs))
    model.native.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    rng = np.random.default_rng(1)
    arrays = {name: rng.standard_normal((3, *shape)).astype(np.float32) for name, shape in inputs.items()}
    arrays["jets.mask"] = (np.arange(5) < [[5], [0], [3]]).astype(np.float32)
    batches = ResidentBatches(Batch(arrays), 3)
    expected = model.predict(batches)["class"]
    found = loaded.predict(list(arrays.values()), verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    engine = get_engine("tensorflow")
    wrapped = engine.wrap(loaded, inputs, {"class": 1}, "cpu")
    network, parameters = engine.describe(wrapped)
    again = engine.build(network, parameters, "cpu")
    np.testing.assert_allclose(again.predict(batches)["class"], expected, rtol=1e-5)


def test_kernels_are_laid_out_as_ours() -> None:
    network = network_of(*IMAGE_LAYERS, inputs={"image": (9, 10, 4)})
    model = build(network)
    shapes = {name: spec.shape for name, spec in network.parameter_specs().items()}
    assert {name: array.shape for name, array in model.parameters().items()} == shapes
    depthwise = model.native.get_layer("depthwise_conv2d_1").kernel
    assert depthwise.shape == (3, 3, 4, 2)
    np.testing.assert_array_equal(
        depthwise.value.numpy().reshape(3, 3, 1, 8), model.parameters()["depthwise_conv2d_1.kernel"]
    )


def test_awkward_names_are_allowed() -> None:
    """Names that a scope of TensorFlow or a layer of Keras may not have, and two that become one."""
    layers = [
        {"type": "dense", "name": "größe", "units": 3, "inputs": "a/b"},
        {"type": "dense", "name": "jet_pt", "units": 3, "inputs": "jet pt"},
        {"type": "dense", "name": "_my-layer", "units": 3, "inputs": "class"},
        {"type": "concatenate", "name": "training", "inputs": ["größe", "jet_pt", "_my-layer"]},
    ]
    inputs = {"class": (2,), "a/b": (2,), "jet pt": (2,)}
    model = build(network_of(*layers, inputs=inputs, x=1))
    events = Batch({name: np.ones((3, 2), np.float32) for name in inputs})
    assert model.predict(ResidentBatches(events, 3), ["training"])["training"].shape == (3, 9)
    assert set(model.parameters()) >= {"größe.kernel", "jet_pt.kernel", "_my-layer.kernel"}


def test_several_outputs_come_as_a_list() -> None:
    model = build(network_of({"type": "dense", "units": 3}, **{"class": 3, "flavour": 1}))
    found = model.predict(ResidentBatches(Batch({"features": np.ones((2, 4), np.float32)}), 2))
    assert {name: array.shape for name, array in found.items()} == {"class": (2, 3), "flavour": (2, 1)}
    assert [tuple(part.shape) for part in model.native(np.ones((2, 4)))] == [(2, 3), (2, 1)]
