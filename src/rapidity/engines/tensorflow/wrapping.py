"""A user's own `keras.Model` as a model: its inputs and outputs put in order, mistakes caught early."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from rapidity.core.errors import EngineError, shorten
from rapidity.engines.tensorflow.module import NativeNetwork, VariableSlot
from rapidity.network import describe_shape, head_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.core.records import FloatArray
    from rapidity.network import Shape

N_TRIAL_EVENTS = 2
MIN_EVENTS_FOR_CHECK = 100
"""With fewer events, logits may lie in [0, 1] by chance."""

FINAL_ACTIVATIONS = ("sigmoid", "softmax", "hard_sigmoid")
RESHAPES = ("Flatten", "Reshape", "Identity", "Dropout", "Squeeze", "ExpandDims")


def wrap_native(module: object, inputs: Mapping[str, Shape], outputs: Mapping[str, int]) -> NativeNetwork:
    """Return the model, after a trial with two events of zeros.

    Raises
    ------
    EngineError
        If it is not functional, does not take the inputs, or does not give logits in the shape of the
        outputs.
    """
    model = _check_kind(module, inputs)
    graph = keras.Model(_order_inputs(model, inputs), _order_outputs(model, outputs))
    name = model.name
    _try_out(name, graph, inputs, outputs)
    for output, result in zip(outputs, graph.outputs, strict=True):
        last = _last_activation(result)
        if last in FINAL_ACTIVATIONS:
            raise EngineError(_probabilities_message(name, output, f"ends in a {last}"))
    trained = {id(variable) for variable in model.trainable_weights}
    slots = tuple(
        VariableSlot(
            path,
            variable,
            tuple(variable.shape),
            id(variable) in trained,
            id(variable) in trained and variable.name == "kernel" and len(variable.shape) > 1,
        )
        for path, variable in name_variables(model).items()
    )
    nodes = {layer.name: layer.output for layer in model.layers if len(layer._inbound_nodes) == 1}
    return NativeNetwork(model, graph, dict(inputs), dict(outputs), slots, nodes)


def _check_kind(module: object, inputs: Mapping[str, Shape]) -> Any:
    """Return a model whose inputs and outputs are known."""
    if isinstance(module, keras.Sequential) and not module.built and len(inputs) == 1:
        module.build((None, *next(iter(inputs.values()))))
    if isinstance(module, keras.Model) and getattr(module, "inputs", None) and module.outputs:
        return module
    found = f"{type(module).__name__} '{module.name}'" if isinstance(module, keras.Model) else repr(module)
    message = (
        f"engine 'tensorflow' wraps a functional or Sequential keras.Model, found {found}."
        " Make it with keras.Model(inputs, outputs) or keras.Sequential([...]), not by a `call` of its own."
    )
    raise EngineError(message)


def _order_inputs(model: Any, inputs: Mapping[str, Shape]) -> list[Any]:
    """Return the symbolic inputs in the order of ours: by their names, or else as they come."""
    by_name = {tensor.name: tensor for tensor in model.inputs}
    found = list(by_name.values())
    if set(by_name) == set(inputs):
        found = [by_name[name] for name in inputs]
    given = ", ".join(f"{name} {describe_shape(shape)}" for name, shape in inputs.items())
    fits = len(found) == len(inputs) and all(
        _fits(tuple(tensor.shape[1:]), shape) for tensor, shape in zip(found, inputs.values(), strict=True)
    )
    if not fits:
        taken = ", ".join(f"{name} {_show(tensor.shape)}" for name, tensor in by_name.items())
        message = (
            f"model {model.name} takes {taken}, but the events have the inputs {given}."
            " Give the model keras.Input(shape, name=...) of these shapes."
        )
        raise EngineError(message)
    return found


def _fits(found: tuple[int | None, ...], wanted: Shape) -> bool:
    return len(found) == len(wanted) and all(
        size is None or size == other for size, other in zip(found, wanted, strict=True)
    )


def _show(shape: Sequence[int | None]) -> str:
    return describe_shape(tuple("any" if size is None else size for size in shape[1:]))  # type: ignore[misc]


def _order_outputs(model: Any, outputs: Mapping[str, int]) -> list[Any]:
    """Return the symbolic logits in the order of our outputs; a dictionary goes by its keys."""
    structure = None if isinstance(model, keras.Sequential) else model.output
    if isinstance(structure, dict):
        chosen = {name: structure.get(name, structure.get(head_name(name))) for name in outputs}
        if None not in chosen.values():
            return list(chosen.values())
    found = list(model.outputs)
    shapes = [tuple(tensor.shape[1:]) or (1,) for tensor in found]
    if shapes != [(n_logits,) for n_logits in outputs.values()]:
        wanted = ", ".join(f"{name} {describe_shape((n,))}" for name, n in outputs.items())
        message = (
            f"model {model.name} returns {shorten(_show(tensor.shape) for tensor in found)}, but the outputs"
            f" need {wanted}. Return one logit for two classes, else one a class; several outputs as a list."
        )
        raise EngineError(message)
    return found


def _try_out(name: str, graph: Any, inputs: Mapping[str, Shape], outputs: Mapping[str, int]) -> None:
    zeros = [tf.zeros((N_TRIAL_EVENTS, *shape)) for shape in inputs.values()]
    given = ", ".join(f"{title} {describe_shape(shape)}" for title, shape in inputs.items())
    try:
        results = graph(zeros, training=False)
    except (tf.errors.OpError, TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
        message = (
            f"model {name} failed on a trial with {N_TRIAL_EVENTS} events of the inputs {given}: {error}."
            " Its layers must take inputs of these shapes."
        )
        raise EngineError(message) from error
    n_values = [int(tf.size(values)) for values in (results if isinstance(results, list) else [results])]
    if n_values != [N_TRIAL_EVENTS * n_logits for n_logits in outputs.values()]:
        message = (
            f"model {name} gives {n_values} values for {N_TRIAL_EVENTS} events and the outputs {outputs}."
        )
        raise EngineError(message)


def _last_activation(result: Any) -> str:
    """Return the name of the function that made the values, changes of shape left out."""
    while True:
        history = getattr(result, "_keras_history", None)
        if history is None:
            return ""
        operation = history.operation
        if isinstance(operation, keras.Model):
            result = operation.outputs[history.tensor_index]
            continue
        kind = type(operation).__name__
        if not kind.startswith(RESHAPES):
            activation = getattr(operation, "activation", None)
            return str(getattr(activation, "__name__", "")) if activation else _snake_case(kind)
        result = operation._inbound_nodes[history.node_index].input_tensors[0]


def _snake_case(name: str) -> str:
    """Return `GlobalMaxPool2D` as `global_max_pool2d`: the name that Keras makes of a class."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()


def name_variables(model: Any) -> dict[str, Any]:
    """Return the variables that make up the state of a model, under names that its next copy shares.

    Keras numbers the layers that a user left without names through the whole process: the same function
    makes `dense` and then `dense_1`. Here they are numbered within the model.
    """
    titles = _number_layers(model)
    owners = {id(variable): layer.name for layer in model.layers for variable in layer.weights}
    named: dict[str, Any] = {}
    for variable in model.weights:
        parts = variable.path.split("/")
        owner = owners.get(id(variable))
        # What stands before the layer are scopes, in which Keras may have been left by an earlier error.
        parts = parts[parts.index(owner) :] if owner in parts else parts
        name = ".".join(titles.get(part, part) for part in parts)
        while name in named:
            name += "_"
        named[name] = variable
    return named


def _number_layers(model: Any) -> dict[str, str]:
    """Return for each layer that Keras named itself a name that depends on the model alone."""
    counts: dict[str, int] = {}
    titles: dict[str, str] = {}
    for layer in model._flatten_layers(include_self=False):
        stem = _snake_case(type(layer).__name__)
        if re.fullmatch(rf"{re.escape(stem)}(_\d+)?", layer.name) and layer.name not in titles:
            counts[stem] = counts.get(stem, 0) + 1
            titles[layer.name] = stem if counts[stem] == 1 else f"{stem}_{counts[stem] - 1}"
    return titles


def check_logits(model: str, output: str, logits: FloatArray) -> None:
    """Warn if the values that a trained model gives for real events look like probabilities.

    What `wrap_native` cannot see: a sigmoid inside a layer of the user's own.
    """
    if len(logits) < MIN_EVENTS_FOR_CHECK or ((logits < 0) | (logits > 1)).any():
        return
    # One logit in [0, 1] can be chance where nearly all events are signal; rows that add up to 1 cannot.
    if logits.shape[1] == 1 or bool((np.abs(logits.sum(axis=1) - 1) < 1e-4).all()):
        found = f"gives values in [0, 1] for all of {len(logits)} events"
        warnings.warn(_probabilities_message(model, output, found), UserWarning, stacklevel=2)


def _probabilities_message(model: str, output: str, found: str) -> str:
    return (
        f"model {model} {found} for output '{output}', but Rapidity needs logits: the loss and the"
        " exported model apply the final sigmoid or softmax themselves. Remove it from the model."
    )
