"""A user's own Keras model as a declared network: what the one ONNX writer needs.

`layer_descriptions` says what each known layer stands for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from pydantic import ValidationError

from rapidity.core.errors import ExportError
from rapidity.engines.tensorflow.layer_descriptions import DESCRIPTIONS, Piece, UnknownSettingError
from rapidity.network import LAYERS, Network, Node, describe_shape
from rapidity.network.layer import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.core.records import FloatArray, Parameters
    from rapidity.engines.tensorflow.module import NativeNetwork
    from rapidity.network import Shape


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
