"""A user's own Keras model as a declared network, which must compute the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from rapidity.core.errors import ExportError
from rapidity.core.records import Batch, Model, ResidentBatches
from rapidity.engines import get_engine

pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
pytestmark = pytest.mark.tensorflow

IMAGE = {"image": (9, 10, 4)}
ROW = {"row": (6,)}


def wrap(make: Any, inputs: dict[str, tuple[int, ...]], n_logits: int = 1) -> Any:
    """Return a wrapped model of `make`, which takes layers and inputs, with a dense layer at its end."""
    import keras

    placed = [keras.Input(shape, name=name) for name, shape in inputs.items()]
    result = make(keras.layers, *placed)
    if len(result.shape) > 2:
        result = keras.layers.Flatten()(result)
    native = keras.Model(placed, keras.layers.Dense(n_logits, name="head")(result), name="mine")
    rng = np.random.default_rng(5)
    for variable in native.weights:
        if variable.dtype == "float32":
            variable.assign(rng.uniform(0.3, 1.3, variable.shape))
    return get_engine("tensorflow").wrap(native, inputs, {"class": n_logits}, "cpu")


def logits(model: Model, inputs: dict[str, tuple[int, ...]]) -> Any:
    rng = np.random.default_rng(2)
    events = {name: rng.standard_normal((7, *shape)).astype(np.float32) for name, shape in inputs.items()}
    return model.predict(ResidentBatches(Batch(events), 7))["class"]


def branches(layers: Any, row: Any, image: Any) -> Any:
    filters = layers.Conv2D(3, 3, padding="same", activation="relu")(image)
    pooled = layers.GlobalAveragePooling2D()(filters)
    shared = layers.Dense(3, name="shared")
    first, second = shared(row), shared(layers.Identity()(row))
    total = layers.Multiply()([layers.Add()([first, second, pooled]), first])
    return layers.Concatenate()([total, layers.GaussianNoise(0.1)(row)])


def nested(layers: Any, row: Any) -> Any:
    import keras

    x = keras.Input((6,))
    inner = keras.Model(x, layers.Dense(4, activation="gelu")(x))
    return keras.Sequential([inner, layers.Dense(3)])(row)


CASES: dict[str, tuple[Any, dict[str, tuple[int, ...]]]] = {
    "dense": (lambda layers, x: layers.Dense(3, use_bias=False, activation="silu")(x), ROW),
    "leaky_relu": (lambda layers, x: layers.LeakyReLU(0.3)(layers.Dense(3, activation="leaky_relu")(x)), ROW),
    "relu": (lambda layers, x: layers.ReLU()(layers.ReLU(negative_slope=0.1)(x)), ROW),
    "elu": (lambda layers, x: layers.ELU(0.5)(layers.Activation("hard_sigmoid")(x)), ROW),
    "softmax": (lambda layers, x: layers.Softmax()(layers.Dropout(0.2)(x)), ROW),
    "batch norm": (lambda layers, x: layers.BatchNormalization(epsilon=0.1, momentum=1.0)(x), ROW),
    "plain norms": (
        lambda layers, x: layers.LayerNormalization(scale=False)(
            layers.BatchNormalization(scale=False, center=False)(x)
        ),
        ROW,
    ),
    "layer norm": (lambda layers, x: layers.LayerNormalization(epsilon=0.1)(x), ROW),
    "convolution": (
        lambda layers, x: layers.Conv2D(4, (3, 2), strides=2, padding="same", groups=2)(
            layers.Conv2D(2, 3, dilation_rate=2, use_bias=False, activation="tanh")(x)
        ),
        IMAGE,
    ),
    "depthwise": (
        lambda layers, x: layers.DepthwiseConv2D(3, depth_multiplier=2, activation="relu")(x), IMAGE
    ),
    "pooling": (
        lambda layers, x: layers.AveragePooling2D(2, padding="same")(layers.MaxPooling2D(3, 1)(x)), IMAGE
    ),
    "global pooling": (
        lambda layers, x: layers.GlobalMaxPooling2D()(layers.UpSampling2D((2, 3))(x)), IMAGE
    ),
    "branches": (branches, {**ROW, **IMAGE}),
    "nested": (nested, ROW),
}  # fmt: skip


@pytest.mark.parametrize("title", CASES)
def test_the_description_computes_what_the_model_does(title: str) -> None:
    make, inputs = CASES[title]
    model = wrap(make, inputs)
    network, parameters = get_engine("tensorflow").describe(model)
    built = get_engine("tensorflow").build(network, parameters, "cpu")
    np.testing.assert_allclose(logits(built, inputs), logits(model, inputs), rtol=2e-5, atol=2e-5)


def test_every_known_layer_is_tried() -> None:
    """Those of CASES, and our own ones below and in `test_module`."""
    from rapidity.engines.tensorflow.attention_layers import OWN_LAYERS
    from rapidity.engines.tensorflow.image_layers import AnyConv2D
    from rapidity.engines.tensorflow.layer_descriptions import DESCRIPTIONS
    from rapidity.engines.tensorflow.layers import LastAxisBatchNorm
    from rapidity.engines.tensorflow.table_layers import NtkDense, ParametricActivation

    tried = set()
    for make, inputs in CASES.values():
        tried |= {type(layer) for layer in wrap(make, inputs).network.graph._flatten_layers()}
    import keras

    noise = {keras.layers.SpatialDropout1D, keras.layers.SpatialDropout2D, keras.layers.AlphaDropout,
             keras.layers.GaussianDropout, keras.layers.ActivityRegularization}  # fmt: skip
    own = {LastAxisBatchNorm, AnyConv2D, NtkDense, ParametricActivation, *OWN_LAYERS}
    assert set(DESCRIPTIONS) - tried == own | noise


def test_a_model_of_ours_taken_away_can_come_back() -> None:
    from rapidity.network import LayerList, build_network

    layers = [
        {"type": "conv2d", "filters": 4, "groups": 2, "stride": 2, "dilation": 2, "kernel_size": 2},
        "batch_norm",
        {"type": "flatten"},
    ]
    network = build_network(LayerList.model_validate({"layers": layers}), IMAGE, {"class": 1})
    engine = get_engine("tensorflow")
    model = engine.build(network, network.initial_parameters(np.random.default_rng(1)), "cpu")
    assert engine.describe(model)[0] is network
    network, parameters = engine.describe(engine.wrap(model.native, IMAGE, {"class": 1}, "cpu"))
    assert [node.layer.kind for node in network.nodes] == ["conv2d", "batch_norm", "flatten", "dense"]
    again = engine.build(network, parameters, "cpu")
    np.testing.assert_allclose(logits(again, IMAGE), logits(model, IMAGE), rtol=1e-6)


@pytest.mark.parametrize(
    ("make", "inputs", "message"),
    [
        (
            lambda layers, x: layers.UnitNormalization(name="unit")(x),
            ROW,
            (
                r"layer 'unit' \(UnitNormalization\) of model mine cannot be written as ONNX:"
                r" no declared layer stands for it\.\n  Known: Dense, .*Conv2D"
            ),
        ),
        (lambda _, x: x + 1.0, ROW, r"\(Add\) of model mine cannot be written as ONNX: no declared layer"),
        (
            lambda layers, x: layers.Dense(3, activation="exponential", name="bang")(x),
            ROW,
            r"'bang' \(Dense\).*: its activation exponential is none of relu, .*Change that",
        ),
        (
            lambda layers, x: layers.ELU(-1.0, name="down")(x),
            ROW,
            r"'down' \(ELU\) .*: its alpha is -1\.0, but input should be greater than 0\. Change that",
        ),
        (
            lambda layers, x: layers.Add(name="sum")([layers.Dense(1)(x), layers.Dense(4)(x)]),
            ROW,
            r"'sum' \(Add\) .*: it takes .*1\), .*4\), but add needs inputs of one and the same shape",
        ),
        (lambda layers, x: layers.ReLU(max_value=6)(x), ROW, r"it has a max_value or a threshold"),
        (lambda layers, x: layers.BatchNormalization(axis=1)(x), IMAGE, r"its axis is 1, not the last one"),
        (lambda layers, x: layers.GlobalMaxPooling2D(keepdims=True)(x), IMAGE, r"it has keepdims"),
        (
            lambda layers, x: layers.UpSampling2D(2, interpolation="bilinear")(x),
            IMAGE,
            r"its interpolation is bilinear",
        ),
        (
            lambda layers, x: layers.MaxPooling2D(2, data_format="channels_first")(x),
            IMAGE,
            r"its data_format is channels_first",
        ),
    ],
)
def test_what_has_no_counterpart_is_named(
    make: Any, inputs: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        get_engine("tensorflow").describe(wrap(make, inputs))
