"""Neighbours, edges and pairs of objects as operations on tensors; clouds joined and taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import rapidity.autodiff as ad
from rapidity.engines.numpy.token_layers import find_objects
from rapidity.network.layers.neighbours import MOST_EXACT_COORDINATES
from rapidity.network.layers.pair_features import SMALLEST
from rapidity.network.layers.pairs import pair_places

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rapidity.autodiff import Tensor
    from rapidity.engines.numpy.lowering import Compute, Mode, Own
    from rapidity.network import Node
    from rapidity.network.layers import Neighbours, PairFeatures, TakeObjects

    Values = NDArray[np.float64]

BITS_OF_INFINITY = 0x7F800000
"""Of a float32; those of smaller numbers that are not negative are smaller, in their order."""


def find_distances(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the squared distances ``(n_events, n, n)`` of all objects."""
    if x.shape[-1] <= MOST_EXACT_COORDINATES:
        total = np.zeros((len(x), x.shape[1], x.shape[1]), np.float32)
        for column in range(x.shape[-1]):
            difference = x[:, :, np.newaxis, column] - x[:, np.newaxis, :, column]
            total += difference * difference
        return total
    exact = x.astype(np.float64)
    squares = (exact * exact).sum(axis=-1)
    products = np.matmul(exact, -2 * exact.transpose(0, 2, 1))
    products += squares[:, :, np.newaxis]
    products += squares[:, np.newaxis]
    found: NDArray[np.float32] = np.maximum(products, 0).astype(np.float32)
    return found


def find_neighbours(
    x: NDArray[np.float32], is_object: NDArray[np.bool_] | None, k: int
) -> NDArray[np.float32]:
    """Return the numbers ``(n_events, n, k)`` of the nearest neighbours, counted from 1; 0 for none."""
    n_objects = x.shape[1]
    hidden = np.eye(n_objects, dtype=bool)
    if is_object is not None:
        x = np.where(is_object[..., np.newaxis], x, np.float32(0))
        hidden = hidden | ~(is_object[:, np.newaxis] & is_object[:, :, np.newaxis])
    distances = np.where(hidden, np.float32(np.inf), find_distances(x))
    # Whole numbers that grow with the distance, and with the place of the object where distances are equal.
    keys = distances.view(np.int32) * np.int64(n_objects) + np.arange(n_objects)
    nearest = np.sort(np.partition(keys, k - 1, axis=-1)[..., :k], axis=-1)
    numbers = nearest % n_objects + 1
    return np.where(nearest < BITS_OF_INFINITY * n_objects, numbers, 0).astype(np.float32)


def lower_neighbours(node: Node, layer: Neighbours) -> Compute:
    """Return the search for neighbours; no gradient flows through the choice."""

    def search(mode: Mode, own: Own, coordinates: Tensor, mask: Tensor | None = None) -> Tensor:
        is_object = None if mask is None else mask.array > 0
        return _constant(find_neighbours(coordinates.array, is_object, layer.k), coordinates)

    return search


def _constant(array: NDArray[np.float32], like: Tensor) -> Tensor:
    """Return an array as a tensor in the workspace of another."""
    return ad.Tensor(array, workspace=like.workspace)


def find_edges(mode: Mode, own: Own, x: Tensor, y: Tensor, neighbours: Tensor | None = None) -> Tensor:
    """Return ``x_i + y_j - y_i`` for each object and neighbour; a missing one is the object itself."""
    shift = ad.expand_dims(x - y, 2)
    if neighbours is None:
        return ad.expand_dims(y, 1) + shift
    numbers = neighbours.array.astype(np.intp)
    itself = np.arange(x.shape[1])[:, np.newaxis]
    return ad.gather_objects(y, np.where(numbers > 0, numbers - 1, itself)) + shift


def lower_pair_features(node: Node, layer: PairFeatures) -> Compute:
    """Return the features of pairs, computed in float64; no gradient flows."""
    first, second = pair_places(node.input_shapes[0][0] + layer.without_momentum)

    def compute(mode: Mode, own: Own, momenta: Tensor, mask: Tensor | None = None) -> Tensor:
        p = momenta.array.astype(np.float64)
        if mask is not None:
            p = np.where(find_objects(mask, p.shape[1])[..., np.newaxis], p, 0.0)
        p = np.pad(p, ((0, 0), (0, layer.without_momentum), (0, 0)))
        objects = _describe_objects(*np.moveaxis(p, -1, 0))
        a, b = ([values[:, places] for values in objects] for places in (first, second))
        is_pair = np.minimum(a[2], b[2]) > 0
        found = np.zeros((*is_pair.shape, 4), np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):  # Of what is no pair.
            for number, values in enumerate(_compare(a, b)):
                found[..., number] = np.where(is_pair, np.log(np.maximum(values, SMALLEST)), 0)
        return _constant(found, momenta)

    return compute


def _describe_objects(px: Values, py: Values, pz: Values, energy: Values) -> tuple[Values, ...]:
    """Return px, py, pT, rapidity, transverse mass and mass squared of each object."""
    squared_pt = px * px + py * py
    momentum = np.sqrt(squared_pt + pz * pz)
    energy = np.maximum(energy, momentum)
    squared_mass = (energy - momentum) * (energy + momentum)
    transverse_mass = np.sqrt(squared_pt + squared_mass)
    ratio = np.ones_like(px)
    np.divide(energy + np.abs(pz), transverse_mass, out=ratio, where=squared_pt > 0)
    return px, py, np.sqrt(squared_pt), np.sign(pz) * np.log(ratio), transverse_mass, squared_mass


def _compare(a: list[Values], b: list[Values]) -> tuple[Values, ...]:
    """Return kT, z, delta R and the mass squared of pairs."""
    (px_a, py_a, pt_a, y_a, mt_a, m2_a), (px_b, py_b, pt_b, y_b, mt_b, m2_b) = a, b
    cross, dot = px_a * py_b - py_a * px_b, px_a * px_b + py_a * py_b
    smaller, product, dy = np.minimum(pt_a, pt_b), pt_a * pt_b, y_a - y_b
    delta_r = np.hypot(dy, np.arctan2(np.abs(cross), dot))
    # pT_a pT_b (1 - cos(dphi)) and cosh(dy) - 1, without differences of what is nearly the same.
    bent = np.where(dot > 0, cross * cross / (product + dot), product - dot)
    apart = 2 * np.sinh(0.5 * dy) ** 2
    mass = m2_a + m2_b + 2 * (mt_a * mt_b * apart + bent + (mt_a * mt_b - product))
    return smaller * delta_r, smaller / (pt_a + pt_b), delta_r, mass


def lower_pair_mask(node: Node, layer: object) -> Compute:
    """Return which pairs there are."""
    first, second = pair_places(node.input_shapes[0][0])

    def find(mode: Mode, own: Own, mask: Tensor) -> Tensor:
        there = mask.array > 0
        return _constant((there[:, first] & there[:, second]).astype(np.float32), mask)

    return find


def lower_square_pairs(node: Node, layer: object) -> Compute:
    """Return pairs, each given once, in a square."""
    n_objects, n_further = node.shape[0], len(node.shape) - 2
    above = (slice(None), np.triu(np.ones((n_objects, n_objects), bool), 1))
    axes = (0, 2, 1, *range(3, 3 + n_further))

    def square(mode: Mode, own: Own, pairs: Tensor) -> Tensor:
        upper = ad.scatter(pairs, above, (len(pairs), n_objects, n_objects, *pairs.shape[2:]))
        return upper + upper.transpose(axes)

    return square


def join_objects(mode: Mode, own: Own, *clouds: Tensor) -> Tensor:
    """Return the objects of several clouds one after another."""
    return ad.concatenate(clouds, axis=1)


def lower_take_objects(node: Node, layer: TakeObjects) -> Compute:
    """Return some of the objects."""

    def take(mode: Mode, own: Own, objects: Tensor) -> Tensor:
        taken: Tensor = objects[:, layer.start : layer.start + layer.count]
        return taken

    return take


def to_token(mode: Mode, own: Own, row: Tensor) -> Tensor:
    """Return a row as one object."""
    return ad.expand_dims(row, 1)


def make_full_mask(mode: Mode, own: Own, objects: Tensor) -> Tensor:
    """Return that all objects are there."""
    return _constant(np.ones(objects.shape[:2], np.float32), objects)
