"""Neighbours, edges and pairs of objects as ONNX nodes, for any number of events."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from rapidity.artefact.token_layers import find_objects, zero_padding
from rapidity.network.layers.neighbours import MOST_EXACT_COORDINATES
from rapidity.network.layers.pair_features import SMALLEST
from rapidity.network.layers.pairs import pair_places, square_places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rapidity.artefact.place import Place
    from rapidity.network.layers import Neighbours, PairFeatures, TakeObjects

FLOAT, DOUBLE, INT64 = 1, 11, 7
"""Numbers of element types in ONNX."""


def _unsqueeze(place: Place, value: str, axis: int) -> str:
    return place.add("Unsqueeze", [value, place.integers([axis], "axes")])


def _find_distances(place: Place, x: str, n_coordinates: int) -> str:
    """Return the squared distances ``(n, n_objects, n_objects)`` of all objects, float32."""
    axes = place.integers([-1], "axes")
    if n_coordinates <= MOST_EXACT_COORDINATES:
        difference = place.add("Sub", [_unsqueeze(place, x, 2), _unsqueeze(place, x, 1)])
        return place.add("ReduceSum", [place.add("Mul", [difference, difference]), axes], keepdims=0)
    exact = place.add("Cast", [x], to=DOUBLE)
    squares = place.add("ReduceSum", [place.add("Mul", [exact, exact]), axes], keepdims=0)
    product = place.add("MatMul", [exact, place.add("Transpose", [exact], perm=(0, 2, 1))])
    sums = place.add("Add", [_unsqueeze(place, squares, 2), _unsqueeze(place, squares, 1)])
    total = place.add("Sub", [sums, place.add("Add", [product, product])])
    return place.add("Relu", [place.add("Cast", [total], to=FLOAT)])


def lower_neighbours(place: Place) -> str:
    """Return the numbers of the nearest neighbours, counted from 1; of equal ones TopK takes the first."""
    layer = cast("Neighbours", place.node.layer)
    n_objects, n_coordinates = place.node.input_shapes[0]
    x, *masks = place.inputs
    infinity = place.constant(np.array(np.inf), "infinity")
    hidden = place.constant(np.eye(n_objects), "itself")
    if masks:
        is_object = find_objects(place, masks[0], n_objects, n_objects)
        x = zero_padding(place, x, is_object)
        there = place.add("Cast", [is_object], to=FLOAT)
        pairs = place.add("Mul", [_unsqueeze(place, there, 2), _unsqueeze(place, there, 1)])
        hidden = place.add("Sub", [hidden, pairs])
        is_open = place.add("Less", [hidden, place.constant(np.array(-0.5), "half")])
    else:
        is_open = place.add("Less", [hidden, place.constant(np.array(0.5), "half")])
    distances = place.add("Where", [is_open, _find_distances(place, x, n_coordinates), infinity])
    numbers = place.add(
        "TopK",
        [distances, place.integers([layer.k], "k")],
        axis=-1,
        largest=0,
        sorted=1,
        n_unused=1,
        which=1,
    )
    values = place.add("GatherElements", [distances, numbers], axis=2)
    counted = place.add("Add", [numbers, place.integers(1, "first")])
    is_there = place.add("Less", [values, infinity])
    return place.add("Cast", [place.add("Where", [is_there, counted, place.integers(0, "none")])], to=FLOAT)


def lower_edges(place: Place) -> str:
    """Return ``x_i + y_j - y_i`` for each object and neighbour; a missing one is the object itself."""
    x, y, *neighbours = place.inputs
    shift = _unsqueeze(place, place.add("Sub", [x, y]), 2)
    if not neighbours:
        return place.add("Add", [_unsqueeze(place, y, 1), shift])
    numbers = place.add("Cast", [neighbours[0]], to=INT64)
    is_there = place.add("Greater", [numbers, place.integers(0, "none")])
    itself = place.integers(np.arange(place.node.shape[0])[:, np.newaxis].tolist(), "itself")
    index = place.add("Sub", [numbers, place.integers(1, "first")])
    index = _unsqueeze(place, place.add("Where", [is_there, index, itself]), -1)
    return place.add("Add", [place.add("GatherND", [y, index], batch_dims=1), shift])


class _Objects(NamedTuple):
    """Values in float64 of objects, or of one side of all pairs."""

    px: str
    py: str
    pt: str
    rapidity: str
    transverse_mass: str
    squared_mass: str


class _Arithmetic:
    """Adds operators on float64 values."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def number(self, value: float) -> str:
        """Return a constant."""
        name = f"{self.place.node.name}.number"
        return self.place.graph.constant(np.array(value, np.float64), f"network/{name}")

    def add(self, op: str, *values: str) -> str:
        """Return the result of an operator."""
        return self.place.add(op, values)

    def square(self, value: str) -> str:
        """Return a value times itself."""
        return self.add("Mul", value, value)

    def total(self, first: str, *others: str) -> str:
        """Return the sum of values."""
        for other in others:
            first = self.add("Add", first, other)
        return first


def lower_pair_features(place: Place) -> str:
    """Return the features of pairs, computed in float64 but for one arctangent, which only float32 has."""
    momenta, *masks = place.inputs
    n_objects = place.node.input_shapes[0][0]
    if masks:
        shown = find_objects(place, masks[0], place.node.input_shapes[1][0], n_objects)
        momenta = zero_padding(place, momenta, shown)
    further = cast("PairFeatures", place.node.layer).without_momentum
    if further:
        momenta = place.add("Pad", [momenta, place.integers([0, 0, 0, 0, further, 0], "sides")])
    exact = place.add("Cast", [momenta], to=DOUBLE)
    columns = [place.add("Gather", [exact, place.integers(number, "index")], axis=2) for number in range(4)]
    do = _Arithmetic(place)
    objects = _describe_objects(do, *columns)
    first, second = (place.integers(places.tolist(), "pairs") for places in pair_places(n_objects + further))
    a, b = (
        _Objects(*(place.add("Gather", [value, numbers], axis=1) for value in objects))
        for numbers in (first, second)
    )
    is_pair = do.add("Greater", do.add("Min", a.pt, b.pt), do.number(0))
    smallest, zero = do.number(SMALLEST), do.number(0)
    logarithms = [do.add("Log", do.add("Max", value, smallest)) for value in _compare(do, a, b)]
    shown_values = [do.add("Where", is_pair, value, zero) for value in logarithms]
    joined = place.add("Concat", [_unsqueeze(place, value, -1) for value in shown_values], axis=-1)
    return place.add("Cast", [joined], to=FLOAT)


def _describe_objects(do: _Arithmetic, px: str, py: str, pz: str, energy: str) -> _Objects:
    squared_pt = do.add("Add", do.square(px), do.square(py))
    momentum = do.add("Sqrt", do.add("Add", squared_pt, do.square(pz)))
    energy = do.add("Max", energy, momentum)
    squared_mass = do.add("Mul", do.add("Sub", energy, momentum), do.add("Add", energy, momentum))
    transverse_mass = do.add("Sqrt", do.add("Add", squared_pt, squared_mass))
    ratio = do.add("Div", do.add("Add", energy, do.add("Abs", pz)), transverse_mass)
    has_pt = do.add("Greater", squared_pt, do.number(0))
    size = do.add("Log", do.add("Where", has_pt, ratio, do.number(1)))
    rapidity = do.add("Mul", do.add("Sign", pz), size)
    return _Objects(px, py, do.add("Sqrt", squared_pt), rapidity, transverse_mass, squared_mass)


def _compare(do: _Arithmetic, a: _Objects, b: _Objects) -> Sequence[str]:
    """Return kT, z, delta R and the mass squared of pairs."""
    cross = do.add("Abs", do.add("Sub", do.add("Mul", a.px, b.py), do.add("Mul", a.py, b.px)))
    dot = do.add("Add", do.add("Mul", a.px, b.px), do.add("Mul", a.py, b.py))
    product = do.add("Mul", a.pt, b.pt)
    smaller, dy = do.add("Min", a.pt, b.pt), do.add("Sub", a.rapidity, b.rapidity)
    is_near = do.add("Greater", dot, do.number(0))
    # tan(dphi / 2) of the angle, or of what it lacks of a straight line: never above 1.
    more = do.add("Add", product, do.add("Abs", dot))
    half = do.place.add("Cast", [do.add("Div", cross, more)], to=FLOAT)
    angle = do.place.add("Cast", [do.place.add("Atan", [half])], to=DOUBLE)
    angle = do.add("Add", angle, angle)
    angle = do.add("Where", is_near, angle, do.add("Sub", do.number(np.pi), angle))
    delta_r = do.add("Sqrt", do.add("Add", do.square(dy), do.square(angle)))
    bent = do.add("Where", is_near, do.add("Div", do.square(cross), more), do.add("Sub", product, dot))
    half_dy = do.add("Mul", dy, do.number(0.5))
    spread = do.add("Sub", do.add("Exp", half_dy), do.add("Exp", do.add("Neg", half_dy)))
    apart = do.add("Mul", do.square(spread), do.number(0.5))
    masses = do.add("Mul", a.transverse_mass, b.transverse_mass)
    mixed = do.total(do.add("Mul", masses, apart), bent, do.add("Sub", masses, product))
    mass = do.total(a.squared_mass, b.squared_mass, mixed, mixed)
    share = do.add("Div", smaller, do.add("Add", a.pt, b.pt))
    return do.add("Mul", smaller, delta_r), share, delta_r, mass


def lower_pair_mask(place: Place) -> str:
    """Return which pairs there are."""
    (n_objects,) = place.node.input_shapes[0]
    there = place.add("Cast", [find_objects(place, place.inputs[0], n_objects, n_objects)], to=FLOAT)
    sides = [
        place.add("Gather", [there, place.integers(places.tolist(), "pairs")], axis=1)
        for places in pair_places(n_objects)
    ]
    return place.add("Mul", sides)


def lower_square_pairs(place: Place) -> str:
    """Return pairs, each given once, in a square."""
    n_objects, further = place.node.shape[0], place.node.shape[2:]
    n_axes = 2 + len(further)
    sides = place.integers([0] * (n_axes + 1) + [1] + [0] * (n_axes - 2), "sides")
    padded = place.add("Pad", [place.inputs[0], sides])
    places = place.integers(square_places(n_objects).tolist(), "places")
    taken = place.add("Gather", [padded, places], axis=1)
    return place.add("Reshape", [taken, place.integers([-1, n_objects, n_objects, *further], "shape")])


def lower_join_objects(place: Place) -> str:
    """Return clouds one after another."""
    return place.add("Concat", axis=1)


def lower_take_objects(place: Place) -> str:
    """Return some of the objects."""
    layer = cast("TakeObjects", place.node.layer)
    ends = ([layer.start], [layer.start + layer.count], [1])
    return place.add("Slice", [place.inputs[0], *(place.integers(end, "slice") for end in ends)])


def lower_to_token(place: Place) -> str:
    """Return a row as one object."""
    return _unsqueeze(place, place.inputs[0], 1)


def lower_full_mask(place: Place) -> str:
    """Return that all objects are there."""
    shape = place.add("Shape", [place.inputs[0]], start=0, end=2)
    return place.add("Expand", [place.constant(np.array(1.0), "there"), shape])
