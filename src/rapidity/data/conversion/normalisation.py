r"""The physics weight of the events of a sample, from cross-section, luminosity and generator weights.

An event of generator weight :math:`w` counts

.. math:: w_\mathrm{event} = \frac{w \, \sigma \, L}{\sum w}

with the cross-section :math:`\sigma` in pb, the luminosity :math:`L` in 1/fb (1/fb = 1000/pb), and the sum
over all generated events of the sample, also those that are not selected. The weights of all of them then
add up to :math:`\sigma L`, the number of events that are expected. Negative weights (of generators
at next-to-leading order) keep their sign, in the sum as well. Without a cross-section an event counts its
generator weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rapidity.config.conversion import SUM
from rapidity.core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rapidity.config.conversion import ConversionSource

INVERSE_PB_PER_INVERSE_FB = 1000.0


@dataclass(frozen=True)
class Normalisation:
    """What the generator weights of a sample are multiplied by.

    Attributes
    ----------
    sum_of_weights
        None where no cross-section is given.
    """

    factor: float
    cross_section_pb: float | None = None
    luminosity_inverse_fb: float | None = None
    sum_of_weights: float | None = None


def needs_all_entries(source: ConversionSource) -> bool:
    """Return whether the weight of an event depends on all entries of the sample."""
    return source.sum_of_weights == SUM


def normalise(
    source: ConversionSource, luminosity: float | None, sums: Iterable[float | None], name: str
) -> Normalisation:
    """Return what the generator weights of a sample are multiplied by.

    Parameters
    ----------
    luminosity
        Of the whole conversion, in 1/fb, unless the source has its own.
    sums
        Sums of generator weights, of its parts or of the tables of its files; used unless the
        configuration gives a number.
    name
        The sample, for messages.

    Raises
    ------
    DataError
        If the sum of weights is not above zero.

    Examples
    --------
    >>> from rapidity.config.conversion import ConversionSource
    >>> source = ConversionSource(path="a.root", cross_section=2.0, sum_of_weights=4000.0)
    >>> normalise(source, 10.0, [], "a.root").factor
    5.0
    """
    if source.cross_section is None:
        return Normalisation(1.0)
    total = source.sum_of_weights
    if not isinstance(total, float):
        total = math.fsum(value for value in sums if value is not None)
    if not total > 0:
        message = (
            f"the generator weights of {name} sum to {total:g}; they are divided by their sum, which must be "
            "above zero. Check generator_weight and sum_of_weights"
        )
        raise DataError(message)
    inverse_fb = source.luminosity if source.luminosity is not None else luminosity
    factor = source.cross_section * (inverse_fb or 0.0) * INVERSE_PB_PER_INVERSE_FB / total
    return Normalisation(factor, source.cross_section, inverse_fb, total)
