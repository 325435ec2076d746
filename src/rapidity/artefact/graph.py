"""An ONNX graph under construction: nodes, shared constants, readable names, reproducible bytes."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from rapidity.core.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

OPSET = 18
"""Version of the standard operators: the newest one that ONNX Runtime 1.14 (2023) knows."""
IR_VERSION = 8
"""Version of the file format that goes with `OPSET`; newer ones are refused by old runtimes."""

ELEMENT_TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int16": TensorProto.INT16,
    "int8": TensorProto.INT8,
    "uint64": TensorProto.UINT64,
    "uint32": TensorProto.UINT32,
    "uint16": TensorProto.UINT16,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}


class GraphBuilder:
    """Collects nodes; names are ``<scope>/<operator>_<number>``, the same for the same content."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, onnx.TensorProto] = {}
        self.inputs: list[onnx.ValueInfoProto] = []
        self.outputs: list[onnx.ValueInfoProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._counts: Counter[str] = Counter()
        self._names: set[str] = set()

    def add_input(self, name: str, dtype: str, shape: Sequence[str | int]) -> str:
        """Declare an input of the graph."""
        self._claim(name)
        self.inputs.append(helper.make_tensor_value_info(name, ELEMENT_TYPES[dtype], list(shape)))
        return name

    def add_output(self, value: str, name: str, dtype: str, shape: Sequence[str | int]) -> None:
        """Declare a value to be an output of the graph, under this name."""
        self.add("Identity", [value], scope=name, output=name)
        self.outputs.append(helper.make_tensor_value_info(name, ELEMENT_TYPES[dtype], list(shape)))

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        *,
        scope: str,
        output: str | None = None,
        n_unused: int = 0,
        which: int = 0,
        **attributes: Any,
    ) -> str:
        """Add a node and return the name of its result.

        With `n_unused` results beside the one that is wanted, `which` is the number of that one.
        """
        name = output or self._new_name(f"{scope}/{op.lower()}")
        if output is not None:
            self._claim(output)
        results = [self._new_name(f"{name}/unused") for _ in range(n_unused)]
        results.insert(which, name)
        self.nodes.append(helper.make_node(op, list(inputs), results, name=name, **attributes))
        return name

    def constant(self, array: NDArray[Any], name: str) -> str:
        """Return the name of a constant; equal ones are stored once, under the first name."""
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            unique = self._new_name(name)
            self.initializers[unique] = numpy_helper.from_array(array, name=unique)
            self._constants[key] = unique
        return self._constants[key]

    def add_parameter(self, name: str, array: NDArray[Any]) -> str:
        """Add a constant under its own name, which nothing else may have."""
        self._claim(name)
        self.initializers[name] = numpy_helper.from_array(
            np.ascontiguousarray(array).reshape(array.shape), name
        )
        return name

    def add_prebuilt(self, graph: onnx.GraphProto) -> None:
        """Add the nodes and constants of another graph, whose names must not occur here yet."""
        for node in graph.node:
            for name in node.output:
                self._claim(name)
        self.nodes.extend(graph.node)
        self.initializers.update({tensor.name: tensor for tensor in graph.initializer})

    def build(self, metadata: Mapping[str, str], description: str) -> onnx.ModelProto:
        """Return the checked model."""
        graph = helper.make_graph(
            self.nodes, "rapidity", self.inputs, self.outputs, list(self.initializers.values())
        )
        return finish_model(graph, metadata, description)

    def _new_name(self, stem: str) -> str:
        """Return a name that no value has yet."""
        stem = re.sub(r"[^\w/.-]", "_", stem)
        while True:
            self._counts[stem] += 1
            count = self._counts[stem]
            name = stem if count == 1 else f"{stem}_{count}"
            if name not in self._names:
                self._names.add(name)
                return name

    def _claim(self, name: str) -> None:
        if name in self._names:
            message = (
                f"the model would have two values called '{name}': a column cannot have the name of an "
                "output (logits, probabilities). Rename the column, or set deliver.signature to matrix."
            )
            raise ExportError(message)
        self._names.add(name)


def finish_model(graph: onnx.GraphProto, metadata: Mapping[str, str], description: str) -> onnx.ModelProto:
    """Return a model of the pinned versions with its metadata, checked by ONNX."""
    model = helper.make_model(
        graph,
        producer_name="rapidity",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        doc_string=description,
    )
    helper.set_model_props(model, dict(sorted(metadata.items())))
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        message = f"the graph is not valid ONNX ({error}). This is a fault in Rapidity: please report it."
        raise ExportError(message) from error
    return model
