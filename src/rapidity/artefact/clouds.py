"""Clouds in the graph: from columns of objects to float32 ``(n, n_objects, ...)`` and the mask.

What is computed of an object is computed for all objects of the file, in float64 by the formulae of the
training (`data.fitted_feature` over symbols). Then the objects are ordered and cut, all numbers of an
object at once, and transformed side by side: the constants of all features are one vector.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rapidity.artefact.columns import cast
from rapidity.artefact.emission import Emitter, Layout
from rapidity.artefact.graph import ELEMENT_TYPES
from rapidity.artefact.namespace import OnnxNamespace
from rapidity.artefact.outputs import CloudPlaces
from rapidity.data.fitted_cloud import COORDINATES, MASK, MOMENTA
from rapidity.data.kept_objects import sort_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rapidity.artefact.graph import GraphBuilder
    from rapidity.artefact.symbols import Symbol
    from rapidity.data.fitted_cloud import FittedCloud
    from rapidity.data.fitted_feature import FittedFeature

SCOPE = "cloud"
OBJECT_AXIS, NUMBER_AXIS = 1, 2
NUMBERS = Layout(axis=NUMBER_AXIS, dtype="float64")


def add_cloud(
    graph: GraphBuilder, emitter: Emitter, fitted: FittedCloud, columns: Mapping[str, Any], xp: Any
) -> tuple[dict[str, str], CloudPlaces]:
    """Add the preparation of a cloud; return what follows its name -> float32 ``(n, n_objects, ...)``.

    And where its objects stand among all of the collection.

    Parameters
    ----------
    columns
        Raw columns as symbols of `xp`, those of objects as `PaddedObjects`.
    """
    nodes = _Nodes(graph, fitted.cloud.n_objects)
    of_features = [_complete(feature, columns, xp) for feature in fitted.features]
    unscaled = {
        suffix: [_complete(feature, columns, xp)[0] for feature in listed]
        for suffix, listed in ((MOMENTA, fitted.momenta), (COORDINATES, fitted.coordinates))
        if listed
    }
    symbols = [symbol for listed in (*of_features, *unscaled.values()) for symbol in listed]
    numbers = nodes.stack([emitter.emit_value(symbol) for symbol in symbols])
    kept, key = _keep(fitted, columns, xp)
    positions = None if key is None else nodes.order(emitter.emit_value(key))
    numbers = nodes.choose(numbers, positions)
    mask = nodes.choose(nodes.as_mask(emitter.emit_value(kept)), positions)
    start = sum(len(listed) for listed in of_features)
    prepared = nodes.blank(_transform(graph, nodes.slice_numbers(numbers, 0, start), fitted.features), mask)
    values = {"": prepared, MASK: nodes.drop_axis(mask)}
    for suffix, listed in unscaled.items():
        chosen = nodes.slice_numbers(numbers, start, start + len(listed))
        values[suffix] = nodes.blank(cast(graph, chosen, "float64", "float32", SCOPE), mask)
        start += len(listed)
    return values, CloudPlaces(positions, values[MASK], fitted.cloud.n_objects)


def _complete(feature: FittedFeature, columns: Mapping[str, Any], xp: Any) -> list[Symbol]:
    """Return a feature of objects with missing values filled in, and its indicator if there is one."""
    completed = feature.complete(*feature.screen(columns, xp), xp)
    return [xp.as_number(value) for value in completed]


def _keep(fitted: FittedCloud, columns: Mapping[str, Any], xp: Any) -> tuple[Symbol, Symbol | None]:
    """Return which objects are kept, and by what they are ordered; None: they are in order."""
    cloud = fitted.cloud
    kept = xp.is_object(cloud.collection)
    if cloud.selection is not None:
        kept = xp.logical_and(kept, cloud.selection.evaluate(columns, xp).values)
    if cloud.order_by is not None:
        key = sort_key(xp.as_number(cloud.order_by.evaluate(columns, xp).values), xp)
        return kept, xp.where(kept, key, -np.inf)
    # Objects that are equal in the order stay in that of the file.
    return kept, None if cloud.selection is None else xp.where(kept, 0.0, -np.inf)


def _transform(graph: GraphBuilder, numbers: str, features: Sequence[FittedFeature]) -> str:
    """Return the completed numbers of objects after the transforms, float32."""
    xp: Any = OnnxNamespace()
    transformed: list[Any] = []
    for feature in features:
        value, *indicator = (xp.column(str(len(transformed) + place)) for place in range(len(feature.names)))
        transformed += [feature.transform(value, xp), *indicator]
    source = _NumberSource(graph, numbers, len(transformed))
    made = Emitter(graph, source, NUMBERS).emit_features(transformed)
    return cast(graph, made, "float64", "float32", SCOPE)


@dataclass(frozen=True)
class _NumberSource:
    """The numbers of objects, last axis, as columns for the emitter (`artefact.columns.ColumnSource`)."""

    graph: GraphBuilder
    numbers: str
    n_numbers: int

    def stack(self, names: tuple[str, ...]) -> str:
        """Return the numbers at these positions, last axis."""
        if names == tuple(map(str, range(self.n_numbers))):
            return self.numbers
        index = self.graph.constant(np.array(list(map(int, names)), np.int64), f"{SCOPE}/numbers")
        return self.graph.add("Gather", [self.numbers, index], scope=SCOPE, axis=NUMBER_AXIS)

    def objects(self, name: str) -> str:
        """Refuse: these are numbers already."""
        raise NotImplementedError

    def is_object(self, collection: str) -> str:
        """Refuse: these are numbers already."""
        raise NotImplementedError


class _Nodes:
    """Adds the nodes that bring objects into the places of a cloud.

    Values come as ``(n, objects)`` with any number of objects; a place of a cloud is taken from the first
    `n_objects` of them, or of their order.
    """

    def __init__(self, graph: GraphBuilder, n_objects: int) -> None:
        self.graph, self.n_objects = graph, n_objects

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        return self.graph.add(op, list(inputs), scope=SCOPE, **attributes)

    def integers(self, *values: int) -> str:
        return self.graph.constant(np.array(values, np.int64), f"{SCOPE}/integers")

    def stack(self, values: Sequence[str]) -> str:
        """Return values ``(n, objects)`` side by side, ``(n, objects, numbers)``."""
        axis = self.integers(NUMBER_AXIS)
        single = [self.add("Unsqueeze", value, axis) for value in values]
        return single[0] if len(single) == 1 else self.add("Concat", *single, axis=NUMBER_AXIS)

    def as_mask(self, kept: str) -> str:
        """Return where an object is kept as 1 and 0, float32 ``(n, objects, 1)``."""
        numbers = self.add("Cast", kept, to=ELEMENT_TYPES["float32"])
        return self.add("Unsqueeze", numbers, self.integers(NUMBER_AXIS))

    def order(self, key: str) -> str:
        """Return the positions of the objects with the largest keys ``(n, n_objects, 1)``."""
        filler = self.graph.constant(np.array(-np.inf), f"{SCOPE}/lowest")
        padded = self._widen(key, n_axes=2, filler=filler)
        # Of equal keys TopK takes the first.
        found = self.add(
            "TopK", padded, self.integers(self.n_objects), axis=OBJECT_AXIS, largest=1, sorted=1, n_unused=1,
            which=1,
        )  # fmt: skip
        return self.add("Unsqueeze", found, self.integers(NUMBER_AXIS))

    def choose(self, values: str, positions: str | None) -> str:
        """Return the values at these positions, or the first ones, ``(n, n_objects, numbers)``."""
        padded = self._widen(values, n_axes=3)
        if positions is not None:
            return self.add("GatherND", padded, positions, batch_dims=1)
        ends = self.integers(0), self.integers(self.n_objects)
        return self.add("Slice", padded, *ends, self.integers(OBJECT_AXIS))

    def _widen(self, values: str, n_axes: int, filler: str = "") -> str:
        """Return the values with places added where there are fewer than in the cloud."""
        width = self.add("Shape", values, start=OBJECT_AXIS, end=OBJECT_AXIS + 1)
        lacking = self.add("Sub", self.integers(self.n_objects), width)
        n_more = self.add("Max", lacking, self.integers(0))
        before = self.integers(*([0] * (n_axes + OBJECT_AXIS)))
        after = [self.integers(*([0] * (n_axes - OBJECT_AXIS - 1)))]
        pads = self.add("Concat", before, n_more, *after, axis=0)
        return self.add("Pad", values, pads, *([filler] if filler else []))

    def slice_numbers(self, values: str, start: int, stop: int) -> str:
        """Return some of the numbers of the objects."""
        return self.add(
            "Slice", values, self.integers(start), self.integers(stop), self.integers(NUMBER_AXIS)
        )

    def blank(self, values: str, mask: str) -> str:
        """Return the values, 0 where there is no object, whatever stands there."""
        is_object = self.add("Cast", mask, to=ELEMENT_TYPES["bool"])
        nothing = self.graph.constant(np.array(0, np.float32), f"{SCOPE}/nothing")
        return self.add("Where", is_object, values, nothing)

    def drop_axis(self, mask: str) -> str:
        """Return the mask ``(n, n_objects)``."""
        return self.add("Squeeze", mask, self.integers(NUMBER_AXIS))
