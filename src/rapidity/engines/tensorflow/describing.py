"""A user's own Keras model as a declared network: what the one ONNX writer needs.

Each known Keras layer is one or two declared ones, with the same parameters in canonical layouts. What only
acts in training (noise) leaves no trace.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from pydantic import ValidationError

from rapidity.core.errors import ExportError, shorten
from rapidity.engines.tensorflow.attention_layers import OWN_LAYERS
from rapidity.engines.tensorflow.image_layers import AnyConv2D
from rapidity.engines.tensorflow.layers import LastAxisBatchNorm
from rapidity.engines.tensorflow.table_layers import NtkDense, ParametricActivation
from rapidity.network import LAYERS, Network, Node, describe_shape
from rapidity.network.layer import ShapeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rapidity.core.records import FloatArray, Parameters
    from rapidity.engines.tensorflow.module import NativeNetwork
    from rapidity.network import Shape

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


def describe_foreign(network: NativeNetwork) -> tuple[Network, Parameters]:
    """Return a user's own model as a declared network with its parameters.

    Raises
    ------
    ExportError
        If a layer, or a setting of one, has no declared counterpart.
    """
    description = _Description(network)
    outputs = {
        name: description.resolve(tensor, description.inputs)
        for name, tensor in zip(network.outputs, network.graph.outputs, strict=True)
    }
    return Network(dict(network.inputs), tuple(description.nodes), outputs), description.parameters


class _Description:
    """A network under way: follows the symbolic tensors back to the inputs.

    Attributes
    ----------
    inputs
        Id of a symbolic input -> its name.
    """

    def __init__(self, network: NativeNetwork) -> None:
        self.nodes: list[Node] = []
        self.parameters: Parameters = {}
        self._shapes: dict[str, Shape] = dict(network.inputs)
        self._title = network.model.name
        self.inputs = {
            id(tensor): name for tensor, name in zip(network.graph.inputs, network.inputs, strict=True)
        }

    def resolve(self, tensor: Any, known: dict[int, str]) -> str:
        """Return the name of the value of a symbolic tensor; `known` holds those found before."""
        if id(tensor) in known:
            return known[id(tensor)]
        history = tensor._keras_history
        operation = history.operation
        call = operation._inbound_nodes[history.node_index]
        arguments = [self.resolve(argument, known) for argument in call.input_tensors]
        if isinstance(operation, keras.Model):
            inner = {id(own): name for own, name in zip(operation.inputs, arguments, strict=True)}
            names = [self.resolve(own, inner) for own in operation.outputs]
        else:
            names = [self._append(operation, arguments)]
        known.update({id(own): name for own, name in zip(call.output_tensors, names, strict=True)})
        return known[id(tensor)]

    def _append(self, layer: Any, arguments: Sequence[str]) -> str:
        """Append the nodes of one call of a layer; return the name of the last."""
        values = tuple(arguments)
        for number, piece in enumerate(self._describe(layer)):
            stem = layer.name if number == 0 else f"{layer.name}_{piece.settings.get('function', piece.kind)}"
            name = self._make_name(stem)
            shapes = tuple(self._shapes[value] for value in values)
            try:
                declared = LAYERS[piece.kind].model_validate(
                    {"type": piece.kind, "name": name, **piece.settings}
                )
                specs, shape = declared.parameter_specs(shapes), declared.output_shape(shapes)
            except ValidationError as error:
                raise ExportError(self._refusal(layer, _describe_problems(error))) from None
            except ShapeError as error:
                found = ", ".join(describe_shape(each) for each in shapes)
                raise ExportError(
                    self._refusal(layer, f"it takes {found}, but {piece.kind} {error}")
                ) from None
            self.nodes.append(Node(name, declared, values, shape, specs, shapes))
            for spec in specs:
                self.parameters[f"{name}.{spec.name}"] = _read(piece.parameters[spec.name], spec.shape)
            self._shapes[name] = shape
            values = (name,)
        return values[0]

    def _where(self, layer: Any) -> str:
        return f"layer '{layer.name}' ({type(layer).__name__}) of model {self._title}"

    def _refusal(self, layer: Any, reason: str) -> str:
        return (
            f"{self._where(layer)} cannot be written as ONNX: {reason}. Change that, or take another layer."
        )

    def _describe(self, layer: Any) -> list[Piece]:
        if type(layer) not in DESCRIPTIONS:
            known = ", ".join(kind.__name__ for kind in DESCRIPTIONS)
            message = (
                f"{self._where(layer)} cannot be written as ONNX: no declared layer stands for it.\n"
                f"  Known: {known}.\n"
                "  Make the model of these, or train a PyTorch module, which torch exports itself."
            )
            raise ExportError(message)
        try:
            return DESCRIPTIONS[type(layer)](layer)
        except UnknownSettingError as error:
            raise ExportError(self._refusal(layer, str(error))) from None

    def _make_name(self, stem: str) -> str:
        """Return a name that a node may have and none has yet."""
        name = re.sub(r"[^\w-]", "_", stem)
        name = name if re.match(r"[A-Za-z_]", name) else f"_{name}"
        while name in self._shapes:
            name += "_"
        return name


def _describe_problems(error: ValidationError) -> str:
    """Return what a declared layer does not allow of the settings of a Keras layer."""
    return "; ".join(
        f"its {'.'.join(map(str, problem['loc']))} is {problem['input']!r}, but {problem['msg'].lower()}"
        for problem in error.errors()
    )


def _read(values: Any, shape: Shape) -> FloatArray:
    """Return a copy of a `keras.Variable` or an array in the canonical shape."""
    array = values if isinstance(values, np.ndarray) else values.value.numpy()
    return np.array(array, dtype=np.float32, copy=True).reshape(shape)
