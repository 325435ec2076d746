"""What a pair of momenta looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from rapidity.network.layer import Layer, Shape, ShapeError
from rapidity.network.layers.masks import masked_token_shape
from rapidity.network.layers.pairs import count_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALLEST = 1e-8
"""What a quantity is at least before its logarithm is taken."""
PAIR_FEATURES = ("ln kT", "ln z", "ln delta R", "ln m2")


class PairFeatures(Layer):
    """Computes ln kT, ln z, ln delta R and ln m2 of each pair of objects from their momenta.

    With the rapidity y, ``delta R^2 = (y_a - y_b)^2 + (phi_a - phi_b)^2``, ``z = min(pT) / sum(pT)``,
    ``kT = min(pT) delta R`` and ``m2 = (E_a + E_b)^2 - |p_a + p_b|^2``; each is 1e-8 at least before its
    logarithm is taken. Inputs: momenta ``(n, 4)`` as px, py, pz and energy, not scaled; and their mask, if
    any. The result ``(n (n - 1) / 2, 4)`` has each pair once: (1, 2), (1, 3), ..., (2, 3), ...;
    `square_pairs` makes a square of it. An energy below the momentum counts as the momentum. Pairs with an
    object that is not there, or that has no transverse momentum, get zeros. Rotations about the beam and
    boosts along it change nothing. Computed in float64, since angles and masses of neighbours are small
    differences; no gradient flows to the momenta. Source: Qu, Li and Qian, arXiv:2202.03772, equations 3
    to 6.

    The engines take the mass of a pair as ``m_a^2 + m_b^2 + 2 (mT_a mT_b cosh(dy) - pT_a pT_b cos(dphi))``,
    without the cancellations of the sums: equal directions of massless objects give exactly zero.
    """

    type: Literal["pair_features"]
    without_momentum: Annotated[int, Field(ge=0)] = 0
    """Number of objects that follow those of the input and have no momentum, such as tables among clouds:
    their pairs get zeros."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Return ``(n (n - 1) / 2, 4)``."""
        n_objects, n_components = masked_token_shape(shapes)
        if n_components != 4 or n_objects < 2:
            raise ShapeError(
                needs="momenta (n_events, n_objects, 4) of two objects or more: px, py, pz, energy",
                cure="Name the input 'NAME.momenta', which a cloud with 'momenta:' has",
            )
        return (count_pairs(n_objects + self.without_momentum), len(PAIR_FEATURES))
