"""Neighbours, edges and pairs of objects as native modules; clouds joined and taken apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rapidity.engines.torch.lowering import Lowered
from rapidity.engines.torch.token_layers import find_objects, zero_padding
from rapidity.network.layers.neighbours import MOST_EXACT_COORDINATES
from rapidity.network.layers.pair_features import SMALLEST
from rapidity.network.layers.pairs import pair_places, square_places

if TYPE_CHECKING:
    from rapidity.network import Node
    from rapidity.network.layers import Neighbours, PairFeatures, TakeObjects

BITS_OF_INFINITY = 0x7F800000
"""Of a float32; those of smaller numbers that are not negative are smaller, in their order."""


def find_distances(x: Tensor) -> Tensor:
    """Return the squared distances ``(n_events, n, n)`` of all objects, float32."""
    if x.shape[-1] <= MOST_EXACT_COORDINATES:
        total = torch.zeros((), dtype=x.dtype, device=x.device)
        for values in x.unbind(-1):
            difference = values.unsqueeze(2) - values.unsqueeze(1)
            total = total + difference * difference
        return total
    exact = x.double()
    squares = exact.square().sum(-1)
    products = torch.baddbmm(squares.unsqueeze(1), exact, exact.transpose(1, 2), alpha=-2)
    return (products + squares.unsqueeze(2)).clamp(min=0).float()


class NearestNeighbours(nn.Module):
    """Finds the nearest neighbours; no gradient flows through the choice."""

    def __init__(self, k: int) -> None:
        super().__init__()
        self.k = k

    @torch.no_grad()
    def forward(self, coordinates: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return their numbers ``(n_events, n, k)``, counted from 1; 0 for none."""
        x, n_objects = coordinates.float(), coordinates.shape[1]
        hidden = torch.eye(n_objects, dtype=torch.bool, device=x.device)
        if mask is not None:
            is_object = mask > 0
            x = zero_padding(x, is_object)
            hidden = hidden | ~(is_object.unsqueeze(1) & is_object.unsqueeze(2))
        distances = find_distances(x).masked_fill(hidden, math.inf)
        # Numbers that grow with the distance, and with the place of the object where distances are equal:
        # the choice of the largest or smallest is not stable.
        places = torch.arange(n_objects, device=x.device)
        keys = distances.contiguous().view(torch.int32).long() * n_objects + places
        nearest = keys.topk(self.k, largest=False, sorted=True).values
        numbers = nearest % n_objects + 1
        return torch.where(nearest < BITS_OF_INFINITY * n_objects, numbers, 0).to(coordinates.dtype)


class EdgesOfObjects(nn.Module):
    """Gives each object and neighbour the features ``x_i + y_j - y_i``."""

    def forward(self, x: Tensor, y: Tensor, neighbours: Tensor | None = None) -> Tensor:
        """Return ``(n_events, n, k, n_features)``."""
        shift = (x - y).unsqueeze(2)
        if neighbours is None:
            return shift + y.unsqueeze(1)
        n_events, n_objects, n_features = y.shape
        own = torch.arange(n_events * n_objects, device=y.device).view(n_events, n_objects, 1)
        first = n_objects * torch.arange(n_events, device=y.device).view(n_events, 1, 1)
        # A neighbour that is missing is the object itself.
        rows = torch.where(neighbours > 0, neighbours.long() - 1 + first, own)
        taken = nn.functional.embedding(rows.flatten(), y.reshape(-1, n_features))
        return taken.view(*rows.shape, n_features) + shift


class FeaturesOfPairs(nn.Module):
    """Computes ln kT, ln z, ln delta R and ln m2 of each pair in float64; no gradient flows."""

    first: Tensor
    second: Tensor

    def __init__(self, n_objects: int, without_momentum: int) -> None:
        super().__init__()
        self.without_momentum = without_momentum
        all_places = pair_places(n_objects + without_momentum)
        for name, places in zip(("first", "second"), all_places, strict=True):
            self.register_buffer(name, torch.from_numpy(places), persistent=False)

    @torch.no_grad()
    def forward(self, momenta: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return ``(n_events, n (n - 1) / 2, 4)``."""
        p = momenta.double()
        if mask is not None:
            p = zero_padding(p, find_objects(mask, p.shape[1]))
        p = nn.functional.pad(p, (0, 0, 0, self.without_momentum))
        objects = torch.stack(self._describe(*p.unbind(-1)))
        a, b = (objects.index_select(2, places).unbind(0) for places in (self.first, self.second))
        features = self._compare(a, b)
        is_pair = (torch.minimum(a[2], b[2]) > 0).unsqueeze(-1)
        return torch.where(is_pair, features, 0.0).to(momenta.dtype)

    @staticmethod
    def _describe(px: Tensor, py: Tensor, pz: Tensor, energy: Tensor) -> tuple[Tensor, ...]:
        """Return px, py, pT, rapidity, transverse mass and mass squared of each object."""
        squared_pt = px * px + py * py
        momentum = (squared_pt + pz * pz).sqrt()
        energy = torch.maximum(energy, momentum)
        squared_mass = (energy - momentum) * (energy + momentum)
        transverse_mass = (squared_pt + squared_mass).sqrt()
        ratio = (energy + pz.abs()) / transverse_mass
        rapidity = pz.sign() * torch.where(squared_pt > 0, ratio, 1.0).log()
        return px, py, squared_pt.sqrt(), rapidity, transverse_mass, squared_mass

    @staticmethod
    def _compare(a: tuple[Tensor, ...], b: tuple[Tensor, ...]) -> Tensor:
        (px_a, py_a, pt_a, y_a, mt_a, m2_a), (px_b, py_b, pt_b, y_b, mt_b, m2_b) = a, b
        cross, dot = (px_a * py_b - py_a * px_b).abs(), px_a * px_b + py_a * py_b
        smaller, product, dy = torch.minimum(pt_a, pt_b), pt_a * pt_b, y_a - y_b
        delta_r = (dy.square() + torch.atan2(cross, dot).square()).sqrt()
        # pT_a pT_b (1 - cos(dphi)) and cosh(dy) - 1, without differences of what is nearly the same.
        bent = torch.where(dot > 0, cross.square() / (product + dot), product - dot)
        apart = 0.5 * ((0.5 * dy).exp() - (-0.5 * dy).exp()).square()
        mass = m2_a + m2_b + 2 * (mt_a * mt_b * apart + bent + (mt_a * mt_b - product))
        values = torch.stack([smaller * delta_r, smaller / (pt_a + pt_b), delta_r, mass], dim=-1)
        return values.clamp(min=SMALLEST).log()


class MaskOfPairs(nn.Module):
    """Says which pairs there are."""

    first: Tensor
    second: Tensor

    def __init__(self, n_objects: int) -> None:
        super().__init__()
        for name, places in zip(("first", "second"), pair_places(n_objects), strict=True):
            self.register_buffer(name, torch.from_numpy(places), persistent=False)

    def forward(self, mask: Tensor) -> Tensor:
        """Return ``(n_events, n (n - 1) / 2)``."""
        there = (mask > 0).to(mask.dtype)
        return there.index_select(1, self.first) * there.index_select(1, self.second)


class SquareOfPairs(nn.Module):
    """Puts pairs, each given once, into a square."""

    places: Tensor

    def __init__(self, n_objects: int) -> None:
        super().__init__()
        self.n_objects = n_objects
        self.register_buffer("places", torch.from_numpy(square_places(n_objects)), persistent=False)

    def forward(self, pairs: Tensor) -> Tensor:
        """Return ``(n_events, n, n, n_features)``, or of a mask ``(n_events, n, n)``."""
        zero = pairs.new_zeros((len(pairs), 1, *pairs.shape[2:]))
        square = torch.cat([pairs, zero], dim=1).index_select(1, self.places)
        return square.view(len(pairs), self.n_objects, self.n_objects, *pairs.shape[2:])


class JoinClouds(nn.Module):
    """Puts the objects of several clouds one after another."""

    def forward(self, *clouds: Tensor) -> Tensor:
        """Return ``(n_events, sum of the n_objects, n_features)``."""
        return torch.cat(clouds, dim=1)


class TakeSomeObjects(nn.Module):
    """Keeps some of the objects."""

    def __init__(self, start: int, count: int) -> None:
        super().__init__()
        self.start, self.count = start, count

    def forward(self, objects: Tensor) -> Tensor:
        """Return ``(n_events, count, n_features)``."""
        return objects[:, self.start : self.start + self.count]


class RowToToken(nn.Module):
    """Makes one object of a row."""

    def forward(self, row: Tensor) -> Tensor:
        """Return ``(n_events, 1, n_features)``."""
        return row.unsqueeze(1)


class MaskOfOnes(nn.Module):
    """Says that all objects are there."""

    def forward(self, objects: Tensor) -> Tensor:
        """Return ``(n_events, n_objects)``."""
        return objects.new_ones(objects.shape[:2])


def lower_neighbours(node: Node, layer: Neighbours) -> Lowered:
    """Return the search for neighbours."""
    return Lowered(NearestNeighbours(layer.k))


def lower_pair_features(node: Node, layer: PairFeatures) -> Lowered:
    """Return the features of pairs."""
    return Lowered(FeaturesOfPairs(node.input_shapes[0][0], layer.without_momentum))


def lower_pair_mask(node: Node, layer: object) -> Lowered:
    """Return the mask of pairs."""
    return Lowered(MaskOfPairs(node.input_shapes[0][0]))


def lower_square_pairs(node: Node, layer: object) -> Lowered:
    """Return pairs in a square."""
    return Lowered(SquareOfPairs(node.shape[0]))


def lower_take_objects(node: Node, layer: TakeObjects) -> Lowered:
    """Return a part of the objects."""
    return Lowered(TakeSomeObjects(layer.start, layer.count))
