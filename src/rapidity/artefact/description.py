"""What is in an ONNX file, for people: inputs, classes, size; also of files that others wrote."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from rapidity.artefact.metadata import PREFIX, ModelFacts, ModelInput
from rapidity.core.counting import counted
from rapidity.core.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
}
"""ONNX's number of a type (`TensorProto.DataType`) -> name."""


@dataclass(frozen=True)
class ModelDescription:
    """An ONNX file.

    Attributes
    ----------
    is_ours
        Whether Rapidity wrote it; else there are neither classes nor ranges.
    name
        Of the configuration that it was trained with.
    outputs
        Names of the outputs.
    opset
        Version of the standard operators.
    n_parameters
        Floating-point numbers stored in the file: the trained ones, and those of the preparation.
    metadata
        All entries `rapidity.*`, as text.
    """

    path: Path
    is_ours: bool
    name: str | None
    classes: tuple[str, ...]
    inputs: Mapping[str, ModelInput]
    outputs: tuple[str, ...]
    signature: str | None
    opset: int
    n_parameters: int
    n_folds: int | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold."""
        return {
            "format_version": 1,
            **{key: value for key, value in vars(self).items() if key not in {"path", "inputs"}},
            "path": str(self.path),
            "inputs": {name: asdict(column) for name, column in self.inputs.items()},
        }

    def __str__(self) -> str:
        by = f"of configuration {self.name}" if self.name else "of Rapidity"
        by = by if self.is_ours else "that Rapidity did not write"
        lines = [f"{self.path}: model {by}, opset {self.opset}, {counted(self.n_parameters, 'parameter')}"]
        if self.classes:
            lines.append(f"classes {', '.join(self.classes)}; inputs as {self.signature}")
        if self.n_folds is not None:
            lines.append(f"{self.n_folds} networks, one a fold: the event number picks the one that scores")
        return "\n".join([*lines, f"outputs {', '.join(self.outputs)}"])


def describe_model(path: Path) -> ModelDescription:
    """Return what is in an ONNX file; of one that Rapidity wrote also classes, units and training ranges.

    Raises
    ------
    ExportError
        If the file is not there, is no ONNX file, or has metadata of Rapidity that cannot be read.
    """
    model = _load(path)
    entries = {entry.key: entry.value for entry in model.metadata_props if entry.key.startswith(PREFIX)}
    facts = ModelFacts.from_entries(entries, where=str(path)) if entries else None
    return ModelDescription(
        path=path,
        is_ours=facts is not None,
        name=entries.get(f"{PREFIX}name"),
        classes=tuple(facts.classes.names) if facts else (),
        inputs=facts.inputs if facts else _plain_inputs(model),
        outputs=tuple(output.name for output in model.graph.output),
        signature=facts.signature if facts else None,
        opset=max((item.version for item in model.opset_import if item.domain in {"", "ai.onnx"}), default=0),
        n_parameters=_count_parameters(model.graph),
        n_folds=facts.folds.count if facts and facts.folds else None,
        metadata=entries,
    )


def _load(path: Path) -> Any:
    if not path.is_file():
        message = f"model file {path} does not exist. Give the model.onnx of a run."
        raise ExportError(message)
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, OSError, ValueError) as error:
        message = f"{path} cannot be read as ONNX ({error}). Copy it again, or export the run again."
        raise ExportError(message) from error
    if not model.graph.output:
        message = f"{path} cannot be read as ONNX (it has no graph). Copy it again, or export the run again."
        raise ExportError(message)
    return model


def _count_parameters(graph: Any) -> int:
    """Return how many floating-point constants a graph holds, those of its branches included."""
    is_float = [_TYPES.get(tensor.data_type, "").startswith("float") for tensor in graph.initializer]
    sizes = [math.prod(tensor.dims) for tensor in graph.initializer]
    inner = [attribute.g for node in graph.node for attribute in node.attribute if attribute.HasField("g")]
    own = [size for size, counts in zip(sizes, is_float, strict=True) if counts]
    return sum([*own, *map(_count_parameters, inner)])


def _plain_inputs(model: Any) -> dict[str, ModelInput]:
    stored = {tensor.name for tensor in model.graph.initializer}
    inputs = {}
    for item in model.graph.input:
        if item.name not in stored:
            tensor = item.type.tensor_type
            shape = tuple(size.dim_value for size in tensor.shape.dim[1:])
            inputs[item.name] = ModelInput(_TYPES.get(tensor.elem_type, str(tensor.elem_type)), shape=shape)
    return inputs
