"""What a model file gives: probabilities of classes, numbers in their own units, classes of objects.

The names of the values in the file: ``probabilities`` and ``logits`` of a classification, ``prediction`` of a
regression (``prediction_<output>`` where there are several), ``assignment`` of an assignment (likewise).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.columns import cast
from rapidity.core.errors import ExportError, shorten
from rapidity.data.fitted_outputs import FittedAssignment, FittedClassification, FittedRegression

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rapidity.artefact.columns import ColumnSource
    from rapidity.artefact.graph import GraphBuilder
    from rapidity.core.classes import ClassSet
    from rapidity.data.fitted_outputs import FittedOutput

SCOPE = "scores"
PROBABILITIES, LOGITS, PREDICTION, ASSIGNMENT = "probabilities", "logits", "prediction", "assignment"


@dataclass(frozen=True)
class CloudPlaces:
    """Where the objects of a cloud stand in its collection, as values of a graph.

    Attributes
    ----------
    positions
        Of each place of the cloud the number of the object in its event, int64 ``(n, n_objects, 1)``; None
        where a cloud takes the first objects in their order.
    mask
        1 where there is an object, float32 ``(n, n_objects)``.
    """

    positions: str | None
    mask: str
    n_objects: int


def value_names(outputs: Mapping[str, FittedOutput]) -> dict[str, str]:
    """Return output -> name of its value in the file (of a classification: of the probabilities).

    Examples
    --------
    >>> energy = FittedRegression("true_energy")
    >>> value_names({"energy": energy}), value_names({"energy": energy, "mass": energy})
    ({'energy': 'prediction'}, {'energy': 'prediction_energy', 'mass': 'prediction_mass'})
    """
    stems = {"classification": PROBABILITIES, "regression": PREDICTION, "assignment": ASSIGNMENT}
    tasks = [output.task for output in outputs.values()]
    return {
        name: stems[output.task] if tasks.count(output.task) == 1 else f"{stems[output.task]}_{name}"
        for name, output in outputs.items()
    }


def check_column_names(
    columns: Iterable[str], outputs: Mapping[str, FittedOutput], *, further: Sequence[str] = ()
) -> None:
    """Raise an ExportError if a column, which is an input of the file, is called like what the file gives.

    Parameters
    ----------
    further
        Other values that the file gives: the fold.
    """
    given = [*value_names(outputs).values(), *further]
    given += [LOGITS] if PROBABILITIES in given else []
    taken = [name for name in columns if name in given]
    if taken:
        message = (
            f"the model file would have two values called '{taken[0]}': a column cannot have the name of an "
            f"output ({shorten(given)}). Rename the column, or set deliver.signature to matrix."
        )
        raise ExportError(message)


def add_outputs(
    graph: GraphBuilder,
    logits: Mapping[str, str],
    outputs: Mapping[str, FittedOutput],
    source: ColumnSource,
    places: Mapping[str, CloudPlaces],
) -> None:
    """Add what the file gives of each output.

    Parameters
    ----------
    logits
        Output -> what the network gives.
    places
        Cloud -> where its objects stand.

    Raises
    ------
    ExportError
        If the network gives other outputs.
    """
    if set(logits) != set(outputs):
        message = (
            f"the network gives {shorten(logits)}, but the outputs of the run are {shorten(outputs)}. "
            "Write a model from the network and the outputs of one run."
        )
        raise ExportError(message)
    names = value_names(outputs)
    # Probabilities first: programs that know one output only take the first.
    ordered = sorted(outputs, key=lambda name: outputs[name].task != "classification")
    for name in ordered:
        output = outputs[name]
        if isinstance(output, FittedClassification):
            add_probabilities(graph, logits[name], output.classes)
        elif isinstance(output, FittedRegression):
            value = invert_transform(graph, logits[name], output)
            graph.add_output(value, names[name], "float32", ["n"])
        else:
            value = _restore_objects(graph, logits[name], output, source, places[output.cloud])
            graph.add_output(value, names[name], "float32", ["n", "objects", len(output.classes)])


def add_probabilities(graph: GraphBuilder, logits: str, classes: ClassSet) -> None:
    """Add the outputs `probabilities`, one column a class in class order, and `logits`."""
    if classes.n_logits == 1:
        # 1 - sigmoid(x) would have no digits left for a certain event; sigmoid(-x) has.
        positive = graph.add("Sigmoid", [logits], scope=SCOPE)
        negative = graph.add("Sigmoid", [graph.add("Neg", [logits], scope=SCOPE)], scope=SCOPE)
        pair = [positive, negative] if classes.positive_index == 0 else [negative, positive]
        probabilities = graph.add("Concat", pair, scope=SCOPE, axis=1)
    else:
        probabilities = graph.add("Softmax", [logits], scope=SCOPE, axis=1)
    graph.add_output(probabilities, PROBABILITIES, "float32", ["n", len(classes)])
    graph.add_output(logits, LOGITS, "float32", ["n", classes.n_logits])


def invert_transform(graph: GraphBuilder, value: str, output: FittedRegression) -> str:
    """Return the prediction in the units of the target, float32 ``(n,)``, computed in float64."""
    flat = graph.add("Squeeze", [value, _integers(graph, 1)], scope=SCOPE)
    exact = cast(graph, flat, "float32", "float64", SCOPE)
    for step in reversed(output.steps):
        if step.type == "log":
            exact = graph.add("Exp", [exact], scope=SCOPE)
            continue
        for op, number in (("Mul", step.deviation), ("Add", step.mean)):
            constant = graph.constant(np.array(number, np.float64), f"{SCOPE}/{step.type}")
            exact = graph.add(op, [exact, constant], scope=SCOPE)
    return cast(graph, exact, "float64", "float32", SCOPE)


def _restore_objects(
    graph: GraphBuilder, logits: str, output: FittedAssignment, source: ColumnSource, places: CloudPlaces
) -> str:
    """Return the probabilities of the objects of the file, NaN for those that the cloud leaves out.

    float32 ``(n, objects, n_classes)``, in the order of the file.
    """

    def add(op: str, *inputs: str, **attributes: Any) -> str:
        return graph.add(op, list(inputs), scope=SCOPE, **attributes)

    n_classes = len(output.classes)
    nothing = graph.constant(np.array(np.nan, np.float32), f"{SCOPE}/nan")
    is_object = add("Cast", add("Unsqueeze", places.mask, _integers(graph, 2)), to=9)
    kept = add("Where", is_object, add("Softmax", logits, axis=2), nothing)
    found = add("Shape", source.is_object(output.collection), start=0, end=2)
    n_events, width = (
        add("Slice", found, _integers(graph, axis), _integers(graph, axis + 1)) for axis in (0, 1)
    )
    if places.positions is not None:
        # A place for every object of the file, and for every one of the cloud, which may be more.
        wide = add("Max", width, _integers(graph, places.n_objects))
        shape = add("Concat", n_events, wide, _integers(graph, n_classes), axis=0)
        empty = add("Expand", nothing, shape)
        index = add("Expand", places.positions, _integers(graph, 1, places.n_objects, n_classes))
        kept = add("ScatterElements", empty, index, kept, axis=1)
    else:
        lacking = add("Max", add("Sub", width, _integers(graph, places.n_objects)), _integers(graph, 0))
        pads = add("Concat", _integers(graph, 0, 0, 0, 0), lacking, _integers(graph, 0), axis=0)
        kept = add("Pad", kept, pads, nothing)
    return add("Slice", kept, _integers(graph, 0), width, _integers(graph, 1))


def _integers(graph: GraphBuilder, *values: int) -> str:
    return graph.constant(np.array(values, np.int64), f"{SCOPE}/integers")
