"""The networks of all folds in one file: the event number picks, inside the graph, which of them scores.

Rows are gathered by fold, each network computes its own, and the results go back to their places. A network
without rows in a batch is not computed at all (``If``), so that an empty fold is never an empty tensor inside
a network. What it gives of objects has no rows then, but the width of the batch: that of a column of the same
collection. Measured against computing all networks and selecting: docs/decisions/0024.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from rapidity.artefact.graph import finish_model
from rapidity.artefact.metadata import PREFIX, FoldFacts, ModelFacts, ModelInput
from rapidity.artefact.outputs import value_names
from rapidity.core.errors import ExportError, shorten
from rapidity.core.files import write_atomically
from rapidity.data.fitted_outputs import FittedAssignment, FittedRegression

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FOLD_OUTPUT = "fold"
SCOPE = "folds"
DESCRIPTION = (
    "Raw columns and the event number in, class probabilities out, each from a network that never saw the "
    "event. Written by Rapidity; see the metadata 'rapidity.*'."
)


def write_folds(
    path: Path | str, models: Sequence[bytes], event_number: str, metadata: Mapping[str, str]
) -> None:
    """Write one model file that holds the network of every fold; it appears whole or not at all.

    Parameters
    ----------
    models
        For each fold the model file of its network, as `write_model` makes them.
    event_number
        Column whose value modulo the number of folds is the fold, as NumPy computes it: -1 falls into the
        last fold. An int64 input ``[n]`` of the file, beside the columns that the networks take.
    metadata
        Further entries; each is stored as ``rapidity.<key>``.

    Raises
    ------
    ExportError
        If the models do not belong together, or the event number has the name of an output.
    """
    data = build_folds(models, event_number, metadata)
    with write_atomically(path) as temporary:
        temporary.write_bytes(data)


def build_folds(models: Sequence[bytes], event_number: str, metadata: Mapping[str, str]) -> bytes:
    """Return the bytes that `write_folds` writes; the same arguments give the same bytes."""
    protos = [onnx.load_model_from_string(data) for data in models]
    facts = _join_facts([_facts_of(proto, index) for index, proto in enumerate(protos)], event_number)
    graph = _Folds([proto.graph for proto in protos], event_number, _find_members(facts)).build()
    entries = {key if key.startswith(PREFIX) else f"{PREFIX}{key}": text for key, text in metadata.items()}
    model = finish_model(graph, {**entries, **facts.to_entries()}, DESCRIPTION)
    # Maps have no order in protobuf; without this the bytes may differ from one run to the next.
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _facts_of(proto: onnx.ModelProto, index: int) -> ModelFacts:
    entries = {entry.key: entry.value for entry in proto.metadata_props}
    return ModelFacts.from_entries(entries, where=f"the model of fold {index}")


def _join_facts(folds: Sequence[ModelFacts], event_number: str) -> ModelFacts:
    """Return what the whole file says of itself; ranges hold what any of the networks was trained on."""
    first = folds[0]
    for index, other in enumerate(folds):
        if (other.classes, other.signature) != (first.classes, first.signature) or _types(other) != _types(
            first
        ):
            message = (
                f"the models of fold 0 and fold {index} do not belong together: they take "
                f"{shorten(_types(first))} and {shorten(_types(other))}, for the classes "
                f"{first.classes.names} and {other.classes.names}. Join the models of one run."
            )
            raise ExportError(message)
    inputs = {
        name: replace(column, training_range=_hull([fold.inputs[name].training_range for fold in folds]))
        for name, column in first.inputs.items()
    }
    is_feature = event_number in inputs
    if is_feature and inputs[event_number].dtype != "int64":
        message = (
            f"the event number '{event_number}' is also a feature, of type {inputs[event_number].dtype}; the "
            "input that picks the network must be int64. Leave it out of the features."
        )
        raise ExportError(message)
    if not is_feature:
        inputs[event_number] = ModelInput("int64")
    # What undoes the transform of a target lies in each network, with the numbers of its own fold.
    outputs = {
        name: replace(output, steps=()) if isinstance(output, FittedRegression) else output
        for name, output in first.outputs.items()
    }
    picking = FoldFacts(len(folds), event_number, is_feature=is_feature)
    return replace(first, inputs=inputs, folds=picking, outputs=outputs)


def _find_members(facts: ModelFacts) -> dict[str, str]:
    """Return name of a value with an axis of objects -> a column with that axis."""
    names = value_names(facts.outputs)
    return {
        names[name]: next(
            column for column, read in facts.inputs.items() if read.collection == output.collection
        )
        for name, output in facts.outputs.items()
        if isinstance(output, FittedAssignment)
    }


def _types(facts: ModelFacts) -> dict[str, str]:
    return {name: column.dtype for name, column in facts.inputs.items()}


def _hull(ranges: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    known = [ends for ends in ranges if ends is not None]
    return (min(low for low, _ in known), max(high for _, high in known)) if known else None


class _Folds:
    """The graph under construction.

    `members`: name of a score with an axis of objects -> an input with that axis.
    """

    def __init__(
        self, networks: Sequence[onnx.GraphProto], event_number: str, members: Mapping[str, str]
    ) -> None:
        self.networks, self.event_number, self.members = networks, event_number, members
        self.inputs = [value.name for value in networks[0].input]
        self.outputs = {value.name: value for value in networks[0].output}
        self.score_outputs = tuple(self.outputs)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.GraphProto:
        """Return the graph: the fold of each row, the scores of each fold, and those in their places."""
        inputs = list(self.networks[0].input)
        if self.event_number not in self.inputs:
            inputs.append(helper.make_tensor_value_info(self.event_number, TensorProto.INT64, ["n"]))
        self._check_names([value.name for value in inputs])
        count = self._constant("count", np.array(len(self.networks), np.int64))
        # Whole numbers with fmod=0: the sign is that of the divisor, as in NumPy.
        self._add("Mod", [self.event_number, count], FOLD_OUTPUT)
        branches = [self._add_fold(index, network) for index, network in enumerate(self.networks)]
        place = self._add_places([rows for rows, _ in branches])
        for position, name in enumerate(self.score_outputs):
            joined = self._add("Concat", [scores[position] for _, scores in branches], axis=0)
            self._add("ScatterND", [joined, place, joined], name)
        outputs = [
            *[self.outputs[name] for name in self.score_outputs],
            helper.make_tensor_value_info(FOLD_OUTPUT, TensorProto.INT64, ["n"]),
        ]
        return helper.make_graph(self.nodes, "rapidity", inputs, outputs, list(self.constants.values()))

    def _check_names(self, inputs: Sequence[str]) -> None:
        given = (*self.score_outputs, FOLD_OUTPUT)
        taken = [name for name in inputs if name in given]
        if taken or len(set(inputs)) < len(inputs):
            message = (
                f"the model would have two values called '{(taken or [self.event_number])[0]}': a column "
                f"cannot have the name of an output ({', '.join(given)}). "
                "Rename the column."
            )
            raise ExportError(message)

    def _add_fold(self, index: int, network: onnx.GraphProto) -> tuple[str, list[str]]:
        """Add the network of a fold; return its row numbers ``[m]`` and its scores ``[m, ...]``."""
        scope = f"fold_{index}"
        number = self._constant(f"{scope}/number", np.array(index, np.int64))
        is_here = self._add("Equal", [FOLD_OUTPUT, number], f"{scope}/is_here")
        flat = self._constant("flat", np.array([-1], np.int64))
        found = self._add("NonZero", [is_here], f"{scope}/nonzero")
        rows = self._add("Reshape", [found, flat], f"{scope}/rows")
        size = self._add("Size", [rows], f"{scope}/size")
        is_any = self._add(
            "Greater", [size, self._constant("zero", np.array(0, np.int64))], f"{scope}/is_any"
        )
        scores = [f"{scope}/scores/{name}" for name in self.score_outputs]
        branches = {"then_branch": self._compute(scope, rows, network), "else_branch": self._skip(scope)}
        self.nodes.append(helper.make_node("If", [is_any], scores, name=f"{scope}/if", **branches))
        return rows, scores

    def _compute(self, scope: str, rows: str, network: onnx.GraphProto) -> onnx.GraphProto:
        """Return the branch that computes a network on its rows of all inputs."""
        body = compose.add_prefix_graph(network, f"{scope}/")
        gathered = [
            helper.make_node(
                "Gather", [name, rows], [f"{scope}/{name}"], name=f"{scope}/gather/{name}", axis=0
            )
            for name in self.inputs
        ]
        outputs = [self._some_rows(f"{scope}/{name}", name) for name in self.score_outputs]
        nodes, constants = [*gathered, *body.node], list(body.initializer)
        return helper.make_graph(nodes, f"{scope}_network", [], outputs, constants)

    def _skip(self, scope: str) -> onnx.GraphProto:
        """Return the branch without rows: scores of nothing."""
        nodes: list[onnx.NodeProto] = []
        for name in self.score_outputs:
            value = f"{scope}/none/{name}"
            if name in self.members:
                nodes += self._make_nothing_of_objects(name, value)
                continue
            sizes = [size for size in self._widths(name) if size is not None]
            nothing = numpy_helper.from_array(np.zeros((0, *sizes), np.float32))
            nodes.append(helper.make_node("Constant", [], [value], value=nothing))
        outputs = [self._some_rows(f"{scope}/none/{name}", name) for name in self.score_outputs]
        return helper.make_graph(nodes, f"{scope}_nothing", [], outputs)

    def _make_nothing_of_objects(self, name: str, value: str) -> list[onnx.NodeProto]:
        """Return the nodes of scores ``(0, objects, n_classes)``, as wide as those of the other folds."""
        no_rows = self._constant("no_rows", np.array([0], np.int64))
        n_classes = self._constant(f"n_classes/{name}", np.array(self._widths(name)[1:], np.int64))
        zero = numpy_helper.from_array(np.zeros(1, np.float32))
        return [
            helper.make_node("Shape", [self.members[name]], [f"{value}/width"], start=1, end=2),
            helper.make_node("Concat", [no_rows, f"{value}/width", n_classes], [f"{value}/shape"], axis=0),
            helper.make_node("ConstantOfShape", [f"{value}/shape"], [value], value=zero),
        ]

    def _some_rows(self, value: str, output: str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(value, TensorProto.FLOAT, [None, *self._widths(output)])

    def _widths(self, output: str) -> tuple[int | None, ...]:
        """Return the sizes of all axes but that of the events, None of objects; a prediction has none."""
        axes = self.outputs[output].type.tensor_type.shape.dim[1:]
        return tuple(axis.dim_value if axis.HasField("dim_value") else None for axis in axes)

    def _add_places(self, rows: Sequence[str]) -> str:
        """Add the row ``[n, 1]`` that each of the scores, fold after fold, belongs to."""
        joined = self._add("Concat", rows, axis=0)
        return self._add("Reshape", [joined, self._constant("column", np.array([-1, 1], np.int64))])

    def _constant(self, name: str, array: NDArray[np.int64]) -> str:
        full = f"{SCOPE}/{name}"
        self.constants.setdefault(full, numpy_helper.from_array(array, full))
        return full

    def _add(self, op: str, inputs: Sequence[str], output: str | None = None, **attributes: int) -> str:
        name = output or f"{SCOPE}/{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name
