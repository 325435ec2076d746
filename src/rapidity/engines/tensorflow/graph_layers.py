"""Neighbours, edges and pairs of objects as Keras layers of our own; clouds joined and taken apart.

They are registered under the package `rapidity`, so that a saved model can be loaded again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from rapidity.engines.tensorflow.lowering import Lowered
from rapidity.engines.tensorflow.token_layers import FLOAT, find_objects, zero_padding
from rapidity.network.layers.neighbours import MOST_EXACT_COORDINATES
from rapidity.network.layers.pair_features import SMALLEST
from rapidity.network.layers.pairs import count_objects, pair_places, square_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rapidity.network import Node
    from rapidity.network.layers import Neighbours, PairFeatures, TakeObjects


def find_distances(x: Any) -> Any:
    """Return the squared distances ``(n_events, n, n)`` of all objects, float32."""
    if x.shape[-1] <= MOST_EXACT_COORDINATES:
        differences = [values[:, :, tf.newaxis] - values[:, tf.newaxis] for values in tf.unstack(x, axis=-1)]
        total = differences[0] * differences[0]
        for difference in differences[1:]:
            total = total + difference * difference
        return total
    exact = tf.cast(x, tf.float64)
    squares = tf.reduce_sum(exact * exact, axis=-1)
    products = tf.matmul(exact, exact, transpose_b=True)
    total = squares[:, :, tf.newaxis] + squares[:, tf.newaxis] - 2 * products
    return tf.cast(tf.maximum(total, 0), tf.float32)


@keras.saving.register_keras_serializable(package="rapidity")
class NearestNeighbours(keras.layers.Layer):
    """Finds the nearest neighbours; no gradient flows through the choice.

    Parameters
    ----------
    k
        How many.
    """

    def __init__(self, k: int = 16, **settings: Any) -> None:
        super().__init__(**settings)
        self.k = k

    def call(self, inputs: Any) -> Any:
        """Return their numbers ``(n_events, n, k)``, counted from 1; 0 for none."""
        x, mask = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        hidden = tf.eye(x.shape[1], dtype=tf.bool)[tf.newaxis]
        if mask is not None:
            is_object = mask > 0
            x = zero_padding(x, is_object)
            hidden = hidden | ~(is_object[:, tf.newaxis] & is_object[:, :, tf.newaxis])
        distances = tf.where(hidden, tf.constant(math.inf, x.dtype), find_distances(tf.stop_gradient(x)))
        # Of equal ones the first comes first.
        found = tf.math.top_k(-distances, self.k, sorted=True)
        numbers = tf.where(tf.math.is_finite(found.values), found.indices + 1, 0)
        return tf.stop_gradient(tf.cast(numbers, x.dtype))

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "k": self.k}


@keras.saving.register_keras_serializable(package="rapidity")
class EdgesOfObjects(keras.layers.Layer):
    """Gives each object and neighbour the features ``x_i + y_j - y_i``."""

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n, k, n_features)``."""
        x, y = inputs[:2]
        shift = (x - y)[:, :, tf.newaxis]
        if len(inputs) == 2:
            return shift + y[:, tf.newaxis]
        numbers = tf.cast(inputs[2], tf.int32)
        itself = tf.range(x.shape[1])[:, tf.newaxis]
        # A neighbour that is missing is the object itself.
        return tf.gather(y, tf.where(numbers > 0, numbers - 1, itself), batch_dims=1) + shift


@keras.saving.register_keras_serializable(package="rapidity")
class FeaturesOfPairs(keras.layers.Layer):
    """Computes ln kT, ln z, ln delta R and ln m2 of each pair in float64; no gradient flows.

    Parameters
    ----------
    without_momentum
        Number of further objects, whose pairs get zeros.
    """

    def __init__(self, without_momentum: int = 0, **settings: Any) -> None:
        super().__init__(**settings)
        self.without_momentum = without_momentum

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n (n - 1) / 2, 4)``."""
        momenta, mask = inputs if isinstance(inputs, list | tuple) else (inputs, None)
        if mask is not None:
            momenta = zero_padding(momenta, find_objects(mask, momenta.shape[1]))
        p = tf.cast(tf.stop_gradient(momenta), tf.float64)
        p = tf.pad(p, [(0, 0), (0, self.without_momentum), (0, 0)])
        objects = tf.stack(_describe_objects(*tf.unstack(p, axis=-1)))
        places = pair_places(p.shape[1])
        a, b = (tf.unstack(tf.gather(objects, numbers, axis=2)) for numbers in places)
        is_pair = tf.minimum(a[2], b[2])[..., tf.newaxis] > 0
        features = tf.where(is_pair, _compare(a, b), tf.zeros((), tf.float64))
        return tf.stop_gradient(tf.cast(features, momenta.dtype))

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "without_momentum": self.without_momentum}


def _describe_objects(px: Any, py: Any, pz: Any, energy: Any) -> list[Any]:
    """Return px, py, pT, rapidity, transverse mass and mass squared of each object."""
    squared_pt = px * px + py * py
    momentum = tf.sqrt(squared_pt + pz * pz)
    energy = tf.maximum(energy, momentum)
    squared_mass = (energy - momentum) * (energy + momentum)
    transverse_mass = tf.sqrt(squared_pt + squared_mass)
    ratio = tf.where(squared_pt > 0, (energy + tf.abs(pz)) / transverse_mass, tf.ones_like(px))
    return [px, py, tf.sqrt(squared_pt), tf.sign(pz) * tf.math.log(ratio), transverse_mass, squared_mass]


def _compare(a: list[Any], b: list[Any]) -> Any:
    """Return the logarithms of kT, z, delta R and the mass squared of pairs."""
    (px_a, py_a, pt_a, y_a, mt_a, m2_a), (px_b, py_b, pt_b, y_b, mt_b, m2_b) = a, b
    cross, dot = tf.abs(px_a * py_b - py_a * px_b), px_a * px_b + py_a * py_b
    smaller, product, dy = tf.minimum(pt_a, pt_b), pt_a * pt_b, y_a - y_b
    delta_r = tf.sqrt(dy**2 + tf.atan2(cross, dot) ** 2)
    # pT_a pT_b (1 - cos(dphi)) and cosh(dy) - 1, without differences of what is nearly the same.
    bent = tf.where(dot > 0, cross**2 / (product + dot), product - dot)
    apart = 2 * tf.sinh(0.5 * dy) ** 2
    mass = m2_a + m2_b + 2 * (mt_a * mt_b * apart + bent + (mt_a * mt_b - product))
    values = tf.stack([smaller * delta_r, smaller / (pt_a + pt_b), delta_r, mass], axis=-1)
    return tf.math.log(tf.maximum(values, tf.constant(SMALLEST, tf.float64)))


@keras.saving.register_keras_serializable(package="rapidity")
class MaskOfPairs(keras.layers.Layer):
    """Says which pairs there are."""

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n (n - 1) / 2)``."""
        there = tf.cast(inputs > 0, inputs.dtype)
        first, second = pair_places(inputs.shape[1])
        return tf.gather(there, first, axis=1) * tf.gather(there, second, axis=1)


@keras.saving.register_keras_serializable(package="rapidity")
class SquareOfPairs(keras.layers.Layer):
    """Puts pairs, each given once, into a square."""

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n, n, n_features)``, or of a mask ``(n_events, n, n)``."""
        n_objects = count_objects(inputs.shape[1])
        further = inputs.shape[2:]
        padded = tf.pad(inputs, [(0, 0), (0, 1), *((0, 0),) * len(further)])
        places = np.array(square_places(n_objects))
        return tf.reshape(tf.gather(padded, places, axis=1), [-1, n_objects, n_objects, *further])


@keras.saving.register_keras_serializable(package="rapidity")
class TakeSomeObjects(keras.layers.Layer):
    """Keeps some of the objects.

    Parameters
    ----------
    start, count
        The first place that is kept, and how many.
    """

    def __init__(self, start: int = 0, count: int = 1, **settings: Any) -> None:
        super().__init__(**settings)
        self.start = start
        self.count = count

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, count, n_features)``."""
        return inputs[:, self.start : self.start + self.count]

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer again."""
        return {**super().get_config(), "start": self.start, "count": self.count}


@keras.saving.register_keras_serializable(package="rapidity")
class JoinClouds(keras.layers.Layer):
    """Puts the objects of several clouds one after another."""

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, sum of the n_objects, n_features)``."""
        return tf.concat(inputs, axis=1)


@keras.saving.register_keras_serializable(package="rapidity")
class RowToToken(keras.layers.Layer):
    """Makes one object of a row."""

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, 1, n_features)``."""
        return inputs[:, tf.newaxis]


@keras.saving.register_keras_serializable(package="rapidity")
class MaskOfOnes(keras.layers.Layer):
    """Says that all objects are there."""

    def call(self, inputs: Any) -> Any:
        """Return ``(n_events, n_objects)``."""
        return tf.ones_like(inputs[..., 0])


GRAPH_LAYERS: Mapping[type[Any], tuple[str, Mapping[str, str]]] = {
    NearestNeighbours: ("neighbours", {"k": "k"}),
    EdgesOfObjects: ("edges", {}),
    FeaturesOfPairs: ("pair_features", {"without_momentum": "without_momentum"}),
    MaskOfPairs: ("pair_mask", {}),
    SquareOfPairs: ("square_pairs", {}),
    JoinClouds: ("join_objects", {}),
    TakeSomeObjects: ("take_objects", {"start": "start", "count": "count"}),
    RowToToken: ("to_token", {}),
    MaskOfOnes: ("full_mask", {}),
}
"""Layer of our own -> the `type` that it stands for, and key in YAML -> attribute that holds it."""


def lower_neighbours(node: Node, layer: Neighbours, name: str) -> Lowered:
    """Return the search for neighbours."""
    return Lowered(NearestNeighbours(layer.k, name=name, **FLOAT))


def lower_edges(node: Node, layer: object, name: str) -> Lowered:
    """Return the edges."""
    return Lowered(EdgesOfObjects(name=name, **FLOAT))


def lower_pair_features(node: Node, layer: PairFeatures, name: str) -> Lowered:
    """Return the features of pairs."""
    return Lowered(FeaturesOfPairs(layer.without_momentum, name=name, **FLOAT))


def lower_pair_mask(node: Node, layer: object, name: str) -> Lowered:
    """Return the mask of pairs."""
    return Lowered(MaskOfPairs(name=name, **FLOAT))


def lower_square_pairs(node: Node, layer: object, name: str) -> Lowered:
    """Return pairs in a square."""
    return Lowered(SquareOfPairs(name=name, **FLOAT))


def lower_join_objects(node: Node, layer: object, name: str) -> Lowered:
    """Return clouds one after another."""
    return Lowered(JoinClouds(name=name, **FLOAT))


def lower_take_objects(node: Node, layer: TakeObjects, name: str) -> Lowered:
    """Return some of the objects."""
    return Lowered(TakeSomeObjects(layer.start, layer.count, name=name, **FLOAT))


def lower_to_token(node: Node, layer: object, name: str) -> Lowered:
    """Return a row as an object."""
    return Lowered(RowToToken(name=name, **FLOAT))


def lower_full_mask(node: Node, layer: object, name: str) -> Lowered:
    """Return a mask of ones."""
    return Lowered(MaskOfOnes(name=name, **FLOAT))
