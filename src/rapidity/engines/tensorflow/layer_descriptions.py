"""What each Keras layer stands for: one declared layer or two, with the same parameters in canonical layouts.

What only acts in training (noise) leaves no trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from rapidity.core.errors import shorten
from rapidity.engines.tensorflow.attention_layers import OWN_LAYERS
from rapidity.engines.tensorflow.image_layers import AnyConv2D
from rapidity.engines.tensorflow.layers import LastAxisBatchNorm
from rapidity.engines.tensorflow.table_layers import NtkDense, ParametricActivation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

layers = keras.layers


@dataclass(frozen=True)
class Piece:
    """One declared layer.

    Attributes
    ----------
    kind, settings
        The `type` in YAML, and the keys of the layer.
    parameters
        Its parameters: `keras.Variable` or arrays, with the numbers in canonical order.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


class UnknownSettingError(ValueError):
    """A layer is known, but not with these settings; the message says which."""


def _require(is_known: bool, found: str) -> None:
    if not is_known:
        raise UnknownSettingError(found)


def _functions() -> dict[Any, Piece]:
    """Return Keras' function -> declared activation."""
    known = ("relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "hard_sigmoid",
             "sigmoid", "tanh", "softmax")  # fmt: skip
    pieces = {getattr(keras.activations, name): Piece("activation", {"function": name}) for name in known}
    # The default slope of Keras' function; ours is 0.01.
    pieces[keras.activations.leaky_relu] = Piece("activation", {"function": "leaky_relu", "slope": 0.2})
    return pieces


FUNCTIONS = _functions()


def _describe_function(function: Any) -> list[Piece]:
    if function is None or function is keras.activations.linear:
        return []
    name = getattr(function, "__name__", type(function).__name__)
    try:
        return [FUNCTIONS[function]]
    except (KeyError, TypeError):
        known = shorten(known.__name__ for known in FUNCTIONS)
        message = f"its activation {name} is none of {known}"
        raise UnknownSettingError(message) from None


def _describe_dense(layer: Any) -> list[Piece]:
    settings = {"units": layer.units, "bias": layer.use_bias}
    return [Piece("dense", settings, _kernel_and_bias(layer)), *_describe_function(layer.activation)]


def _describe_ntk_dense(layer: Any) -> list[Piece]:
    settings = {"units": layer.units, "bias": layer.use_bias, "parametrization": "ntk"}
    return [Piece("dense", settings, _kernel_and_bias(layer)), *_describe_function(layer.activation)]


def _describe_parametric_activation(layer: Any) -> list[Piece]:
    (piece,) = DESCRIPTIONS[type(layer.function)](layer.function)
    settings = {"function": piece.settings["function"]}
    return [Piece("parametric_activation", settings, {"part": layer.part})]


def _kernel_and_bias(layer: Any) -> dict[str, Any]:
    return {"kernel": layer.kernel, "bias": layer.bias} if layer.use_bias else {"kernel": layer.kernel}


def _describe_relu(layer: Any) -> list[Piece]:
    _require(layer.max_value is None and not layer.threshold, "it has a max_value or a threshold")
    slope = float(layer.negative_slope)
    settings = {"function": "leaky_relu", "slope": slope} if slope else {"function": "relu"}
    return [Piece("activation", settings)]


def _describe_elu(layer: Any) -> list[Piece]:
    return [Piece("activation", {"function": "elu", "alpha": float(layer.alpha)})]


def _describe_leaky_relu(layer: Any) -> list[Piece]:
    return [Piece("activation", {"function": "leaky_relu", "slope": float(layer.negative_slope)})]


def _describe_softmax(layer: Any) -> list[Piece]:
    _require_last_axis(layer.axis, layer)
    return [Piece("activation", {"function": "softmax"})]


def _require_last_axis(axis: Any, layer: Any) -> None:
    tensor = layer._inbound_nodes[0].input_tensors[0]
    axes = [axis] if isinstance(axis, int) else list(axis)
    n_axes = len(tensor.shape)
    _require([one % n_axes for one in axes] == [n_axes - 1], f"its axis is {axis}, not the last one")


def _describe_batch_norm(layer: Any) -> list[Piece]:
    _require_last_axis(layer.axis, layer)
    n_features = (layer.moving_mean.shape[0],)
    parameters = {
        "scale": layer.gamma if layer.scale else np.ones(n_features),
        "bias": layer.beta if layer.center else np.zeros(n_features),
        "running_mean": layer.moving_mean,
        "running_variance": layer.moving_variance,
    }
    return [Piece("batch_norm", _norm_settings(layer, 1 - layer.momentum), parameters)]


def _describe_own_batch_norm(layer: Any) -> list[Piece]:
    names = ("scale", "bias", "running_mean", "running_variance")
    parameters = {name: getattr(layer, name) for name in names}
    return [Piece("batch_norm", _norm_settings(layer, layer.momentum), parameters)]


def _norm_settings(layer: Any, momentum: float) -> dict[str, float]:
    # Keras allows 1, which keeps the running statistics: ours is open at that end, and it plays no part here.
    return {"momentum": min(max(momentum, 1e-9), 1.0), "epsilon": layer.epsilon}


def _describe_layer_norm(layer: Any) -> list[Piece]:
    _require_last_axis(layer.axis, layer)
    _require(not getattr(layer, "rms_scaling", False), "it has rms_scaling")
    n_features = (layer._inbound_nodes[0].input_tensors[0].shape[-1],)
    parameters = {
        "scale": layer.gamma if layer.scale else np.ones(n_features),
        "bias": layer.beta if layer.center else np.zeros(n_features),
    }
    return [Piece("layer_norm", {"epsilon": layer.epsilon}, parameters)]


def _describe_concatenate(layer: Any) -> list[Piece]:
    _require_last_axis(layer.axis, layer)
    return [Piece("concatenate")]


def _require_channels_last(layer: Any) -> None:
    _require(layer.data_format == "channels_last", f"its data_format is {layer.data_format}")


def _describe_flatten(layer: Any) -> list[Piece]:
    _require_channels_last(layer)
    return [Piece("flatten")]


def _window(layer: Any) -> dict[str, Any]:
    _require_channels_last(layer)
    return {
        "kernel_size": tuple(layer.kernel_size),
        "stride": tuple(layer.strides),
        "padding": layer.padding,
        "dilation": tuple(layer.dilation_rate),
        "bias": layer.use_bias,
    }


def _describe_conv2d(layer: Any) -> list[Piece]:
    settings = {**_window(layer), "filters": layer.filters, "groups": layer.groups}
    return [Piece("conv2d", settings, _kernel_and_bias(layer)), *_describe_function(layer.activation)]


def _describe_any_conv2d(layer: Any) -> list[Piece]:
    settings = {
        "filters": layer.filters,
        "groups": layer.groups,
        "kernel_size": tuple(layer.kernel_size),
        "stride": tuple(layer.strides),
        "dilation": tuple(layer.dilation_rate),
        "bias": layer.use_bias,
    }
    return [Piece("conv2d", settings, _kernel_and_bias(layer))]


def _describe_depthwise_conv2d(layer: Any) -> list[Piece]:
    settings = {**_window(layer), "multiplier": layer.depth_multiplier}
    return [
        Piece("depthwise_conv2d", settings, _kernel_and_bias(layer)),
        *_describe_function(layer.activation),
    ]


def _pooling(kind: str) -> Callable[[Any], list[Piece]]:
    def describe(layer: Any) -> list[Piece]:
        _require_channels_last(layer)
        settings = {
            "kernel_size": tuple(layer.pool_size),
            "stride": tuple(layer.strides),
            "padding": layer.padding,
        }
        return [Piece(kind, settings)]

    return describe


def _global_pooling(function: str) -> Callable[[Any], list[Piece]]:
    def describe(layer: Any) -> list[Piece]:
        _require_channels_last(layer)
        _require(not layer.keepdims, "it has keepdims")
        return [Piece("global_pool", {"function": function})]

    return describe


def _describe_upsample2d(layer: Any) -> list[Piece]:
    _require_channels_last(layer)
    _require(layer.interpolation == "nearest", f"its interpolation is {layer.interpolation}")
    return [Piece("upsample2d", {"factor": tuple(layer.size)})]


def _describe_token_layer(layer: Any) -> list[Piece]:
    kind, keys = OWN_LAYERS[type(layer)]
    settings = {key: getattr(layer, attribute) for key, attribute in keys.items()}
    return [Piece(kind, settings, {variable.name: variable for variable in layer.trainable_variables})]


def _nothing(_layer: Any) -> list[Piece]:
    return []


DESCRIPTIONS: Mapping[type[Any], Callable[[Any], list[Piece]]] = {
    layers.Dense: _describe_dense,
    NtkDense: _describe_ntk_dense,
    ParametricActivation: _describe_parametric_activation,
    layers.Activation: lambda layer: _describe_function(layer.activation),
    layers.ReLU: _describe_relu,
    layers.LeakyReLU: _describe_leaky_relu,
    layers.ELU: _describe_elu,
    layers.Softmax: _describe_softmax,
    layers.BatchNormalization: _describe_batch_norm,
    LastAxisBatchNorm: _describe_own_batch_norm,
    layers.LayerNormalization: _describe_layer_norm,
    layers.Dropout: lambda layer: [Piece("dropout", {"rate": layer.rate})] if layer.rate < 1 else [],
    layers.SpatialDropout1D: _nothing,
    layers.SpatialDropout2D: _nothing,
    layers.AlphaDropout: _nothing,
    layers.GaussianDropout: _nothing,
    layers.GaussianNoise: _nothing,
    layers.ActivityRegularization: _nothing,
    layers.Identity: _nothing,
    layers.Concatenate: _describe_concatenate,
    layers.Add: lambda _: [Piece("add")],
    layers.Flatten: _describe_flatten,
    layers.Conv2D: _describe_conv2d,
    AnyConv2D: _describe_any_conv2d,
    layers.DepthwiseConv2D: _describe_depthwise_conv2d,
    layers.MaxPooling2D: _pooling("max_pool2d"),
    layers.AveragePooling2D: _pooling("average_pool2d"),
    layers.GlobalAveragePooling2D: _global_pooling("average"),
    layers.GlobalMaxPooling2D: _global_pooling("max"),
    layers.UpSampling2D: _describe_upsample2d,
    layers.Multiply: lambda _: [Piece("multiply")],
    **dict.fromkeys(OWN_LAYERS, _describe_token_layer),
}
