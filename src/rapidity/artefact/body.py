"""A network that came as ONNX (a user's own module, exported by its framework) below our preparation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import onnx
from onnx import compose, inliner, version_converter

from rapidity.artefact.graph import OPSET
from rapidity.core.errors import ExportError, shorten

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.artefact.graph import GraphBuilder
    from rapidity.network import Shape

PREFIX = "network/"

# Protobuf has no type information; onnx hands out its classes all the same.
_DecodeError: type[Exception] = import_module("google.protobuf.message").DecodeError


def add_body(
    graph: GraphBuilder, body: bytes, inputs: Mapping[str, str], shapes: Mapping[str, Shape]
) -> dict[str, str]:
    """Add an exported network to a graph and return output name -> the value of its logits.

    Parameters
    ----------
    inputs
        Input name -> value in the graph, float32 ``(n, ...)``. The body's inputs must have these names,
        in any order.
    shapes
        Input name -> shape of one event, which the body must take.
    """
    model = _read(body)
    stored = {tensor.name for tensor in model.graph.initializer}
    taken = [value.name for value in model.graph.input if value.name not in stored]
    if set(taken) != set(inputs):
        message = (
            f"the exported network takes {shorten(taken)}, but the preparation gives {shorten(inputs)}. "
            "Name the inputs of the module as those in the configuration."
        )
        raise ExportError(message)
    for value in model.graph.input:
        if value.name in shapes:
            _check_shape(value, shapes[value.name])
    inner = compose.add_prefix_graph(model.graph, PREFIX)
    for name, value in inputs.items():
        graph.add("Identity", [value], scope=PREFIX.rstrip("/"), output=f"{PREFIX}{name}")
    graph.add_prebuilt(inner)
    return {value.name: f"{PREFIX}{value.name}" for value in model.graph.output}


def _check_shape(value: onnx.ValueInfoProto, shape: Shape) -> None:
    """Raise an ExportError if an input states another size of an axis; named axes may have any."""
    axes = [axis.dim_value or axis.dim_param for axis in value.type.tensor_type.shape.dim]
    sizes = axes[1:]
    fits = len(sizes) == len(shape) and all(
        isinstance(found, str) or found == wanted for found, wanted in zip(sizes, shape, strict=True)
    )
    if not fits:
        message = (
            f"input '{value.name}' of the exported network has shape {tuple(axes)}, but the preparation "
            f"gives (n_events, {', '.join(map(str, shape))}). Build the module for that many features."
        )
        raise ExportError(message)
    if isinstance(axes[0], int):
        message = (
            f"the exported network takes batches of {axes[0]} only (input '{value.name}'). "
            "Export it with a dynamic first axis."
        )
        raise ExportError(message)


def _read(body: bytes) -> onnx.ModelProto:
    """Return the model in the pinned opset, with standard operators only."""
    try:
        model = onnx.load_model_from_string(body)
    except _DecodeError as error:
        message = f"the exported network is not ONNX ({error}). Pass the bytes that torch.onnx.export wrote."
        raise ExportError(message) from error
    model = _strip_notes(inliner.inline_local_functions(model))
    foreign = sorted({node.domain for node in model.graph.node} - {"", "ai.onnx"})
    if foreign:
        message = (
            f"the exported network uses operators of {shorten(foreign)}, which not every runtime knows. "
            "Export it with standard ONNX operators only."
        )
        raise ExportError(message)
    versions = {entry.domain: entry.version for entry in model.opset_import}
    version = versions.get("", versions.get("ai.onnx", 0))
    if version == OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except (RuntimeError, ValueError) as error:
        message = (
            f"the exported network uses opset {version} and cannot be converted to {OPSET} ({error}). "
            f"Export it with opset_version={OPSET}."
        )
        raise ExportError(message) from error


def _strip_notes(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove what exporters note down of their work: paths of source files, shapes of the traced batch."""
    for node in model.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for tensor in model.graph.initializer:
        tensor.ClearField("metadata_props")
    return model
