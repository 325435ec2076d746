"""The columns that make up a cloud: whose objects they are, which are kept and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rapidity.data.features import Feature
    from rapidity.expressions import Expression


@dataclass(frozen=True)
class CloudColumns:
    """Where the objects of one input come from.

    Attributes
    ----------
    collection
        Whose objects they are.
    features
        What the network sees of an object, in this order.
    n_objects
        How many are kept of an event at most.
    order_by
        The objects with the largest values come first; None: the order of the file.
    selection
        The condition that an object must fulfil; None: all.
    components
        What the momenta are given by, as in ``data.objects``; empty: no momenta.
    momenta
        px, py, pz, energy, or nothing.
    coordinates
        Where an object is, for the search of its neighbours.
    """

    collection: str
    features: tuple[Feature, ...]
    n_objects: int
    order_by: Expression | None = None
    selection: Expression | None = None
    components: Mapping[str, str] = field(default_factory=dict)
    momenta: tuple[Feature, ...] = ()
    coordinates: tuple[Feature, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Raw columns that are needed, each once."""
        return tuple(dict.fromkeys(name for expression in self.expressions for name in expression.columns))

    @property
    def expressions(self) -> Iterator[Expression]:
        """All expressions: of features, momenta, coordinates, order and selection."""
        yield from (feature.expression for feature in self.all)
        yield from (expression for expression in (self.order_by, self.selection) if expression is not None)

    @property
    def all(self) -> tuple[Feature, ...]:
        """Features, momenta and coordinates."""
        return (*self.features, *self.momenta, *self.coordinates)
